"""Events that have started nothing and never will: kept with the reason, counted, and said in the log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.errors import InvalidParametersError, Problem, StepcallError
from stepcall.domain.idempotency import IdempotencyKeyReusedError
from stepcall.stores.trigger_store import TriggerStore
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.metrics import Metric, Metrics


class InvalidEventError(StepcallError):
    """The event cannot be read; `problems` says why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("The event is not valid, and nothing was started.")
        self.problems = list(problems)


class TenantWithoutWorkflowError(StepcallError):
    """The tenant of an event has no such workflow; `is_named` says whether the event names the tenant itself."""

    def __init__(self, tenant: str, *, is_named: bool) -> None:
        where = (
            "The tenant that the event names"
            if is_named
            else f"The event names no `tenant`, and the one that then counts, `{tenant}`,"
        )
        super().__init__(f"{where} has no such workflow, and nothing was started.")


class TriggerLoopError(StepcallError):
    """The event comes of a row of runs each of which has set off the next."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}, and nothing was started. Narrow the trigger's pattern so that it does not match what its own "
            "runs bring about."
        )


class Reason(NamedTuple):
    """Why nothing was started: the words of docs/events.md, and all that is wrong."""

    code: str
    message: str
    problems: Sequence[Problem]
    at: datetime


class InvalidEvents(Protocol):
    def keep(self, event: Mapping[str, Any], reason: Reason) -> None:
        """Where operators find it, whole. Raises what makes it worth another try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDependencies(AcceptDependencies):
    """For what starts runs by events."""

    triggers: TriggerStore
    default_tenant: str
    """Whose workflow an event means that names no tenant."""
    invalid_events: InvalidEvents
    metrics: Metrics


# What gets no better by trying again. Everything else is raised: Lambda tries again, and keeps what fails to the end.
CODES: Mapping[type[Exception], str] = MappingProxyType(
    {
        InvalidEventError: "invalid-event",
        InvalidParametersError: "invalid-input",
        WorkflowNotFoundError: "workflow-not-found",
        TenantWithoutWorkflowError: "workflow-not-found",
        EmptyRunModeError: "empty-run-mode",
        IdempotencyKeyReusedError: "idempotency-key-reused",
        TriggerLoopError: "trigger-loop",
    }
)
MESSAGES: Mapping[type[Exception], str] = MappingProxyType(
    {
        InvalidParametersError: "The input does not fit the workflow, and nothing was started.",
        WorkflowNotFoundError: "The tenant has no such workflow, and nothing was started.",
        IdempotencyKeyReusedError: "The `idempotency_key` came before, with another detail or for a run that is kept "
        "no more, and nothing was started.",
    }
)
"""In place of what the error says, which is for callers of the API."""


def reason_for(error: Exception, now: datetime) -> Reason | None:
    """None for what may pass."""
    code = CODES.get(type(error))
    if code is None:
        return None
    return Reason(code, MESSAGES.get(type(error), str(error)), getattr(error, "problems", ()), now)


@contextmanager
def invalid_event_kept(event: Mapping[str, Any], deps: EventDependencies) -> Iterator[None]:
    """What is done inside is for this event. What may pass is raised."""
    try:
        yield
    except StepcallError as exc:
        reason = reason_for(exc, deps.now())
        if reason is None:
            raise
        keep_invalid(event, reason, deps)


def keep_invalid(event: Mapping[str, Any], reason: Reason, deps: EventDependencies) -> None:
    """First where it is kept: if that fails, all of it is done again."""
    deps.invalid_events.keep(event, reason)
    deps.metrics({Metric.INVALID_EVENTS: [1.0]})
    places = " ".join(problem.location for problem in reason.problems[:10])
    deps.log("event_refused", code=reason.code, error=reason.message, problems=places)
