"""The moment by which a whole request must be done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

Clock = Callable[[], float]


@dataclass(frozen=True)
class Deadline:
    """`at` is a reading of `clock`, in seconds."""

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Self:
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left; raises TimeoutError when there are none."""
        seconds = self.at - self.clock()
        if seconds <= 0:
            raise TimeoutError("the time for the whole request is up")
        return seconds

    def is_past(self) -> bool:
        return self.clock() >= self.at
