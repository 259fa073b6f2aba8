"""What EventBridge's refusals mean for who makes a trigger. Its own texts repeat what was sent, and go no further."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.aws.outages import THROTTLED, is_outage
from stepcall.domain.errors import Problem
from stepcall.domain.trigger_errors import TriggerQuotaError, TriggerRefusedError
from stepcall.use_cases.trigger_sources import SourcesUnavailableError

NOT_FOUND = "ResourceNotFoundException"
CONFLICT = "ConflictException"
PASSING = THROTTLED | {
    CONFLICT,  # another changes the same schedule
    "ConcurrentModificationException",  # another changes the same rule
    "InternalException",
    "InternalFailure",
    "InternalServerException",
}
OF_OURS = re.compile(r"\b(role|target|arn|group|start ?date)\b", re.IGNORECASE)
"""In the text of a ValidationException of Scheduler that is about what we have added, and no caller's words."""
TIMEZONE = re.compile("time ?zone", re.IGNORECASE)


@contextmanager
def schedule_faults() -> Iterator[None]:
    """Raises as TriggerSources does; what is our own fault, as botocore does."""
    with outages():
        try:
            yield
        except ClientError as exc:
            match code_of(exc):
                case "ServiceQuotaExceededException":
                    raise TriggerQuotaError(
                        "EventBridge Scheduler has as many schedules as this account may have in this region: "
                        "delete some, or have the quota “Number of schedules” raised."
                    ) from exc
                case "ValidationException" if not OF_OURS.search(_text_of(exc)):
                    raise TriggerRefusedError([_schedule_problem(exc)]) from exc
            raise


@contextmanager
def rule_faults() -> Iterator[None]:
    """As `schedule_faults`, of PutRule: of a rule, nothing but its pattern is of the caller's words."""
    with outages():
        try:
            yield
        except ClientError as exc:
            match code_of(exc):
                case "LimitExceededException":
                    raise TriggerQuotaError(
                        "The event bus has as many rules as it may have (300 where nobody had that raised): "
                        "delete triggers by events, or have the quota “Number of rules” of EventBridge raised."
                    ) from exc
                case "InvalidEventPatternException" | "ValidationException":
                    raise TriggerRefusedError([PATTERN_REFUSED]) from exc
            raise


@contextmanager
def outages() -> Iterator[None]:
    """Raises SourcesUnavailableError for what passes by itself."""
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        if not is_outage(exc) and code_of(exc) not in PASSING:
            raise
        raise SourcesUnavailableError("EventBridge did not take the call; it may take the same one later.") from exc


def code_of(exc: Exception) -> str:
    return exc.response["Error"]["Code"] if isinstance(exc, ClientError) else type(exc).__name__


PATTERN_REFUSED = Problem(
    "/pattern",
    "invalid_pattern",
    "EventBridge refuses this event pattern: change it to what the page on event patterns of its user guide allows.",
)


def _schedule_problem(exc: ClientError) -> Problem:
    if TIMEZONE.search(_text_of(exc)):
        return Problem("/timezone", "invalid_timezone", "EventBridge Scheduler does not know this time zone.")
    return Problem(
        "/expression",
        "invalid_expression",
        "EventBridge Scheduler refuses this expression: it may be past, or never come.",
    )


def _text_of(exc: ClientError) -> str:
    return exc.response["Error"].get("Message", "")
