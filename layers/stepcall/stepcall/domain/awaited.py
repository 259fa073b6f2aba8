"""A task that somebody's answer ends: nothing of ours runs until then."""

from datetime import datetime
from typing import NamedTuple


class Awaited(NamedTuple):
    """What an implementation gives that has set off what somebody else ends, or asked somebody: what is awaited."""

    message: str | None = None
    expires_at: datetime | None = None
    """After which nobody's answer is waited for."""
