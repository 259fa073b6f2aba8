"""What the routes of triggers take. Imported when they are called: a cold start has no time for it."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.errors import Problem
from stepcall.domain.trigger import Bus, TriggerType
from stepcall.domain.trigger_request import TriggerRequest
from stepcall.runtime.http import InvalidRequestError, read_model
from stepcall.use_cases.update_trigger import UpdateTrigger

STAYS = frozenset({"/type", "/bus"})
Json = dict[str, Any]


class TriggerUpdate(BaseModel):
    """`PATCH /workflows/{workflow_id}/triggers/{trigger_id}`: what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    expression: str | None = None
    timezone: str | None = None
    pattern: Json | None = None
    input: Json | None = None
    enabled: bool | None = None


class NewTrigger(TriggerUpdate):
    """`POST /workflows/{workflow_id}/triggers`."""

    type: Annotated[TriggerType | None, Field(strict=False)] = None
    bus: Annotated[Bus | None, Field(strict=False)] = None


def read_new_trigger(body: Any) -> TriggerRequest:
    """Raises InvalidRequestError for what is no object; what else is wrong goes with what can be read."""
    return _read(body, NewTrigger)


def read_trigger_update(workflow_id: UUID, trigger_id: UUID, body: Any) -> UpdateTrigger:
    """As `read_new_trigger`."""
    return UpdateTrigger(workflow_id, trigger_id, _read(body, TriggerUpdate))


def _read(body: Any, model: type[TriggerUpdate]) -> TriggerRequest:
    try:
        return TriggerRequest(**dict(read_model(body, model)))
    except InvalidRequestError as exc:
        if not isinstance(body, dict):
            raise
        faults = list(map(_say_what_stays, exc.problems))
    readable = read_model(_without(body, faults), model)
    return TriggerRequest(**dict(readable), faults=faults)


def _without(body: Json, faults: Iterable[Problem]) -> Json:
    faulty = {fault.location.split("/")[1] for fault in faults}
    return {name: value for name, value in body.items() if name.replace("~", "~0").replace("/", "~1") not in faulty}


def _say_what_stays(problem: Problem) -> Problem:
    """Of a change: whoever names one of these knows what it is."""
    if problem.code != "unknown_field" or problem.location not in STAYS:
        return problem
    message = f"The {problem.location[1:]} of a trigger stays: make another trigger, and delete this one."
    return Problem(problem.location, "stays", message)
