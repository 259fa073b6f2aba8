"""What the schedule or rule of a trigger sends: stepcall/aws/trigger_names.py. Read strictly, as nobody else may."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stepcall.domain.errors import first_problems, with_short_location
from stepcall.domain.model_problems import Suggester, problems_of
from stepcall.domain.trigger import Bus
from stepcall.use_cases.fire_trigger import Firing
from stepcall.use_cases.invalid_events import InvalidEventError
from stepcall.use_cases.trigger_dependencies import TriggerName

Text = Annotated[str, Field(max_length=2048)]
EventId = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]


class NamedTrigger(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    workflow_id: Annotated[UUID, Field(strict=False)]
    trigger_id: Annotated[UUID, Field(strict=False)]
    revision: Annotated[int, Field(ge=1)]
    bus: Annotated[Bus | None, Field(strict=False)]
    """Of an event trigger."""


class SentEvent(BaseModel):
    """What EventBridge sends of one, or made by Scheduler in its likeness."""

    model_config = ConfigDict(frozen=True, strict=True)

    id: EventId
    source: Text
    detail_type: Annotated[str, Field(max_length=2048, alias="detail-type")]
    account: Text
    time: Text
    region: Text
    resources: list[Text]
    detail: dict[str, Any]


class SentFiring(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    trigger: NamedTrigger
    event: SentEvent


def read_firing(payload: Mapping[str, Any]) -> Firing:
    """Raises InvalidEventError, which names places and repeats no values."""
    try:
        sent = SentFiring.model_validate(payload).trigger
    except ValidationError as exc:
        found = problems_of(exc, SentFiring, "", Suggester())
        raise InvalidEventError(first_problems(map(with_short_location, found))) from None
    name = TriggerName(sent.tenant, sent.workflow_id, sent.trigger_id, sent.revision)
    return Firing(name, sent.bus, payload["event"])
