"""One spelling of times: ISO-8601, UTC, milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stepcall.domain.run import TimeRange
from stepcall.domain.times import print_range, print_time


@pytest.mark.parametrize(
    ("time", "printed"),
    [
        (datetime(2025, 4, 18, tzinfo=UTC), "2025-04-18T00:00:00.000Z"),
        (datetime(2025, 4, 18, 23, 59, 59, 999_999, UTC), "2025-04-18T23:59:59.999Z"),
        (datetime(2025, 4, 18, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2025-04-17T23:30:00.000Z"),
    ],
)
def test_a_time_is_printed_in_utc_with_milliseconds(time: datetime, printed: str) -> None:
    assert print_time(time) == printed


def test_a_range_is_printed_by_its_words_and_none_as_nothing() -> None:
    start = datetime(2025, 4, 18, tzinfo=UTC)
    assert print_range(TimeRange(start, start + timedelta(days=1))) == {
        "range_from": "2025-04-18T00:00:00.000Z",
        "range_to": "2025-04-19T00:00:00.000Z",
    }
    assert print_range(None) == {}
