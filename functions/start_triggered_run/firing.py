"""What the schedule or rule of a trigger sends: stepcall/aws/trigger_names.py."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from stepcall.domain.trigger import Bus
from stepcall.use_cases.fire_trigger import Firing
from stepcall.use_cases.trigger_dependencies import TriggerName


class NamedTrigger(BaseModel):
    model_config = ConfigDict(frozen=True)

    tenant: str
    workflow_id: UUID
    trigger_id: UUID
    revision: int
    bus: Bus | None
    """Of an event trigger."""


class SentFiring(BaseModel):
    """`event` is what EventBridge sends of one, or made by Scheduler in its likeness."""

    model_config = ConfigDict(frozen=True)

    trigger: NamedTrigger
    event: dict[str, Any]

    def to_firing(self) -> Firing:
        sent = self.trigger
        return Firing(TriggerName(sent.tenant, sent.workflow_id, sent.trigger_id, sent.revision), sent.bus, self.event)
