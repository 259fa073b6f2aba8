"""Triggers of a workflow: who may make, see, change and end them, and what EventBridge is told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError
from stepcall.domain.errors import Problem
from stepcall.domain.ids import spell_trigger
from stepcall.domain.trigger import (
    MAX_TRIGGERS,
    Bus,
    EventSource,
    LastError,
    LastRun,
    ScheduleSource,
    Trigger,
    TriggerStatus,
    TriggerType,
)
from stepcall.domain.trigger_errors import (
    TooManyTriggersError,
    TriggerIsChangingError,
    TriggerNotFoundError,
    TriggerQuotaError,
    TriggerRefusedError,
)
from stepcall.domain.trigger_request import TriggerRequest
from stepcall.stores.memory_trigger_store import MemoryTriggerStore
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.create_trigger import create_trigger
from stepcall.use_cases.delete_trigger import delete_trigger, end_triggers
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.read_trigger import list_triggers, read_trigger
from stepcall.use_cases.settle_trigger import settle_trigger
from stepcall.use_cases.trigger_dependencies import TriggerDependencies
from stepcall.use_cases.trigger_sources import SourcesUnavailableError
from stepcall.use_cases.update_trigger import UpdateTrigger, update_trigger
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import Document, workflow
from tests.unit.fake_trigger_sources import FakeTriggerSources
from tests.unit.run_world import CALLER, STRANGER, RunWorld

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


def test_a_schedule_is_active_once_eventbridge_has_it() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    assert made.status is TriggerStatus.ACTIVE
    assert made.source == ScheduleSource(
        "rate(1 hour)", "UTC", (world.now() + timedelta(hours=1)).replace(microsecond=0)
    )
    assert world.sources.has == {made.trigger_id: replace(made, is_settled=False)}
    assert world.listed() == [made]
    assert read_trigger(world.workflow_id, made.trigger_id, CALLER, world.deps).trigger == made
    assert world.unsettled() == []


@pytest.mark.parametrize(
    ("pattern", "said", "bus"),
    [
        ({"source": ["my.shop"]}, None, Bus.STEPCALL),
        ({"source": ["aws.s3"]}, None, Bus.DEFAULT),
        ({"source": ["my.shop"]}, Bus.DEFAULT, Bus.DEFAULT),
    ],
)
def test_an_event_trigger_listens_where_its_events_come(pattern: Any, said: Bus | None, bus: Bus) -> None:
    world = TriggerWorld()
    made = world.create(type=TriggerType.EVENT, pattern=pattern, bus=said, enabled=False)
    assert (made.source, made.status) == (EventSource(pattern, bus), TriggerStatus.DISABLED)


def test_all_that_is_wrong_with_a_trigger_is_said_at_once_and_none_is_made() -> None:
    world = TriggerWorld(workflow(inputs=[{"name": "url", "type": "string"}]))
    fault = Problem("/enabled", "wrong_type", "No.")
    assert refusals(lambda: world.create(timezone="Mars/Olympus", expression="cron(0)", faults=[fault])) == [
        ("/enabled", "wrong_type"),
        ("/type", "missing"),
        ("/expression", "invalid_expression"),
        ("/timezone", "unknown_timezone"),
        ("/input/url", "missing"),
    ]
    assert refusals(lambda: world.create(type=TriggerType.SCHEDULE, pattern={}, input={"url": 7})) == [
        ("/expression", "missing"),
        ("/pattern", "unknown_field"),
        ("/input/url", "wrong_type"),
    ]
    assert refusals(
        lambda: world.create(type=TriggerType.EVENT, timezone="UTC", input={"url": "{{event.detail.url}}"})
    ) == [("/pattern", "missing"), ("/timezone", "unknown_field")]
    assert (world.listed(), world.unsettled(), world.sources.told) == ([], [], 0)


def test_what_could_not_be_read_is_not_missing_besides() -> None:
    world = TriggerWorld()
    faults = [Problem(f"/{name}", "wrong_type", "No.") for name in ("type", "expression", "input")]
    assert refusals(lambda: world.create(faults=faults)) == [
        ("/type", "wrong_type"),
        ("/expression", "wrong_type"),
        ("/input", "wrong_type"),
    ]


def test_an_input_is_of_a_size_that_can_be_kept_and_shown() -> None:
    world = TriggerWorld(workflow(inputs=[{"name": "text", "type": "string"}]))
    assert refusals(lambda: world.create(**HOURLY, input={"text": "x" * 70_000})) == [("/input", "invalid_value")]
    world.create(**HOURLY, input={"text": "x" * 65_000})


def test_a_bus_that_the_events_of_aws_never_come_to_is_refused() -> None:
    world = TriggerWorld()
    said: dict[str, Any] = {"type": TriggerType.EVENT, "pattern": {"source": ["aws.s3"]}, "bus": Bus.STEPCALL}
    [(location, _)] = refusals(lambda: world.create(**said))
    assert location == "/bus"
    made = world.create(**ON_ORDER)
    [(location, _)] = refusals(lambda: world.update(made, pattern={"source": ["aws.s3"]}))
    assert location == "/pattern"


@pytest.mark.parametrize("error", [REFUSED, FULL])
def test_what_eventbridge_refuses_is_not_there_and_its_place_is_free(error: Exception) -> None:
    world = TriggerWorld()
    for _ in range(MAX_TRIGGERS + 1):
        world.sources.fault = error
        world.sources.before = [lambda: None, lambda: setattr(world.sources, "fault", None)]
        with pytest.raises(type(error)):
            world.create(**HOURLY)
    assert (world.listed(), world.unsettled(), world.sources.has) == ([], [], {})


def test_a_refused_trigger_that_cannot_be_removed_either_is_removed_by_the_sweep() -> None:
    world = TriggerWorld()
    world.sources.fault = FULL
    world.sources.before = [lambda: None, lambda: setattr(world.sources, "fault", UNAVAILABLE)]
    with pytest.raises(TriggerQuotaError):
        world.create(**HOURLY)
    assert world.listed() == []
    assert len(world.unsettled()) == 1
    world.sources.fault = None
    world.sweep()
    assert world.unsettled() == []


def test_while_eventbridge_does_not_answer_a_trigger_is_pending_until_the_sweep() -> None:
    world = TriggerWorld()
    world.sources.fault = UNAVAILABLE
    made = world.create(**HOURLY)
    assert made.status is TriggerStatus.PENDING
    changed = world.update(made, enabled=False)
    assert changed.status is TriggerStatus.PENDING
    assert world.runs.events().count("trigger_left_unsettled") == 2
    world.sources.fault = None
    world.sweep()
    assert world.stored(made).status is TriggerStatus.DISABLED
    assert not world.sources.has[made.trigger_id].enabled
    world.sources.fault = UNAVAILABLE
    world.delete(made)
    assert world.listed() == []
    world.sources.fault = None
    world.sweep()
    assert (world.sources.has, world.unsettled()) == ({}, [])


def test_who_sends_a_change_of_a_pending_trigger_again_has_it_settled() -> None:
    world = TriggerWorld()
    world.sources.fault = UNAVAILABLE
    made = world.create(**HOURLY)
    world.sources.fault = None
    assert world.update(made, enabled=True) == replace(made, is_settled=True)
    told = world.sources.told
    world.update(made, enabled=True)
    assert world.sources.told == told


def test_an_update_changes_what_it_says_and_nothing_else() -> None:
    world = TriggerWorld(workflow(inputs=[{"name": "at", "type": "string", "required": False}]))
    made = world.create(**HOURLY)
    assert world.update(made) == made
    disabled = world.update(made, enabled=False)
    assert disabled == replace(made, enabled=False, revision=2)
    moved = world.update(made, timezone="Europe/Berlin", expression="cron(0 3 * * ? *)")
    assert moved == replace(disabled, source=ScheduleSource("cron(0 3 * * ? *)", "Europe/Berlin"), revision=3)
    filled = world.update(made, input={"at": "{{event.time}}"}, enabled=True)
    assert filled == replace(moved, input={"at": "{{event.time}}"}, enabled=True, revision=4)
    assert world.sources.has == {made.trigger_id: replace(filled, is_settled=False)}


def test_a_rate_counts_from_when_it_was_said_and_not_from_other_changes() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    world.runs.clock.sleep(600)
    assert world.update(made, enabled=False, expression="rate(1 hour)").source == made.source
    changed = world.update(made, expression="rate(2 hours)").source
    assert isinstance(changed, ScheduleSource)
    assert changed.starts_at == (world.now() + timedelta(hours=2)).replace(microsecond=0)


def test_a_time_that_has_gone_by_is_refused_but_its_trigger_can_be_disabled_and_moved() -> None:
    world = TriggerWorld()
    soon = (world.now() + timedelta(minutes=5)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    made = world.create(type=TriggerType.SCHEDULE, expression=soon)
    world.runs.clock.sleep(600)
    again: dict[str, Any] = {"type": TriggerType.SCHEDULE, "expression": soon}
    assert refusals(lambda: world.create(**again)) == [("/expression", "invalid_expression")]
    assert world.update(made, enabled=False).enabled is False
    assert world.update(made, expression="rate(1 day)").revision == 3


def test_what_is_not_of_its_type_is_refused_of_a_change_too() -> None:
    world = TriggerWorld()
    hourly, ordered = world.create(**HOURLY), world.create(**ON_ORDER)
    assert refusals(lambda: world.update(hourly, pattern={"source": ["x"]}, expression="rate(0 days)")) == [
        ("/pattern", "unknown_field"),
        ("/expression", "invalid_expression"),
    ]
    assert refusals(lambda: world.update(ordered, timezone="UTC")) == [("/timezone", "unknown_field")]
    assert [location for location, _ in refusals(lambda: world.update(ordered, pattern={"sauce": ["x"]}))]
    assert world.listed() == [hourly, ordered]


@pytest.mark.parametrize("error", [REFUSED, FULL])
def test_a_change_that_eventbridge_refuses_is_taken_back_and_told(error: Exception) -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    world.triggers.record_run(made.key, LastRun(NOWHERE, world.now()))
    world.sources.fault = error
    world.sources.before = [lambda: None, lambda: setattr(world.sources, "fault", None)]
    with pytest.raises(type(error)):
        world.update(made, expression="rate(5 minutes)")
    kept = world.stored(made)
    assert kept == replace(made, revision=3, last_run=LastRun(NOWHERE, world.now()))
    assert world.sources.has[made.trigger_id].source == made.source
    assert world.unsettled() == []


def test_a_change_that_is_refused_while_another_changes_it_takes_back_nothing_of_the_others() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    world.sources.fault = FULL

    def change() -> None:
        world.sources.fault = None
        world.update(made, expression="rate(3 hours)")
        world.sources.fault = FULL

    world.sources.before = [change]
    with pytest.raises(TriggerQuotaError):
        world.update(made, expression="rate(5 minutes)")
    kept = world.stored(made)
    assert isinstance(kept.source, ScheduleSource)
    assert (kept.source.expression, kept.revision) == ("rate(3 hours)", 3)


def test_a_change_that_meets_another_is_made_upon_it() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    world.triggers.times = 3
    changed = world.update(made, expression="cron(0 3 * * ? *)")
    assert (changed.source, changed.enabled) == (ScheduleSource("cron(0 3 * * ? *)"), False)
    world.triggers.times = 10**6
    with pytest.raises(TriggerIsChangingError):
        world.update(made, expression="rate(1 day)")
    assert world.stored(made).source == changed.source


def test_a_deleted_trigger_is_gone_here_and_at_eventbridge() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    world.delete(made)
    assert (world.listed(), world.sources.has, world.unsettled()) == ([], {}, [])
    for ask in (
        lambda: world.update(made, enabled=False),
        lambda: world.delete(made),
        lambda: read_trigger(world.workflow_id, made.trigger_id, CALLER, world.deps),
    ):
        with pytest.raises(TriggerNotFoundError):
            ask()


def test_no_more_are_made_than_a_workflow_may_have() -> None:
    world = TriggerWorld()
    for _ in range(MAX_TRIGGERS):
        world.create(**HOURLY)
    with pytest.raises(TooManyTriggersError):
        world.create(**HOURLY)
    assert len(world.listed()) == len(world.sources.has) == MAX_TRIGGERS


def test_another_tenants_workflow_is_not_there_and_another_workflow_is_not_granted() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    narrowed = replace(CALLER, grants=Grants(frozenset({NOWHERE})))
    for caller, error in ((STRANGER, WorkflowNotFoundError), (narrowed, NotGrantedError)):
        asks: list[Callable[[], object]] = [
            lambda caller=caller: world.create(caller, **HOURLY),  # type: ignore[misc]
            lambda caller=caller: list_triggers(world.workflow_id, caller, world.deps),  # type: ignore[misc]
            lambda caller=caller: read_trigger(world.workflow_id, made.trigger_id, caller, world.deps),  # type: ignore[misc]
            lambda caller=caller: world.update(made, caller, enabled=False),  # type: ignore[misc]
            lambda caller=caller: world.delete(made, caller),  # type: ignore[misc]
        ]
        for ask in asks:
            with pytest.raises(error):
                ask()
    assert world.listed() == [made]


def test_with_a_workflow_its_triggers_go_and_what_eventbridge_has_of_them() -> None:
    world = TriggerWorld()
    world.create(**HOURLY)
    world.create(**ON_ORDER)
    world.delete_workflow()
    assert world.triggers.list_by_workflow(CALLER.tenant, world.workflow_id) == []
    assert (world.sources.has, world.unsettled()) == ({}, [])
    with pytest.raises(WorkflowNotFoundError):
        world.create(**HOURLY)


def test_a_trigger_that_is_made_while_its_workflow_is_deleted_is_not_left_behind() -> None:
    world = TriggerWorld()

    def new_id_later() -> UUID:
        """The workflow was there when it was looked for."""
        world.delete_workflow()
        return NOWHERE

    world.deps = replace(world.deps, new_id=new_id_later)
    with pytest.raises(WorkflowNotFoundError):
        world.create(**HOURLY)
    assert world.triggers.list_by_workflow(CALLER.tenant, world.workflow_id) == []
    assert (world.sources.has, world.unsettled()) == ({}, [])


def test_a_trigger_whose_workflow_takes_other_inputs_by_now_says_so_and_can_be_changed() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    assert read_trigger(world.workflow_id, made.trigger_id, CALLER, world.deps).warnings == []
    update_workflow(world.workflow_id, workflow(inputs=[{"name": "url", "type": "string"}]), CALLER, world.runs.deps)
    [view] = list_triggers(world.workflow_id, CALLER, world.deps)
    assert [(each.location, each.code) for each in view.warnings] == [("/input/url", "missing")]
    assert world.update(made, enabled=False).enabled is False
    command = UpdateTrigger(world.workflow_id, made.trigger_id, TriggerRequest(input={"url": "x"}))
    assert update_trigger(command, CALLER, world.deps).warnings == []


def test_what_it_has_started_and_why_not_stay_with_a_trigger_that_is_changed() -> None:
    world = TriggerWorld()
    made = world.create(**HOURLY)
    run, error = LastRun(NOWHERE, world.now()), LastError(world.now(), "invalid_input", "No.")
    world.triggers.record_run(made.key, run)
    world.triggers.record_error(made.key, error)
    changed = world.update(made, enabled=False)
    assert (changed.last_run, changed.last_error) == (run, error)


def test_who_changed_what_is_in_the_log_and_the_input_is_not() -> None:
    world = TriggerWorld(workflow(inputs=[{"name": "text", "type": "string"}]))
    made = world.create(**HOURLY, input={"text": "hunter2"})
    world.update(made, enabled=False)
    world.update(made, enabled=False)
    world.delete(made)
    named = {"trigger_id": spell_trigger(made.trigger_id), "workflow_id": str(world.workflow_id)}
    named |= {"tenant": CALLER.tenant, "principal": CALLER.principal}
    events = ["trigger_created", "trigger_updated", "trigger_deleted"]
    assert [each for each in world.runs.logged if each[0].startswith("trigger")] == [(event, named) for event in events]
    assert "hunter2" not in str(world.runs.logged)
