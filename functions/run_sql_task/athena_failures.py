"""Why a query failed on Athena, for the workflow's author: without Athena's own places in it.

Athena's messages: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
"""

import json
import re
from typing import Any

from run_sql_task.engine.faults import NUMBER, QUOTED
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.task_phases import QueryEnd
from stepcall.use_cases.query_service import QueryOutcome

TIMED_OUT = "States.Timeout"
THROTTLED = "Athena.TooManyRequestsException"
PLACES = (
    re.compile(r"\bs3[an]?://[^\s'\")\],]*", re.IGNORECASE),
    re.compile(r"\barn:[^\s'\")\],]*"),
    re.compile(r"\bline \d+:\d+: "),  # in the statement that was made of the query
    re.compile(r"\s*This query ran against the .*", re.DOTALL),
    re.compile(r"\s*\[Execution ID: [^\]]*\]"),
    re.compile(r"\s*If a data manifest file was generated at .*", re.DOTALL),
)
EXCEEDED = re.compile(r"exhausted resources|Bytes scanned limit|EXCEEDED_\w+|exceeded .*memory", re.IGNORECASE)
TOOK_TOO_LONG = re.compile(r"query timeout|timed? ?out|time limit", re.IGNORECASE)
AUTHORS_FAULT = re.compile(r"^(?:FAILED: )?(?!GENERIC_|HIVE_|PERMISSION_)[A-Z]+(?:_[A-Z]+)+:")
"""Trino's user errors begin with their names: SYNTAX_ERROR, DIVISION_BY_ZERO, INVALID_CAST_ARGUMENT …"""


def failure_of(outcome: QueryOutcome) -> PermanentTaskError:
    """What to tell of a query that was started and did not succeed."""
    text = clean(outcome.reason)
    if EXCEEDED.search(text):
        return PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, f"The query needs more than Athena gives it. {text}")
    if TOOK_TOO_LONG.search(text):
        return PermanentTaskError(ErrorReason.TIMEOUT, f"The query took longer than Athena lets it. {text}")
    if outcome.was_stopped:
        return PermanentTaskError(ErrorReason.STOPPED, f"The query was stopped on Athena. {text}".strip())
    if outcome.is_users_fault or AUTHORS_FAULT.match(text):
        return PermanentTaskError(ErrorReason.INVALID_QUERY, f"Query error: {text}")
    return PermanentTaskError(ErrorReason.BACKEND_ERROR, f"Athena could not run the query. {text}".strip())


def failure_to_start(end: QueryEnd) -> PermanentTaskError:
    """What to tell of a query that no execution is known of."""
    if end.error == TIMED_OUT:
        return PermanentTaskError(ErrorReason.TIMEOUT, "The query did not end within an hour, its wait included.")
    if end.error == THROTTLED:
        message = "Athena had too many queries to run, and took none of the attempts. Run fewer at once, or later."
        return PermanentTaskError(ErrorReason.RATE_LIMIT_EXCEEDED, message)
    return PermanentTaskError(ErrorReason.BACKEND_ERROR, f"Athena did not take the query ({end.error}).")


def clean(text: str) -> str:
    """Athena's words without the names of buckets, roles and executions, and without values."""
    for place in PLACES:
        text = place.sub("", text)
    return " ".join(NUMBER.sub("…", QUOTED.sub("'…'", text)).split())


def execution_in(cause: str) -> str | None:
    """The id of the query that Step Functions tells of when one has failed: in what Athena said of it."""
    try:
        told: Any = json.loads(cause)
    except ValueError:
        return None
    execution = told.get("QueryExecution", told) if isinstance(told, dict) else None
    return execution.get("QueryExecutionId") if isinstance(execution, dict) else None
