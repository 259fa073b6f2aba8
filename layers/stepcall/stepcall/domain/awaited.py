"""A task that somebody's answer ends, or another run's end: nothing of ours runs until then."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Awaited(NamedTuple):
    """What an implementation gives that has set off what somebody else ends, or asked somebody: what is awaited."""

    message: str | None = None
    expires_at: datetime | None = None
    """After which nobody's answer is waited for."""
    child_run_id: UUID | None = None
    """The run whose end is awaited."""
    child_workflow_id: UUID | None = None
    """Of which workflow that is: both are its address. None where an earlier release has written it."""
    begin: Callable[[], None] | None = None
    """What is done once the task's record says what it waits for, and no sooner; not kept."""
