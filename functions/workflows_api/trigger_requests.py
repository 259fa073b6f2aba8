"""What the routes of triggers take. Imported when they are called: a cold start has no time for it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.errors import Problem
from stepcall.domain.trigger import Bus, TriggerType
from stepcall.domain.trigger_request import TriggerRequest, stays
from stepcall.runtime.http import InvalidRequestError, read_model
from stepcall.use_cases.update_trigger import UpdateTrigger

STAYS = frozenset({"/type", "/bus"})
ADDED_TO_TRIGGERS = frozenset(
    {"trigger_id", "workflow_id", "next_times", "next_local_times", "status", "created_at", "last_run", "last_error"}
) | {"warnings"}
"""What answers say of a trigger and nobody can change."""
Json = dict[str, Any]


class NewTrigger(BaseModel):
    """`POST /workflows/{workflow_id}/triggers`, and `PATCH` of one, where what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    expression: str | None = None
    timezone: str | None = None
    pattern: Json | None = None
    input: Json | None = None
    enabled: bool | None = None
    type: Annotated[TriggerType | None, Field(strict=False)] = None
    bus: Annotated[Bus | None, Field(strict=False)] = None


def read_new_trigger(body: Any) -> TriggerRequest:
    """Raises InvalidRequestError for what is no object; what else is wrong goes with what can be read."""
    return _read(body, NewTrigger)


def read_trigger_update(workflow_id: UUID, trigger_id: UUID, body: Any) -> UpdateTrigger:
    """As `read_new_trigger`. What an answer adds is left out, so that one can be changed and sent back."""
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in ADDED_TO_TRIGGERS}
    said = _read(body, NewTrigger)
    return UpdateTrigger(workflow_id, trigger_id, replace(said, faults=[*map(_say_what_stays, said.faults)]))


def _read(body: Any, model: type[NewTrigger]) -> TriggerRequest:
    try:
        return TriggerRequest(**dict(read_model(body, model)))
    except InvalidRequestError as exc:
        if not isinstance(body, dict):
            raise
        faults = list(exc.problems)
    readable = read_model(_readable(body, model, faults), model)
    return TriggerRequest(**dict(readable), faults=faults)


def _readable(body: Json, model: type[NewTrigger], faults: Iterable[Problem]) -> Json:
    """The fields that there are, and nothing is wrong with."""
    faulty = {fault.location.split("/")[1] for fault in faults}
    return {name: body[name] for name in model.model_fields if name in body and name not in faulty}


def _say_what_stays(problem: Problem) -> Problem:
    """Of a change: what nobody can read is another than it was."""
    return stays(problem.location[1:]) if problem.location in STAYS else problem
