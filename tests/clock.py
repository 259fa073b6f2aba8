"""Time and ids that are the same in every run of a test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from stepcall.domain.ids import uuid7


@dataclass
class Clock:
    """Stands still until it is told to go on, or somebody sleeps."""

    time: datetime = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def new_ids(clock: Clock) -> Callable[[], UUID]:
    """UUIDv7 of the clock's time, each greater than the one before."""
    numbers = count(1)
    return lambda: uuid7(clock.now(), lambda size: next(numbers).to_bytes(size, "big"))
