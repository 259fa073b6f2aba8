"""The bucket's arithmetic, beside a bucket that is kept the plain way: tokens as exact fractions."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.access import RateLimit
from stepcall.domain.rate_limit import (
    NEVER_USED,
    SECOND,
    RateLimitedError,
    interval,
    latest,
    microseconds_of,
    remaining,
    take,
    until_more,
    whole_seconds,
)

NOW = 1_795_252_532_123_456
DEFAULT = RateLimit()
# those whose interval is a whole number of microseconds, and those whose is not
LIMITS = st.builds(RateLimit, st.one_of(st.sampled_from([1, 2, 5, 10, 1000]), st.integers(1, 2000)), st.integers(1, 50))
GAPS = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 200_000), st.integers(0, 5 * SECOND)), max_size=120)


@dataclass
class PlainBucket:
    """Tokens that come back one per interval, up to the burst."""

    limit: RateLimit
    tokens: Fraction = field(init=False)
    time: int = NOW

    def __post_init__(self) -> None:
        self.tokens = Fraction(self.limit.burst)

    def go_on_to(self, now: int) -> None:
        self.tokens = min(self.tokens + Fraction(now - self.time, interval(self.limit)), Fraction(self.limit.burst))
        self.time = now

    def take(self) -> bool:
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def is_taken(tat: int, now: int, limit: RateLimit) -> bool:
    try:
        take(tat, now, limit)
    except RateLimitedError:
        return False
    return True


def starts_of(limit: RateLimit, times: list[int]) -> list[int]:
    """The times at which a start was allowed."""
    tat, allowed = NEVER_USED, list[int]()
    for now in times:
        if is_taken(tat, now, limit):
            tat = take(tat, now, limit)
            allowed.append(now)
    return allowed


@given(LIMITS, GAPS)
def test_it_allows_what_a_bucket_of_tokens_allows_and_says_how_many_are_left(limit: RateLimit, gaps: list[int]) -> None:
    plain, tat = PlainBucket(limit), NEVER_USED
    for now in accumulate(gaps, initial=NOW):
        plain.go_on_to(now)
        assert remaining(tat, now, limit) == int(plain.tokens)
        taken = plain.take()
        assert is_taken(tat, now, limit) is taken
        if taken:
            tat = take(tat, now, limit)
        assert remaining(tat, now, limit) == int(plain.tokens)


@given(LIMITS, GAPS)
def test_no_window_has_more_starts_than_the_burst_and_what_comes_back_in_it(limit: RateLimit, gaps: list[int]) -> None:
    allowed = starts_of(limit, list(accumulate(gaps, initial=NOW)))
    for first, since in enumerate(allowed):
        for last in range(first, len(allowed)):
            span = allowed[last] - since
            assert last - first + 1 <= limit.burst + Fraction(limit.per_second * span, SECOND)


@given(LIMITS, GAPS)
def test_who_is_refused_is_allowed_after_the_wait_and_not_a_microsecond_before(
    limit: RateLimit, gaps: list[int]
) -> None:
    tat = NEVER_USED
    for now in accumulate(gaps, initial=NOW):
        if is_taken(tat, now, limit):
            tat = take(tat, now, limit)
            continue
        with pytest.raises(RateLimitedError) as raised:
            take(tat, now, limit)
        wait = raised.value.wait
        assert (raised.value.tat, remaining(tat, now, limit)) == (tat, 0)
        assert wait == until_more(tat, now, limit) > 0
        assert is_taken(tat, now + wait, limit)
        assert not is_taken(tat, now + wait - 1, limit)


@given(LIMITS, GAPS)
def test_there_is_one_more_when_it_says_and_not_a_microsecond_before(limit: RateLimit, gaps: list[int]) -> None:
    tat = NEVER_USED
    for now in accumulate(gaps, initial=NOW):
        if is_taken(tat, now, limit):
            tat = take(tat, now, limit)
        left, wait = remaining(tat, now, limit), until_more(tat, now, limit)
        assert wait > 0  # one was just taken, or none was left
        assert remaining(tat, now + wait, limit) == left + 1
        assert remaining(tat, now + wait - 1, limit) == left


def test_a_bucket_that_was_never_used_is_full_and_no_fuller_for_standing_long() -> None:
    for tat in (NEVER_USED, NOW - 10**12, NOW):
        assert (remaining(tat, NOW, DEFAULT), until_more(tat, NOW, DEFAULT)) == (20, 0)
    assert len(starts_of(DEFAULT, [NOW] * 500)) == 20


def test_the_default_is_ten_in_a_second_after_twenty_at_once() -> None:
    every_millisecond = [NOW + number * 1000 for number in range(10_000)]
    assert len(starts_of(DEFAULT, every_millisecond)) == 20 + 99  # the hundredth comes back at 10 s, not before
    assert interval(DEFAULT) == 100_000
    assert latest(NOW, DEFAULT) == NOW + 1_900_000


def test_a_rate_that_does_not_divide_a_second_is_never_exceeded() -> None:
    limit = RateLimit(per_second=3, burst=1)
    assert interval(limit) == 333_334
    assert len(starts_of(limit, [NOW + number * 1000 for number in range(1000)])) == 3
    assert starts_of(limit, [NOW, NOW + 333_333]) == [NOW]


def test_a_bucket_that_has_gone_further_than_its_limit_allows_refuses_until_it_is_back() -> None:
    tat = NOW + 60 * SECOND  # as a key's larger limit, or a clock that was ahead, left it
    assert (remaining(tat, NOW, DEFAULT), until_more(tat, NOW, DEFAULT)) == (0, 60 * SECOND - 1_900_000)


def test_a_refusal_says_what_is_allowed_and_in_how_many_whole_seconds() -> None:
    with pytest.raises(RateLimitedError) as raised:
        take(NOW + 4_900_001, NOW, DEFAULT)
    assert (raised.value.wait, raised.value.retry_after) == (3_000_001, 4)
    assert str(raised.value) == (
        "This key may start 10 executions per second, and 20 at one moment. Try again after 4 seconds."
    )
    with pytest.raises(RateLimitedError, match=r"1 execution per second, and 1 at one moment\. Try again after 1 sec"):
        take(NOW + 1, NOW, RateLimit(1, 1))


@pytest.mark.parametrize(("span", "seconds"), [(0, 0), (1, 1), (SECOND, 1), (SECOND + 1, 2)])
def test_seconds_are_rounded_up(span: int, seconds: int) -> None:
    assert whole_seconds(span) == seconds


def test_times_are_exact_to_the_microsecond() -> None:
    time = datetime(2026, 11, 21, 9, 15, 32, 532233, UTC)
    assert microseconds_of(time + timedelta(microseconds=1)) - microseconds_of(time) == 1
    assert microseconds_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert microseconds_of(time) == 1_795_252_532_532_233
