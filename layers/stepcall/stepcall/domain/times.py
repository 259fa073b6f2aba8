"""How times are spelled, for whoever reads them: ISO-8601 in UTC, `2025-04-18T00:00:00.000Z`."""

from datetime import UTC, datetime

from stepcall.domain.run import TimeRange

RANGE_WORDS = ("range_from", "range_to")
"""What the ends of a run's time range are called: in templates after `run.`, and in answers."""


def print_time(time: datetime, timespec: str = "milliseconds") -> str:
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return f"{utc.isoformat(timespec=timespec)[:-6]}Z"


def print_range(time_range: TimeRange | None) -> dict[str, str]:
    """The range by its words; empty for a run without one."""
    return dict(zip(RANGE_WORDS, map(print_time, time_range), strict=True)) if time_range else {}
