"""What an answer to a webhook means. Source: Standard Webhooks, and RFC 9110, 10.2.3, for `Retry-After`."""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import NamedTuple

LONGEST_RETRY_AFTER = timedelta(hours=24)
RETRY_AFTER_OF = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
JITTER = 0.1
"""A receiver that comes back must not get all that waited for it at the same moment."""


class Answered(NamedTuple):
    """`retry_after`: the header as it came."""

    status_code: int
    retry_after: str | None = None


class NotAnswered(NamedTuple):
    """`error` is a sentence for the tenant. `is_final`: no later attempt of the same URL can be better."""

    error: str
    is_final: bool = False


class Verdict(Enum):
    DELIVERED = auto()
    GONE = auto()
    """The receiver wants no more of this, ever."""
    RETRY = auto()
    REFUSED = auto()
    """It cannot be sent at all."""


def judge(answer: Answered | NotAnswered) -> Verdict:
    if isinstance(answer, NotAnswered):
        return Verdict.REFUSED if answer.is_final else Verdict.RETRY
    if HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict.DELIVERED
    return Verdict.GONE if answer.status_code == HTTPStatus.GONE else Verdict.RETRY


def describe_failure(answer: Answered | NotAnswered) -> str | None:
    """For the log of attempts; None for a success. Nothing of what the receiver has written is in it."""
    if isinstance(answer, NotAnswered):
        return answer.error
    if judge(answer) is Verdict.DELIVERED:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status_code < HTTPStatus.BAD_REQUEST:
        return f"The receiver answered {answer.status_code}: redirects are not followed."
    if judge(answer) is Verdict.GONE:
        return "The receiver answered 410: it wants no more."
    return f"The receiver answered {answer.status_code}."


def wait_before_next(planned_seconds: int, answer: Answered | NotAnswered, now: datetime, chance: float) -> int:
    """Seconds to the next attempt; 0 when none is planned. `chance` is from 0 to 1.

    What the schedule has planned, a tenth more or less; and as long as the receiver asks for, a tenth more at most.
    """
    if not planned_seconds:
        return 0
    planned = planned_seconds * (1 - JITTER + 2 * JITTER * chance)
    asked = _asked_seconds(answer, now) * (1 + JITTER * chance)
    return max(1, math.ceil(round(max(planned, asked), 3)))


def _asked_seconds(answer: Answered | NotAnswered, now: datetime) -> float:
    if isinstance(answer, NotAnswered) or answer.status_code not in RETRY_AFTER_OF or not answer.retry_after:
        return 0
    return min(max(read_retry_after(answer.retry_after, now), 0), LONGEST_RETRY_AFTER.total_seconds())


def read_retry_after(text: str, now: datetime) -> float:
    """Seconds, from a number of them or from a date; 0 for what is neither, as a date without end is none."""
    text = text.strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text) if len(text) < 10 else LONGEST_RETRY_AFTER.total_seconds()
    try:
        until = parsedate_to_datetime(text)
        return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (ValueError, OverflowError):
        return 0
