"""The use cases of triggers with memory stores, and an EventBridge that has what it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller
from stepcall.domain.errors import Problem
from stepcall.domain.trigger import (
    Trigger,
    TriggerType,
)
from stepcall.domain.trigger_errors import (
    TriggerQuotaError,
    TriggerRefusedError,
)
from stepcall.domain.trigger_request import TriggerRequest
from stepcall.stores.memory_trigger_store import MemoryTriggerStore
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.create_trigger import create_trigger
from stepcall.use_cases.delete_trigger import delete_trigger, end_triggers
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.read_trigger import list_triggers
from stepcall.use_cases.settle_trigger import settle_trigger
from stepcall.use_cases.trigger_dependencies import TriggerDependencies
from stepcall.use_cases.trigger_sources import SourcesUnavailableError
from stepcall.use_cases.update_trigger import UpdateTrigger, update_trigger
from tests.sample_workflows import Document, workflow
from tests.unit.fake_trigger_sources import FakeTriggerSources
from tests.unit.run_world import CALLER, RunWorld

NOWHERE = UUID(int=7 << 76)
HOURLY: dict[str, Any] = {"type": TriggerType.SCHEDULE, "expression": "rate(1 hour)"}
ON_ORDER: dict[str, Any] = {"type": TriggerType.EVENT, "pattern": {"source": ["my.shop"]}}
UNAVAILABLE = SourcesUnavailableError("Throttled.")
REFUSED = TriggerRefusedError([Problem("/expression", "invalid_expression", "No.")])
FULL = TriggerQuotaError("There are 300 rules.")


class TriggersChangedMeanwhile(MemoryTriggerStore):
    """Before so many of the replacements somebody else has disabled the trigger, or enabled it."""

    times = 0

    def replace(self, trigger: Trigger, *, seen: Trigger, now: Any) -> Trigger | None:
        if self.times > 0:
            self.times -= 1
            assert super().replace(replace(seen, enabled=not seen.enabled), seen=seen, now=now)
        return super().replace(trigger, seen=seen, now=now)


@dataclass
class TriggerWorld:
    """One deployment, with a workflow."""

    document: Document = field(default_factory=workflow)
    runs: RunWorld = field(default_factory=RunWorld)
    triggers: TriggersChangedMeanwhile = field(default_factory=TriggersChangedMeanwhile)
    sources: FakeTriggerSources = field(default_factory=FakeTriggerSources)

    def __post_init__(self) -> None:
        self.workflow_id = self.runs.define(self.document).workflow_id
        self.now = self.runs.clock.now
        self.deps = TriggerDependencies(
            triggers=self.triggers,
            sources=self.sources,
            now=self.now,
            log=self.runs.deps.log,
            workflows=self.runs.workflows,
            catalog=CATALOG,
            new_id=self.runs.deps.new_id,
        )

    def create(self, caller: Caller = CALLER, **said: Any) -> Trigger:
        return create_trigger(self.workflow_id, TriggerRequest(**(said or HOURLY)), caller, self.deps).trigger

    def update(self, trigger: Trigger, caller: Caller = CALLER, **said: Any) -> Trigger:
        command = UpdateTrigger(self.workflow_id, trigger.trigger_id, TriggerRequest(**said))
        return update_trigger(command, caller, self.deps).trigger

    def delete(self, trigger: Trigger, caller: Caller = CALLER) -> None:
        delete_trigger(self.workflow_id, trigger.trigger_id, caller, self.deps)

    def delete_workflow(self) -> None:
        def end(tenant: str, workflow_id: UUID) -> None:
            end_triggers(tenant, workflow_id, self.deps)

        delete_workflow(self.workflow_id, CALLER, self.runs.deps, end_triggers=end)

    def stored(self, trigger: Trigger) -> Trigger:
        return self.triggers.get(CALLER.tenant, self.workflow_id, trigger.trigger_id)

    def listed(self) -> list[Trigger]:
        return [view.trigger for view in list_triggers(self.workflow_id, CALLER, self.deps)]

    def unsettled(self) -> list[UUID]:
        return [each.key.trigger_id for each in self.triggers.list_unsettled(limit=100)]

    def sweep(self) -> None:
        for each in self.triggers.list_unsettled(limit=100):
            settle_trigger(each.key, self.deps)


def refusals(ask: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(TriggerRefusedError) as refused:
        ask()
    return [(problem.location, problem.code) for problem in refused.value.problems]
