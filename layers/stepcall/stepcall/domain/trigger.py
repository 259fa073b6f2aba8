"""Triggers: what starts a workflow without a caller, by the clock or by an event. docs/triggers.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_TRIGGERS = 20
"""Of a workflow. An event bus of AWS has 300 rules, for all workflows of a deployment together."""


class TriggerType(StrEnum):
    SCHEDULE = "schedule"
    EVENT = "event"


class Bus(StrEnum):
    """Where the events of a trigger come."""

    DEFAULT = "default"
    """The account's own, to which services of AWS send theirs."""
    STEPCALL = "stepcall"
    """The deployment's, to which Stepcall sends the events of runs, and others what is for Stepcall."""


class TriggerStatus(StrEnum):
    PENDING = "pending"
    """What was asked for is kept, and EventBridge has not taken it yet: the sweep sees to it."""
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class ScheduleSource:
    """When: `expression` is `cron(…)`, `rate(…)` or `at(…)` of EventBridge Scheduler, `timezone` a name of IANA's."""

    expression: str
    timezone: str = "UTC"
    starts_at: datetime | None = None
    """The first time of a `rate(…)`, to the second; of the others None."""


@dataclass(frozen=True, slots=True)
class EventSource:
    """Which events: `pattern` is an event pattern of EventBridge."""

    pattern: Mapping[str, Any]
    bus: Bus


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run that was started last."""

    run_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class LastError:
    """Why the last time that nothing was started nothing was. `code` and `message` as in an answer's `errors`."""

    at: datetime
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TriggerKey:
    """Which one it is, and what is made of it at EventBridge, for whoever sees to it after the record is gone."""

    tenant: str
    workflow_id: UUID
    trigger_id: UUID
    type: TriggerType
    bus: Bus | None
    """Of an event trigger; None of a schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One trigger as it is kept."""

    tenant: str
    workflow_id: UUID
    trigger_id: UUID
    source: ScheduleSource | EventSource
    input: Mapping[str, Any]
    """The template of the run's input: `{{event.…}}` names what has set it off."""
    created_at: datetime
    enabled: bool = True
    revision: int = 1
    """Counts up with each change."""
    is_settled: bool = False
    """Whether EventBridge has what this says."""
    changed_at: datetime | None = field(default=None, compare=False)
    """Since when it is this revision; None: since it was made."""
    heard: frozenset[UUID] | None = None
    """Of an event trigger whose maker is granted some workflows: the only ones whose runs set it off."""
    last_run: LastRun | None = None
    last_error: LastError | None = None

    @property
    def key(self) -> TriggerKey:
        source = self.source
        kind, bus = (TriggerType.EVENT, source.bus) if isinstance(source, EventSource) else (TriggerType.SCHEDULE, None)
        return TriggerKey(self.tenant, self.workflow_id, self.trigger_id, kind, bus)

    @property
    def status(self) -> TriggerStatus:
        if not self.is_settled:
            return TriggerStatus.PENDING
        return TriggerStatus.ACTIVE if self.enabled else TriggerStatus.DISABLED
