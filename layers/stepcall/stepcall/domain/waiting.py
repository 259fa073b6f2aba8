"""A task that only waits: its worker is invoked before and after, and nothing runs between."""

from datetime import datetime, timedelta
from typing import NamedTuple

from stepcall.domain.times import print_time

FLOW_WAIT = "Flow.Wait"
LONGEST_WAIT = timedelta(days=365)
"""Step Functions ends an execution after a year."""


class PreparedWait(NamedTuple):
    """What an implementation gives in the first invocation: when the machine goes on, in UTC, to the second."""

    until: str

    @classmethod
    def to(cls, time: datetime) -> "PreparedWait":
        """No earlier than that: a Wait state is told whole seconds."""
        return cls(print_time(time if time.microsecond == 0 else time + _second_left(time), "seconds"))

    @classmethod
    def past(cls, now: datetime) -> "PreparedWait":
        """No wait at all."""
        return cls(print_time(now, "seconds"))


def _second_left(time: datetime) -> timedelta:
    return timedelta(microseconds=1_000_000 - time.microsecond)
