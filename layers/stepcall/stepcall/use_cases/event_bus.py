"""The port to the bus that tells of runs."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stepcall.domain.run_events import RunEvent


class NotTaken(NamedTuple):
    """Which event was the first that the bus did not take, counted from 0, and the code of why."""

    position: int
    code: str


class EventBus(Protocol):
    def put(self, events: Sequence[RunEvent]) -> NotTaken | None:
        """Put events in their order, until one is not taken. None when all were taken.

        Of those behind that one some may have been taken too: whoever goes on puts them again.
        """
