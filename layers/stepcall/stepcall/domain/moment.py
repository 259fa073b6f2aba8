"""A time as RFC 3339 spells it, with its offset: `2027-01-31T09:00:00+01:00`."""

import re
from datetime import UTC, datetime

from pydantic_core import PydanticCustomError

MOMENT = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)"
RULE = "This must be a time with its offset from UTC, such as `2027-01-31T09:00:00+01:00` or `2027-01-31T08:00:00Z`"


def read_moment(text: str) -> datetime:
    """In UTC. Raises ValueError."""
    if not re.fullmatch(MOMENT, text, re.ASCII):  # compiled when first asked: all faces load this
        raise ValueError(RULE)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as exc:  # there is no such day, hour or offset, or it is in no year of ours
        raise ValueError(RULE) from exc


def check_moment(text: str) -> str:
    """The same text. Raises PydanticCustomError."""
    try:
        read_moment(text)
    except ValueError as exc:
        raise PydanticCustomError("moment", RULE) from exc
    return text
