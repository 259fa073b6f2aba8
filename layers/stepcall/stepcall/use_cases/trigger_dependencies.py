"""What the use cases of triggers work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.task_contract import TaskContract
from stepcall.stores.trigger_store import TriggerStore
from stepcall.stores.workflow_store import WorkflowStore
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.trigger_sources import TriggerSources


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDependencies:
    """For what tells EventBridge of triggers: the face, and the sweep."""

    triggers: TriggerStore
    sources: TriggerSources
    now: Callable[[], datetime]
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDependencies(SettleDependencies):
    """For who makes and changes triggers."""

    workflows: WorkflowStore
    catalog: Mapping[str, TaskContract]
    new_id: Callable[[], UUID]


class TriggerName(NamedTuple):
    """What a schedule or rule sends along: which trigger has set it off, as it was when EventBridge was told of it."""

    tenant: str
    workflow_id: UUID
    trigger_id: UUID
    revision: int
