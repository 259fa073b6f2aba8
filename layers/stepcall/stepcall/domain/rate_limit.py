"""How many starts a caller may make, or requests a tenant: the generic cell rate algorithm, a token bucket whose whole
state is one time.

`tat`, the theoretical arrival time, is when the bucket will be full again; one in the past is a full bucket, and one
that was never used has none (0). Times are whole microseconds since 1970, spans whole microseconds.
Source: ITU-T I.371, the generic cell rate algorithm by virtual scheduling.
"""

from datetime import datetime, timedelta

from stepcall.domain.access import RateLimit
from stepcall.domain.errors import StepcallError, count
from stepcall.domain.ids import EPOCH

SECOND = 1_000_000
NEVER_USED = 0


class RateLimitedError(StepcallError):
    """No start is allowed now. `wait` is the time until one is; `tat` is where the bucket stands.

    Whoever counts something else than starts says so in a class of its own.
    """

    def __init__(self, limit: RateLimit, tat: int, wait: int) -> None:
        starts = count(limit.per_second, "execution")
        self.tat = tat
        self.wait = wait
        super().__init__(
            f"This key may start {starts} per second, and {limit.burst} at one moment. "
            f"Try again after {count(self.retry_after, 'second')}."
        )

    @property
    def retry_after(self) -> int:
        """Whole seconds after which a start is allowed, if nobody else makes it."""
        return whole_seconds(self.wait)


def microseconds_of(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def whole_seconds(span: int) -> int:
    """Rounded up: who waits that long has waited long enough."""
    return -(-span // SECOND)


def interval(limit: RateLimit) -> int:
    """The time in which one start comes back; rounded up, so that never more than `per_second` do."""
    return -(-SECOND // limit.per_second)


def latest(now: int, limit: RateLimit) -> int:
    """The latest `tat` that leaves room for a start."""
    return now + (limit.burst - 1) * interval(limit)


def take(tat: int, now: int, limit: RateLimit) -> int:
    """The `tat` after one more start. Raises RateLimitedError."""
    if tat > latest(now, limit):
        raise RateLimitedError(limit, tat, tat - latest(now, limit))
    return max(tat, now) + interval(limit)


def remaining(tat: int, now: int, limit: RateLimit) -> int:
    """How many starts are allowed at this moment."""
    room = limit.burst * interval(limit) - max(tat - now, 0)
    return max(room // interval(limit), 0)


def until_more(tat: int, now: int, limit: RateLimit) -> int:
    """The time until one more start than now is allowed: 0 when the bucket is full."""
    if tat <= now:
        return 0
    return tat - now - (limit.burst - remaining(tat, now, limit) - 1) * interval(limit)
