"""ISO 8601, as much of a time as there is: read as the standard library reads it, and nothing else is."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amperity_api.timestamps import LATE_YEAR, TIMESTAMP, one_day_after, read_timestamp
from stepcall.runtime.http import InvalidRequestError

EXAMPLES = "such as `2025-04-18`, `2025-04-18T15:30` or `2025-04-18T15:30:00.000+02:00`."
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# a day from both ends of time, so that any offset leaves it within
TIMES = st.datetimes(datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30"), timezones=OFFSETS)


@given(TIMES, st.sampled_from(["T", "t", " "]))
def test_a_whole_time_is_the_same_as_pythons_own_reading(time: datetime, separator: str) -> None:
    text = time.isoformat(separator)
    assert read_timestamp(text, "x") == datetime.fromisoformat(text.upper()) == time
    assert read_timestamp(text, "x").tzinfo is UTC


@given(TIMES)
def test_a_plus_that_a_form_has_made_a_space_is_a_plus(time: datetime) -> None:
    assert read_timestamp(time.isoformat().replace("+", " "), "x") == time


@given(TIMES)
def test_an_offset_is_taken_without_its_colon(time: datetime) -> None:
    date, _, offset = time.isoformat().rpartition(":")
    assert read_timestamp(date + offset, "x") == time


@given(st.from_regex(TIMESTAMP, fullmatch=True))
@example("2025-04-18T00:00+02:60")
def test_what_has_the_form_is_read_as_python_reads_it_or_refused(text: str) -> None:
    date, time_of_day = (text + "0001-01-01"[len(text) :])[:10], text[11:].upper().replace(" ", "+")
    written = f"{date}T{time_of_day or '00'}"
    written += "" if re.search("Z|[+-][0-9:]+$", time_of_day) else "Z"
    try:
        time = read_timestamp(text, "x")
    except InvalidRequestError:
        return
    assert time == datetime.fromisoformat(written)


@given(st.text(max_size=40).filter(lambda text: not TIMESTAMP.fullmatch(text) and not LATE_YEAR.fullmatch(text)))
def test_nothing_that_was_sent_is_repeated(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_timestamp(text, "range_from")
    assert str(refused.value) == f"`range_from` must be an ISO 8601 time, {EXAMPLES}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-04", datetime(2025, 4, 1, tzinfo=UTC)),
        ("2025-04-18", datetime(2025, 4, 18, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2025-04-18T15", datetime(2025, 4, 18, 15, tzinfo=UTC)),
        ("2025-04-18 15:33", datetime(2025, 4, 18, 15, 33, tzinfo=UTC)),
        ("2025-04-18T15:33:51.724Z", datetime(2025, 4, 18, 15, 33, 51, 724000, UTC)),
        ("2025-04-18T15:33:51.123456789Z", datetime(2025, 4, 18, 15, 33, 51, 123456, UTC)),
        ("2025-04-18T15:33:51,5", datetime(2025, 4, 18, 15, 33, 51, 500000, UTC)),
        ("2025-04-18T15+02", datetime(2025, 4, 18, 13, tzinfo=UTC)),
        ("2025-04-18T00:00:00-0530", datetime(2025, 4, 18, 5, 30, tzinfo=UTC)),
        ("2025-04-18 00:00 02:00", datetime(2025, 4, 17, 22, tzinfo=UTC)),
    ],
)
def test_times_as_they_are_written(text: str, expected: datetime) -> None:
    assert read_timestamp(text, "x") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "25", "2025-4-18", "2025-04-18T", "2025-04-18Z", "2025-04-18+02:00", "20250418", "2025-108"),
        *("2025-04-18T15:33:51.", "2025-04-18T15:33:51.1234567890123456789", "2025-04-18T15:3", "2025-04-18  15:33"),
        *("2025-04-31", "2025-02-29", "2025-13", "0000", "2025-00-01", "2025-04-18T24", "2025-04-18T23:60"),
        *("2025-04-18T23:59:60", "2025-04-18T00:00+24:00", "2025-04-18T00:00+02:60", "0001-01-01T00:00+01:00"),
        *("9999-12-31T23:59-01:00", "٢٠٢٥", "2025-04-18\n", "1745000000", "now", "2025-W16-5"),
    ],
)
def test_what_is_no_time_is_refused_with_an_example_of_one(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"`created_to` .* such as `2025-04-18`"):
        read_timestamp(text, "created_to")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        *((day, "has an offset and no time of day") for day in ("2025-04-18Z", "2025-04-18+02:00", "2025-04-18-05")),
        *((late, "is later than the year 9999") for late in ("10000-01-01", "+010000-01-01T00:00Z", "99999-1")),
        *((other, "must be an ISO 8601 time") for other in ("2025-0418", "20250418", "1745000000", "2025-04-18Zz")),
    ],
)
def test_a_likely_mistake_is_named(text: str, fault: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^`x` {fault}[;,]"):
        read_timestamp(text, "x")


def test_one_day_after_is_24_hours_and_the_last_day_has_none() -> None:
    assert one_day_after(datetime(2025, 3, 30, 1, tzinfo=UTC), "x") == datetime(2025, 3, 31, 1, tzinfo=UTC)
    with pytest.raises(InvalidRequestError, match="has no day after it"):
        one_day_after(datetime(9999, 12, 31, tzinfo=UTC), "x")
