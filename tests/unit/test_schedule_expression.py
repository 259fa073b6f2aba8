"""Expressions of EventBridge Scheduler: what is refused and why, and when the others come."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyawscron import AWSCron

from stepcall.domain.schedule_expression import InvalidExpressionError, read_schedule

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def times(expression: str, number: int = 3, timezone: str = "UTC", after: datetime = NOW) -> list[str]:
    found = read_schedule(expression, timezone).next_times(after, number)
    return [instant.strftime("%Y-%m-%d %H:%M") for instant in found]


def faults(expression: str, timezone: str = "UTC", now: datetime | None = None) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidExpressionError) as caught:
        read_schedule(expression, timezone, now=now)
    return [(problem.location, problem.code, problem.message) for problem in caught.value.problems]


# --- When they come --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-11-23 10:00", "2026-11-24 10:00", "2026-11-25 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-22 12:15", "2026-11-23 12:15", "2026-11-24 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-23 18:00", "2026-11-24 18:00", "2026-11-25 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00", "2027-02-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-22 12:15", "2026-11-22 12:30", "2026-11-22 12:45"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-11-27 10:15", "2026-12-25 10:15", "2027-01-29 10:15"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-12-07 09:00", "2027-01-04 09:00", "2027-02-01 09:00"]),
        ("cron(0 9 ? * fri#5 *)", ["2027-01-29 09:00", "2027-04-30 09:00", "2027-07-30 09:00"]),
        ("cron(0 9 L * ? *)", ["2026-11-30 09:00", "2026-12-31 09:00", "2027-01-31 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-11-28 09:00", "2026-12-05 09:00", "2026-12-12 09:00"]),
        ("cron(0 9 1W * ? *)", ["2026-12-01 09:00", "2027-01-01 09:00", "2027-02-01 09:00"]),
        ("cron(0 9 1W 5 ? *)", ["2027-05-03 09:00", "2028-05-01 09:00", "2029-05-01 09:00"]),
        ("cron(0 9 31W 1,2,7 ? *)", ["2027-01-29 09:00", "2027-07-30 09:00", "2028-01-31 09:00"]),
        ("cron(0 0 ? JAN-MAR,12 SUN,3-4 *)", ["2026-12-01 00:00", "2026-12-02 00:00", "2026-12-06 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 0 29 2 ? 2090-2110)", ["2092-02-29 00:00", "2096-02-29 00:00", "2104-02-29 00:00"]),
        ("cron( 5,0  22-23/1 1 1/6  ? 2199 )", ["2199-01-01 22:00", "2199-01-01 22:05", "2199-01-01 23:00"]),
        ("cron(59 23 31 12 ? 2199)", ["2199-12-31 23:59"]),
        ("rate(1 minute)", ["2026-11-22 12:01", "2026-11-22 12:02", "2026-11-22 12:03"]),
        ("rate(2 days)", ["2026-11-24 12:00", "2026-11-26 12:00", "2026-11-28 12:00"]),
        ("at(2026-11-22T12:00:30)", []),
        ("at(2026-11-22T12:00:31)", ["2026-11-22 12:00"]),
    ],
)
def test_a_schedule_comes_when_it_says(expression: str, expected: list[str]) -> None:
    assert times(expression) == expected


def test_a_cron_counts_by_the_clocks_of_its_time_zone() -> None:
    assert times("cron(0 9 * 3 ? 2027)", 31, BERLIN)[26:29] == [
        "2027-03-27 08:00",
        "2027-03-28 07:00",
        "2027-03-29 07:00",
    ]
    assert times("at(2027-07-01T09:00:00)", 1, "Asia/Kathmandu") == ["2027-07-01 03:15"]
    assert times("cron(0 0 1 1 ? *)", 1, "Pacific/Kiritimati") == ["2026-12-31 10:00"]


def test_a_time_that_clocks_skip_in_spring_is_left_out() -> None:
    assert times("cron(30 2 * 3 ? 2027)", 31, BERLIN)[26:28] == ["2027-03-27 01:30", "2027-03-29 00:30"]
    around = times("cron(0/30 * 14 3 ? 2027)", 6, NEW_YORK, datetime(2027, 3, 14, 5, 59, tzinfo=UTC))
    assert around == ["2027-03-14 06:00", "2027-03-14 06:30"] + [
        f"2027-03-14 0{hour}:{half}" for hour in "78" for half in ("00", "30")
    ]


def test_a_time_that_clocks_show_twice_in_autumn_comes_once() -> None:
    assert times("cron(30 2 * 10 ? 2027)", 31, BERLIN)[29:] == ["2027-10-30 00:30", "2027-10-31 00:30"]
    within_the_second = datetime(2027, 10, 31, 1, 15, tzinfo=UTC)
    assert times("cron(30 * 31 10 ? 2027)", 1, BERLIN, within_the_second) == ["2027-10-31 02:30"]


def test_a_day_of_a_rate_has_24_hours_whatever_clocks_do() -> None:
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert times("rate(1 day)", 2, BERLIN, before) == ["2027-03-28 12:00", "2027-03-29 12:00"]


def test_a_rate_counts_from_its_first_time_and_the_others_begin_with_theirs() -> None:
    first = datetime(2026, 11, 22, 10, 2, 7, tzinfo=UTC)
    rate = read_schedule("rate(5 minutes)", "UTC")
    assert (rate.is_rate, rate.period) == (True, timedelta(minutes=5))
    assert rate.next_times(first - timedelta(days=9), 2, first) == [first, first + timedelta(minutes=5)]
    assert rate.next_times(first, 1, first) == [first + timedelta(minutes=5)]
    assert rate.next_times(NOW, 1, first) == [datetime(2026, 11, 22, 12, 2, 7, tzinfo=UTC)]
    daily = read_schedule("cron(0 9 * * ? *)", "UTC")
    assert (daily.is_rate, daily.period) == (False, None)
    start = datetime(2030, 1, 1, 9, tzinfo=UTC)
    assert daily.next_times(NOW, 1, start) == [start]
    assert daily.next_times(NOW, 1, start + timedelta(seconds=1)) == [start + timedelta(days=1)]


def test_times_are_in_utc_whatever_the_zone_of_what_they_come_after() -> None:
    [found] = read_schedule("cron(0 9 * * ? *)", BERLIN).next_times(NOW.astimezone(zoneinfo.ZoneInfo(NEW_YORK)), 1)
    assert found.tzinfo is UTC


# --- What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "This is no expression of a schedule: write `cron(0 9 ? * MON-FRI *)`"),
        ("0 9 * * ? *", "This is no expression"),
        ("Cron(0 9 * * ? *)", "This is no expression"),
        ("cron(0 9 * * ? *) ;", "This is no expression"),
        ("cron(" + "1," * 200 + ")", "at most 256 characters"),
        ("cron(0 9 * * *)", "six fields and this has 5: minutes, hours, day-of-month, month, day-of-week, year"),
        ("cron(60 9 * * ? *)", "The field minutes is out of range: it takes 0-59"),
        ("cron(0 24 * * ? *)", "The field hours is out of range: it takes 0-23"),
        ("cron(0 9 0 * ? *)", "The field day-of-month is out of range: it takes 1-31"),
        ("cron(0 9 32W * ? *)", "The field day-of-month is out of range"),
        ("cron(0 9 1,L * ? *)", "The field day-of-month cannot be read"),
        ("cron(0 9 LW * ? *)", "The field day-of-month cannot be read"),
        ("cron(0 9 * 13 ? *)", "The field month is out of range: it takes 1-12 or JAN-DEC"),
        ("cron(0 9 * JANUARY ? *)", "The field month cannot be read"),
        ("cron(0 9 ? * 0 *)", "The field day-of-week is out of range: it takes 1-7 or SUN-SAT"),
        ("cron(0 9 ? * 2/2 *)", "The field day-of-week cannot be read"),
        ("cron(0 9 ? * 3#6 *)", "The field day-of-week cannot be read"),
        ("cron(0 9 ? * 3#1,6#3 *)", "The field day-of-week cannot be read"),
        ("cron(0 9 ? * FRI-MON *)", "The field day-of-week has a range that ends before it begins"),
        ("cron(0 9 * * ? 1969)", "The field year is out of range: it takes 1970-2199"),
        ("cron(*/0 9 * * ? *)", "The field minutes has a step that is 0"),
        ("cron(*/60 9 * * ? *)", "The field minutes has a step that is 0 or leaves the field"),
        ("cron(5- 9 * * ? *)", "The field minutes cannot be read"),
        ("cron(-5 9 * * ? *)", "The field minutes cannot be read"),
        ("cron(٣ 9 * * ? *)", "The field minutes cannot be read"),
        ("cron(0 9 * * * *)", "One of day-of-month and day-of-week must be `?`"),
        ("cron(0 9 ? * ? *)", "One of day-of-month and day-of-week must be `?`"),
        ("cron(? 9 * * ? *)", "The field minutes cannot be read"),
        ("rate(0 minutes)", "A rate of 0 never comes: write `rate(1 minute)` or more"),
        ("rate(1 minutes)", "Write `minute` after 1, as in `rate(1 minute)`"),
        ("rate(5 hour)", "Write `hours` after a number above 1, as in `rate(5 hours)`"),
        ("rate(1 week)", "minutes, hours or days"),
        ("rate(1.5 hours)", "minutes, hours or days"),
        ("rate(-5 minutes)", "minutes, hours or days"),
        ("rate(999999999999 days)", "A rate is at most 36500 days"),
        ("at(2030-01-31)", "The time of `at(…)` is written YYYY-MM-DDTHH:MM:SS"),
        ("at(2030-01-31T09:00:00Z)", "without Z or an offset, as `timezone` says where"),
        ("at(2030-01-31T09:00:00.5)", "without fractions"),
        ("at(2030-02-30T09:00:00)", "There is no such date or time"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(expression: str, said: str) -> None:
    [(location, code, message)] = faults(expression)
    assert (location, code) == ("/expression", "invalid_expression")
    assert said in message


@pytest.mark.parametrize(
    "expression",
    ["cron(0 0 30 2 ? *)", "cron(0 0 31 4,6,9,11 ? *)", "cron(0 0 29 2 ? 2027)", "cron(0 0 31W 2 ? *)"],
)
def test_what_never_comes_is_refused(expression: str) -> None:
    [(location, _, message)] = faults(expression)
    assert location == "/expression"
    assert message.startswith("This never comes: none of these months has such a day")


@pytest.mark.parametrize(
    ("expression", "timezone"),
    [
        ("at(9999-12-31T23:59:59)", "America/New_York"),
        ("at(0001-01-01T00:00:00)", "Asia/Tokyo"),
        ("at(1969-12-31T23:59:59)", "UTC"),
    ],
)
def test_a_year_that_no_calendar_has_everywhere_is_refused_by_its_own_words(expression: str, timezone: str) -> None:
    [(location, code, message)] = faults(expression, timezone, now=NOW)
    assert (location, code) == ("/expression", "invalid_expression")
    assert "from 1970 to 9998" in message


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_first_and_the_last_time_of_all_come_in_every_time_zone(timezone: str) -> None:
    for expression in ("at(1970-01-01T00:00:00)", "at(9998-12-31T23:59:59)"):
        assert len(times(expression, 1, timezone, datetime(1969, 12, 1, tzinfo=UTC))) == 1


def test_a_time_that_does_not_exist_is_refused() -> None:
    [(_, _, message)] = faults("at(2027-03-28T02:30:00)", BERLIN)
    assert "put forward past this time" in message
    assert "put forward for summer time" in faults("cron(30 2 28 3 ? 2027)", BERLIN)[0][2]


def test_what_summer_time_skips_each_time_has_not_gone_by() -> None:
    expression = "cron(30 2 28 3 ? 1975,2027)"  # in 1975 Berlin had no summer time
    read_schedule(expression, BERLIN)
    assert "put forward for summer time" in faults(expression, BERLIN, now=NOW)[0][2]
    assert "its last time has gone by" in faults("cron(30 2 28 3 ? 1975)", BERLIN, now=NOW)[0][2]


@pytest.mark.parametrize("expression", ["cron(0 0 1 1 ? 2020)", "at(2026-11-22T12:00:29)"])
def test_what_never_comes_again_is_refused_by_who_says_what_time_it_is(expression: str) -> None:
    read_schedule(expression, "UTC")
    [(location, _, message)] = faults(expression, now=NOW)
    assert (location, message[:29]) == ("/expression", "This never comes again: its l")


@pytest.mark.parametrize(
    "timezone",
    [
        "",
        "Europe",
        "Europe/Berln",
        "europe/berlin",
        "../UTC",
        "/etc/localtime",
        "right/UTC",
        "localtime",
        "x" * 4000,
        "a\0b",
    ],
)
def test_an_unknown_time_zone_is_told_beside_what_is_wrong_with_the_expression(timezone: str) -> None:
    found = faults("cron(60 24 * * * *)", timezone)
    assert [location for location, _, _ in found] == ["/expression"] * 3 + ["/timezone"]
    assert found[-1][1] == "unknown_timezone"


def test_a_misspelled_time_zone_is_told_with_the_nearest_one() -> None:
    assert faults("rate(1 day)", "Europe/Berln")[0][2].endswith("did you mean `Europe/Berlin`?")


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "Etc/GMT+8", "US/Pacific"])
def test_time_zones_are_known_where_the_machine_has_none(timezone: str, no_system_zones: None) -> None:
    assert read_schedule("rate(1 day)", timezone).zone.key == timezone


@pytest.fixture
def no_system_zones(tmp_path: Path) -> Iterator[None]:
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


# --- Against another implementation ----------------------------------------------------------------------------------


def a_field(lowest: int, highest: int) -> st.SearchStrategy[str]:
    """What pyawscron reads as the documentation says: no lists of steps."""
    value = st.integers(lowest, highest)
    span = st.tuples(value, value).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.tuples(st.one_of(st.just("*"), value.map(str), span), st.integers(1, highest - lowest)).map(
        lambda parts: f"{parts[0]}/{parts[1]}"
    )
    return st.one_of(
        st.just("*"), st.lists(st.one_of(value.map(str), span), min_size=1, max_size=3).map(",".join), step
    )


WEEKDAY = st.integers(1, 7)
DAYS = st.one_of(
    st.one_of(a_field(1, 31), st.just("L"), st.integers(1, 31).map(lambda day: f"{day}W")).map(
        lambda text: (text, "?")
    ),
    st.one_of(
        st.lists(WEEKDAY.map(str), min_size=1, max_size=3).map(",".join),
        WEEKDAY.map(lambda day: f"{day}L"),
        st.tuples(WEEKDAY, st.integers(1, 4)).map(lambda nth: f"{nth[0]}#{nth[1]}"),
    ).map(lambda text: ("?", text)),
)


@settings(max_examples=60, deadline=None)
@given(a_field(0, 59), a_field(0, 23), DAYS, a_field(1, 12), st.integers(0, 12_000))
def test_times_are_those_that_pyawscron_finds(
    minutes: str, hours: str, days: tuple[str, str], months: str, days_on: int
) -> None:
    fields, after = f"{minutes} {hours} {days[0]} {months} {days[1]} *", NOW + timedelta(days=days_on)
    try:
        expected = AWSCron.get_next_n_schedule(3, after, fields)
    except Exception:  # it gives up where a date is more than ten steps away
        assume(False)
    assert read_schedule(f"cron({fields})", "UTC").next_times(after, 3) == expected


@settings(max_examples=40, deadline=None)
@given(
    a_field(0, 59),
    a_field(0, 23),
    DAYS,
    st.sampled_from([BERLIN, NEW_YORK, "Australia/Lord_Howe", "Africa/Casablanca"]),
)
def test_times_ascend_and_are_what_the_clocks_of_the_zone_then_show(
    minutes: str, hours: str, days: tuple[str, str], timezone: str
) -> None:
    local, utc = (read_schedule(f"cron({minutes} {hours} {days[0]} * {days[1]} *)", zone) for zone in (timezone, "UTC"))
    found = local.next_times(NOW, 200)
    assert all(earlier < later for earlier, later in pairwise(found))
    shown = [instant.astimezone(local.zone).replace(tzinfo=UTC) for instant in found]
    assert set(shown) <= set(utc.next_times(shown[0] - timedelta(minutes=1), 1000))


@given(st.text(alphabet="cronateat()0123456789*/-,?LW# MON", max_size=40))
def test_whatever_is_written_is_read_or_refused(expression: str) -> None:
    try:
        read = read_schedule(expression, "UTC")
    except InvalidExpressionError as exc:
        assert exc.problems  # noqa: PT017 - either outcome is right
    else:
        assert read.next_times(datetime(1960, 1, 1, tzinfo=UTC), 1)


@pytest.mark.parametrize(
    "expression", ["cron(0 0 29 2 ? 2196)", "cron(* * 31W * ? *)", "cron(* * ? * 1#5 *)", "cron(0 0 31 12 ? 2199)"]
)
def test_a_schedule_that_is_far_away_is_found_by_months(expression: str) -> None:
    assert len(times(expression, 1, "Antarctica/Troll", datetime(1969, 1, 1, tzinfo=UTC))) == 1
