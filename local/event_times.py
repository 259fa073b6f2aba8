"""Times as events and records of failure spell them."""

from datetime import UTC, datetime


def spell_time(instant: float) -> str:
    """ISO-8601, UTC, with milliseconds."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def spell_second(instant: float) -> str:
    """As the `time` of an EventBridge event."""
    return datetime.fromtimestamp(int(instant), UTC).isoformat().replace("+00:00", "Z")
