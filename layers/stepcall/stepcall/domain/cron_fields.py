"""The six fields of EventBridge Scheduler's `cron(…)`, and the dates and times that they name.

Source: docs.aws.amazon.com/scheduler, "Schedule types in EventBridge Scheduler", Cron-based schedules.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import product

from stepcall.domain.errors import StepcallError

EXAMPLE = "cron(0 9 ? * MON-FRI *)"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SPAN = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[0-9]{1,4}))?", re.ASCII)
_NEAREST = re.compile(r"(?P<day>[0-9]{1,2})W")
_LAST = re.compile(r"(?P<weekday>[A-Za-z0-9]{1,3})L")
_NTH = re.compile(r"(?P<weekday>[A-Za-z0-9]{1,3})#(?P<week>[1-5])")
SATURDAY, SUNDAY = 7, 1
PickDays = Callable[[int, int], set[int]]
"""The days of a month, by year and month."""


class CronFaultsError(StepcallError):
    """What is wrong with the fields, a sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    takes_steps: bool = True
    also: str = ""
    """What else it may be, in words."""

    @property
    def rule(self) -> str:
        named = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        step = ", and steps such as `*/2`" if self.takes_steps else ""
        return f"{self.lowest}-{self.highest}{named}, `*`, lists `,` and ranges `-`{step}{self.also}"

    def fault(self, reason: str = "") -> str:
        return f"The field {self.name} {reason or 'cannot be read'}: it takes {self.rule}."

    def value(self, text: str) -> int:
        """Raises ValueError."""
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.lowest
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else -1
        if not self.lowest <= value <= self.highest:
            raise ValueError(self.fault("is out of range" if text.isdigit() else ""))
        return value

    def values(self, text: str) -> set[int]:
        """All that a list names. Raises ValueError."""
        return {value for span in text.split(",") for value in self._span(span)}

    def _span(self, text: str) -> range:
        read = _SPAN.fullmatch(text)
        if read is None or (read["first"] == "*" and read["last"]) or (read["step"] and not self.takes_steps):
            raise ValueError(self.fault())
        first = self.lowest if read["first"] == "*" else self.value(read["first"])
        is_open = read["first"] == "*" or read["step"]
        last = self.value(read["last"]) if read["last"] else self.highest if is_open else first
        if last < first:
            raise ValueError(self.fault("has a range that ends before it begins"))
        return range(first, last + 1, self._step(read["step"]))

    def _step(self, text: str | None) -> int:
        step = int(text or 1)
        if not 1 <= step <= max(self.highest - self.lowest, 1):
            raise ValueError(self.fault("has a step that is 0 or leaves the field"))
        return step


MINUTES = _Field("minutes", 0, 59)
HOURS = _Field("hours", 0, 23)
DAY_OF_MONTH = _Field(
    "day-of-month", 1, 31, also="; or alone `?`, `L` for the last day, or `15W` for the weekday nearest to it"
)
MONTH = _Field("month", 1, 12, _MONTHS)
DAY_OF_WEEK = _Field(
    "day-of-week",
    1,
    7,
    _WEEKDAYS,
    takes_steps=False,
    also=" (1 is Sunday); or alone `?`, `L` for Saturday, `6L` for the month's last Friday, or `6#2` for its second",
)
YEAR = _Field("year", 1970, 2199)
FIELDS = (MINUTES, HOURS, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR)
_ORDER = ", ".join(field.name for field in FIELDS)


@dataclass(frozen=True, slots=True)
class CronDates:
    """What the fields say together."""

    times: tuple[time, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    pick_days: PickDays

    def from_date(self, first: date) -> Iterator[datetime]:
        """Every date and time from that day on, in order, without a time zone."""
        months = (
            (year, month) for year, month in product(self.years, self.months) if (year, month) >= first.timetuple()[:2]
        )
        for year, month in months:
            for day in sorted(self.pick_days(year, month)):
                if (found := date(year, month, day)) >= first:
                    yield from (datetime.combine(found, at) for at in self.times)


def read_cron(text: str) -> CronDates:
    """The text between the brackets. Raises CronFaultsError."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise CronFaultsError([f"cron has six fields and this has {len(fields)}: {_ORDER}, as in `{EXAMPLE}`."])
    minutes, hours, day_of_month, month, day_of_week, year = fields
    faults: list[str] = []
    read = {
        field: _read(field, written, faults)
        for field, written in zip((MINUTES, HOURS, MONTH, YEAR), (minutes, hours, month, year), strict=True)
    }
    pick_days = _read_days(day_of_month, day_of_week, faults)
    if faults:
        raise CronFaultsError(faults)
    times = tuple(time(hour, minute) for hour, minute in product(read[HOURS], read[MINUTES]))
    return CronDates(times, tuple(read[MONTH]), tuple(read[YEAR]), pick_days)


def _read(field: _Field, text: str, faults: list[str]) -> list[int]:
    try:
        return sorted(field.values(text))
    except ValueError as exc:
        faults.append(str(exc))
        return []


def _read_days(day_of_month: str, day_of_week: str, faults: list[str]) -> PickDays:
    if (day_of_month == "?") == (day_of_week == "?"):
        faults.append(
            "One of day-of-month and day-of-week must be `?`, and the other must not: the one that says the days stays."
        )
    pick: PickDays = lambda _year, _month: set()  # noqa: E731 - what stands for a fault
    for text, read in ((day_of_month, _month_days), (day_of_week, _week_days)):
        try:
            pick = pick if text == "?" else read(text)
        except ValueError as exc:
            faults.append(str(exc))
    return pick


def _month_days(text: str) -> PickDays:
    if text == "L":
        return lambda year, month: {_length(year, month)}
    if nearest := _NEAREST.fullmatch(text):
        day = DAY_OF_MONTH.value(nearest["day"])
        return lambda year, month: _nearest_weekday(year, month, day)
    days = DAY_OF_MONTH.values(text)
    return lambda year, month: {day for day in days if day <= _length(year, month)}


def _week_days(text: str) -> PickDays:
    if last := _LAST.fullmatch(text):
        weekday = DAY_OF_WEEK.value(last["weekday"])
        return lambda year, month: {max(_days_on(year, month, {weekday}))}
    if nth := _NTH.fullmatch(text):
        weekday, week = DAY_OF_WEEK.value(nth["weekday"]), int(nth["week"])
        return lambda year, month: {day for day in _days_on(year, month, {weekday}) if (day - 1) // 7 + 1 == week}
    weekdays = {SATURDAY} if text == "L" else DAY_OF_WEEK.values(text)
    return lambda year, month: _days_on(year, month, weekdays)


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _days_on(year: int, month: int, weekdays: set[int]) -> set[int]:
    """By Scheduler's numbers of them: Sunday is 1."""
    begins, length = calendar.monthrange(year, month)  # Monday is 0
    return {day for day in range(1, length + 1) if (begins + day) % 7 + 1 in weekdays}


def _nearest_weekday(year: int, month: int, day: int) -> set[int]:
    """From Monday to Friday and in the month; none in a month that has no such day."""
    weekdays = _days_on(year, month, {2, 3, 4, 5, 6})
    if day > _length(year, month):
        return set()
    return {min(weekdays, key=lambda found: (abs(found - day), -found if found > day else 0))}
