"""Events `Execute Workflow`: what they ask for, read strictly, as nobody waits for an answer that could say more."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stepcall.domain.errors import Problem, first_problems, with_short_location
from stepcall.domain.ids import MalformedIdError, read_workflow_id
from stepcall.domain.json_text import NotJsonError, write_json
from stepcall.domain.model_problems import Suggester, problems_of
from stepcall.domain.run_mode import RunMode
from stepcall.domain.types import describe_value
from stepcall.domain.workflow import MAX_CONFIG_ID_LENGTH
from stepcall.use_cases.invalid_events import InvalidEventError
from stepcall.use_cases.start_by_event import StartByEvent

DETAIL = "/detail"
EVENT_ID = re.compile(r"[!-~]{1,255}")


class ExecuteWorkflow(BaseModel):
    """The event's detail."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    workflow_id: str | None = None
    config_id: Annotated[str, Field(min_length=1, max_length=MAX_CONFIG_ID_LENGTH)] | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: Annotated[str, Field(pattern=r"^[!-~]{1,255}$")] | None = None
    run_mode: Annotated[RunMode, Field(strict=False)] = RunMode.FULL
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None


def require_object(event: Any) -> dict[str, Any]:
    """Raises InvalidEventError."""
    if isinstance(event, dict):
        return event
    message = f"An event is an object, not {describe_value(event)}."
    raise InvalidEventError([Problem("", "wrong_type", message, "object", describe_value(event))])


def read_event_id(event: dict[str, Any]) -> str:
    """What its start is known by. Raises InvalidEventError."""
    event_id = event.get("id")
    if isinstance(event_id, str) and EVENT_ID.fullmatch(event_id):
        return event_id
    message = "An event has an `id`: 1 to 255 visible ASCII characters."
    raise InvalidEventError([Problem("/id", "invalid_value" if "id" in event else "missing", message)])


def read_custom_event(event: dict[str, Any], default_tenant: str) -> StartByEvent:
    """What EventBridge sends of one. Raises InvalidEventError with all that is wrong."""
    detail = event.get("detail")
    problems = first_problems(map(with_short_location, _problems_in(detail)))
    if problems:
        raise InvalidEventError(problems)
    asked = ExecuteWorkflow.model_validate(detail)
    return StartByEvent(
        tenant=asked.tenant or default_tenant,
        event_id=event["id"],
        workflow=asked.config_id or read_workflow_id(asked.workflow_id or ""),
        input=asked.input,
        run_mode=asked.run_mode,
        idempotency_key=asked.idempotency_key,
        is_tenant_named=asked.tenant is not None,
    )


def _problems_in(detail: Any) -> Iterator[Problem]:
    try:
        write_json(detail)
    except NotJsonError as exc:
        yield Problem(DETAIL, "not_json", str(exc))
    try:
        ExecuteWorkflow.model_validate(detail)
    except ValidationError as exc:
        yield from problems_of(exc, ExecuteWorkflow, DETAIL, Suggester())
    if isinstance(detail, dict):
        yield from _problems_of_names(detail.get("workflow_id"), detail.get("config_id"))


def _problems_of_names(workflow_id: Any, config_id: Any) -> Iterator[Problem]:
    if (workflow_id is None) is (config_id is None):
        message = "Say which workflow by one of `workflow_id` and `config_id`."
        yield Problem(DETAIL, "missing" if workflow_id is None else "conflict", message)
    if isinstance(workflow_id, str) and not _is_id(workflow_id):
        yield Problem(f"{DETAIL}/workflow_id", "invalid_value", "This is no id of a workflow: they begin with `wf-`.")


def _is_id(text: str) -> bool:
    try:
        read_workflow_id(text)
    except MalformedIdError:
        return False
    return True
