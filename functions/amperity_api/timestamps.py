"""Points of time as callers of this face write them: ISO 8601, as much of one as there is.

`YYYY`, `YYYY-MM`, `YYYY-MM-DD`; after a whole day, behind `T` or a space, `HH`, `HH:MM` or `HH:MM:SS` with a fraction;
then `Z`, `±HH`, `±HHMM`, `±HH:MM`, or nothing for UTC. What is left out is the first there is.
"""

import re
from datetime import UTC, datetime, timedelta

from stepcall.runtime.http import InvalidRequestError

TIMESTAMP = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,18}))?)?)?"
    # a form turns the `+` of an offset into a space
    r"(?:[Zz]|(?P<sign>[+ -])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-9]{2}))?)?)?)?)?"
)
DAY_WITH_OFFSET = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)")
LATE_YEAR = re.compile(r"\+?[0-9]{5,}-.*")
MICROSECOND_DIGITS = 6
ONE_DAY = timedelta(days=1)


def read_timestamp(text: str, name: str) -> datetime:
    """In UTC, to the microsecond. Raises InvalidRequestError, which says `name` and not what was sent."""
    if (found := TIMESTAMP.fullmatch(text)) is None:
        raise _refused(name, _fault_of(text))
    try:
        return (_local_time(found) - _offset(found)).replace(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise _refused(name, "is no time that there is; it must be an ISO 8601 time") from exc


def one_day_after(time: datetime, name: str) -> datetime:
    """Raises InvalidRequestError on the last day that there is."""
    try:
        return time + ONE_DAY
    except OverflowError as exc:
        raise _refused(name, "has no day after it; it must be an ISO 8601 time") from exc


def _fault_of(text: str) -> str:
    """What is wrong with what has not the form of a time."""
    if DAY_WITH_OFFSET.fullmatch(text):
        return "has an offset and no time of day; it must be an ISO 8601 time"
    if LATE_YEAR.fullmatch(text):
        return "is later than the year 9999; it must be an ISO 8601 time"
    return "must be an ISO 8601 time"


def _local_time(found: re.Match[str]) -> datetime:
    """Raises ValueError."""
    year, month, day = (int(found[name] or 1) for name in ("year", "month", "day"))
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    fraction = (found["fraction"] or "")[:MICROSECOND_DIGITS].ljust(MICROSECOND_DIGITS, "0")
    # where it is, its offset says
    return datetime(year, month, day, hour, minute, second, int(fraction))  # noqa: DTZ001


def _offset(found: re.Match[str]) -> timedelta:
    """East of Greenwich. Raises ValueError."""
    hours, minutes = int(found["hours"] or 0), int(found["minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("There is no such offset.")
    east = timedelta(hours=hours, minutes=minutes)
    return -east if found["sign"] == "-" else east


def _refused(name: str, fault: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"`{name}` {fault}, such as `2025-04-18`, `2025-04-18T15:30` or `2025-04-18T15:30:00.000+02:00`."
    )
