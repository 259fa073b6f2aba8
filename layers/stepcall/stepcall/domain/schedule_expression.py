"""When a schedule comes: `cron(…)`, `rate(…)` and `at(…)` as EventBridge Scheduler reads them.

Source: docs.aws.amazon.com/scheduler, "Schedule types in EventBridge Scheduler".
docs/decisions/2026-11-21-schedule-expressions.md.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from stepcall.domain.cron_fields import EXAMPLE, CronDates, CronFaultsError, read_cron
from stepcall.domain.errors import Problem, StepcallError, count
from stepcall.domain.model_problems import Suggester

EXPRESSION, TIMEZONE = "/expression", "/timezone"
MAX_EXPRESSION_LENGTH = 256
MAX_TIMEZONE_LENGTH = 50
MAX_PERIOD = timedelta(days=36_500)
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Of `at(…)`: outside of them another zone's clocks may show a year that no calendar here has."""
_FORM = re.compile(r"(?P<kind>cron|rate|at)\((?P<said>.*)\)", re.DOTALL)
_RATE = re.compile(r"(?P<value>[0-9]{1,12})\s+(?P<unit>minute|hour|day)(?P<plural>s?)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_FORMS = f"`{EXAMPLE}`, `rate(5 minutes)` or `at(2030-01-31T09:00:00)`"
_SKIPPED = (
    "This never comes: clocks in that time zone are put forward for summer time past each time that it names. Take "
    "another hour, or a time zone without summer time, such as `UTC`."
)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(days=1)
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_NOT_IANA = re.compile(r"(posix|right)/.*|localtime|posixrules|Factory")
"""What lies among the files of time zones, and no service knows by name."""


class InvalidExpressionError(StepcallError):
    """There is no such schedule. `problems` says all that is wrong, at `/expression` and at `/timezone`."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"The schedule has {count(len(problems), 'problem')}.")
        self.problems = problems


ReadT = TypeVar("ReadT")


class _Times(Protocol):
    def instants(self, zone: ZoneInfo, after: datetime, starts_at: datetime | None) -> Iterator[datetime]:
        """In order, in UTC; the first of them may not be after `after` yet."""


@dataclass(frozen=True, slots=True)
class ScheduleExpression:
    """An expression that was read."""

    times: _Times
    zone: ZoneInfo
    period: timedelta | None = None
    """Of a `rate(…)`, whose times count from its first; of the others None."""

    @property
    def is_rate(self) -> bool:
        return self.period is not None

    def next_times(self, after: datetime, count: int, starts_at: datetime | None = None) -> list[datetime]:
        """The first times after `after`, and not before `starts_at`, in UTC; fewer when no more come.

        A `rate(…)` counts from `starts_at`, its first time; where that is None its first is one period after `after`.
        """
        found = self.times.instants(self.zone, after, starts_at)
        later = (one for one in found if one > after and (starts_at is None or one >= starts_at))
        return list(islice(later, count))


def read_schedule(expression: str, timezone: str, *, now: datetime | None = None) -> ScheduleExpression:
    """Raises InvalidExpressionError, also for a schedule that never comes, or never again after `now`."""
    problems: list[Problem] = []
    times = _read(lambda: _read_times(expression), problems)
    zone = _read(lambda: _read_zone(timezone), problems)
    if zone is None or times is None:
        raise InvalidExpressionError(problems)
    read = ScheduleExpression(times, zone, times.period if isinstance(times, _Rate) else None)
    _refuse_what_never_comes(read, now)
    return read


def _read(read: Callable[[], ReadT], problems: list[Problem]) -> ReadT | None:
    try:
        return read()
    except InvalidExpressionError as exc:
        problems += exc.problems
        return None


def _invalid(message: str) -> InvalidExpressionError:
    return InvalidExpressionError([Problem(EXPRESSION, "invalid_expression", message)])


def _read_times(expression: str) -> "_Cron | _Rate | _Once":
    if len(expression) > MAX_EXPRESSION_LENGTH:
        raise _invalid(f"An expression has at most {MAX_EXPRESSION_LENGTH} characters.")
    read = _FORM.fullmatch(expression.strip())
    if read is None:
        raise _invalid(f"This is no expression of a schedule: write {_FORMS}.")
    return _READERS[read["kind"]](read["said"])


def _read_cron(said: str) -> "_Cron":
    try:
        return _Cron(read_cron(said))
    except CronFaultsError as exc:
        problems = [Problem(EXPRESSION, "invalid_expression", fault) for fault in exc.faults]
        raise InvalidExpressionError(problems) from exc


def _read_rate(said: str) -> "_Rate":
    read = _RATE.fullmatch(said.strip())
    if read is None:
        raise _invalid("A rate is a whole number and minutes, hours or days, as in `rate(5 minutes)`.")
    value, unit = int(read["value"]), read["unit"]
    if value == 0:
        raise _invalid(f"A rate of 0 never comes: write `rate(1 {unit})` or more.")
    if (value > 1) != bool(read["plural"]):
        right = f"{unit}s` after a number above 1" if value > 1 else f"{unit}` after 1"
        raise _invalid(f"Write `{right}, as in `rate({count(value, unit)})`.")
    if value > MAX_PERIOD / _UNITS[unit]:
        raise _invalid(f"A rate is at most {MAX_PERIOD.days} days.")
    return _Rate(value * _UNITS[unit])


def _read_once(said: str) -> "_Once":
    try:
        if _TIME.fullmatch(said.strip()):
            return _Once(_require_years(datetime.fromisoformat(said.strip())))
    except ValueError as exc:
        raise _invalid(
            "There is no such date or time: the month, day, hour, minute or second is out of range."
        ) from exc
    raise _invalid(
        "The time of `at(…)` is written YYYY-MM-DDTHH:MM:SS, as in `at(2030-01-31T09:00:00)`: without fractions, and "
        "without Z or an offset, as `timezone` says where."
    )


def _require_years(at: datetime) -> datetime:
    if FIRST_YEAR <= at.year <= LAST_YEAR:
        return at
    raise _invalid(f"The year of `at(…)` is from {FIRST_YEAR} to {LAST_YEAR}: write a time to come.")


_READERS: Mapping[str, Callable[[str], "_Cron | _Rate | _Once"]] = {
    "cron": _read_cron,
    "rate": _read_rate,
    "at": _read_once,
}


def _read_zone(timezone: str) -> ZoneInfo:
    try:
        if len(timezone) <= MAX_TIMEZONE_LENGTH and not _NOT_IANA.fullmatch(timezone):
            return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):  # the last for the name of a folder, such as Europe
        pass
    near = Suggester()(timezone, sorted(available_timezones()))
    message = f"There is no time zone of this name: write one of IANA's, such as `Europe/Berlin` or `UTC`{near}"
    raise InvalidExpressionError([Problem(TIMEZONE, "unknown_timezone", message)])


def _refuse_what_never_comes(read: ScheduleExpression, now: datetime | None) -> None:
    """A rate always comes again."""
    if isinstance(read.times, _Once) and not _to_instant(read.times.at, read.zone):
        raise _invalid("Clocks in that time zone are put forward past this time: it does not exist. Take another.")
    if not read.is_rate and not read.next_times(_BEGINNING, 1):
        if isinstance(read.times, _Cron) and read.times.names_later(read.zone, _BEGINNING):
            raise _invalid(_SKIPPED)
        raise _invalid("This never comes: none of these months has such a day and time. Change the day or month.")
    if not read.is_rate and now is not None and not read.next_times(now, 1):
        if isinstance(read.times, _Cron) and read.times.names_later(read.zone, now):
            raise _invalid(_SKIPPED)
        raise _invalid("This never comes again: its last time has gone by. Change the year or the date.")


def _to_instant(local: datetime, zone: ZoneInfo) -> datetime | None:
    """In UTC; the first where clocks show a time twice, and None where they skip it."""
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == local else None


@dataclass(frozen=True, slots=True)
class _Cron:
    dates: CronDates

    def instants(self, zone: ZoneInfo, after: datetime, starts_at: datetime | None) -> Iterator[datetime]:
        begins = max(after, starts_at or after).astimezone(zone)
        found = (_to_instant(local, zone) for local in self.dates.from_date(begins.date()))
        return (instant for instant in found if instant is not None)

    def names_later(self, zone: ZoneInfo, now: datetime) -> bool:
        """Whether its fields name a time that is to come, be it one that clocks skip."""
        begins = now.astimezone(zone)
        return any(local > begins.replace(tzinfo=None) for local in self.dates.from_date(begins.date()))


@dataclass(frozen=True, slots=True)
class _Once:
    at: datetime

    def instants(self, zone: ZoneInfo, *_: datetime | None) -> Iterator[datetime]:
        instant = _to_instant(self.at, zone)
        return iter(() if instant is None else (instant,))


@dataclass(frozen=True, slots=True)
class _Rate:
    period: timedelta

    def instants(self, _zone: ZoneInfo, after: datetime, starts_at: datetime | None) -> Iterator[datetime]:
        """Of 24 hours to a day, whatever clocks do."""
        first = (starts_at or after + self.period).astimezone(UTC)
        gone_by = max(0, (after - first) // self.period)
        return (first + (gone_by + number) * self.period for number in itertools.count())
