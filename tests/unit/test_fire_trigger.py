"""What comes of it when a trigger's schedule or rule sends an event."""

from dataclasses import fields, replace
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest

from stepcall.domain.errors import InvalidParametersError
from stepcall.domain.ids import spell_trigger, spell_workflow
from stepcall.domain.json_text import write_json
from stepcall.domain.run import Run
from stepcall.domain.run_events import SOURCE
from stepcall.domain.trigger import Bus, EventSource, LastRun, ScheduleSource, Trigger, TriggerKey
from stepcall.domain.trigger_depth import MAX_TRIGGER_DEPTH
from stepcall.stores.memory_trigger_store import MemoryTriggerStore
from stepcall.stores.trigger_store import TriggerIsChangingError, TriggerNotFoundError
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.fire_trigger import Firing, fire_trigger
from stepcall.use_cases.invalid_events import EventDependencies, Reason, TriggerLoopError, invalid_event_kept
from stepcall.use_cases.metrics import Metric
from stepcall.use_cases.trigger_dependencies import TriggerName
from tests.sample_workflows import declare, transform, workflow
from tests.unit.run_world import CALLER, RunWorld

WORKFLOW = workflow(transform("a", "{{input.n}}"), inputs=[declare("n", "integer"), declare("t", default="x")])
EVENT = {"id": "e-1", "source": "com.example", "detail-type": "Order Placed", "detail": {"order": {"lines": 3}}}


class UnsteadyTriggerStore(MemoryTriggerStore):
    is_down = False
    """Whether nothing is recorded."""

    def record_run(self, key: TriggerKey, run: LastRun) -> None:
        if self.is_down:
            raise TriggerIsChangingError("Others change it.")
        super().record_run(key, run)


class TriggerWorld(RunWorld):
    """With one trigger, as EventBridge has been told of it."""

    def __init__(self, **changed: Any) -> None:
        super().__init__()
        self.kept: list[tuple[Any, Reason]] = []
        self.triggers = UnsteadyTriggerStore()
        accept = {each.name: getattr(self.deps, each.name) for each in fields(AcceptDependencies)}
        self.event_deps = EventDependencies(
            **accept,
            triggers=self.triggers,
            default_tenant="other",
            invalid_events=self,
            metrics=self.measured.append,
        )
        self.version = self.define(WORKFLOW)
        trigger = Trigger(
            tenant="acme",
            workflow_id=self.version.workflow_id,
            trigger_id=UUID(int=7),
            source=EventSource({"source": ["com.example"]}, Bus.STEPCALL),
            input={"n": "{{event.detail.order.lines}}"},
            created_at=self.clock.now(),
        )
        self.put(replace(trigger, **changed))

    def put(self, trigger: Trigger) -> None:
        self.triggers.put(trigger)
        self.triggers.settle(trigger.key, trigger.revision)

    def keep(self, event: Any, reason: Reason) -> None:
        self.kept.append((event, reason))

    @property
    def trigger(self) -> Trigger:
        return self.triggers.get("acme", self.version.workflow_id, UUID(int=7))

    def fire(self, event: dict[str, Any] = EVENT, revision: int = 1, bus: Bus | None = Bus.STEPCALL) -> Run | None:
        name = TriggerName("acme", self.version.workflow_id, UUID(int=7), revision)
        started = fire_trigger(Firing(name, bus, event), self.event_deps)
        return started.run if started else None

    def unsettled(self) -> list[TriggerKey]:
        return [each.key for each in self.triggers.list_unsettled(limit=10)]

    def runs_made(self) -> int:
        return len(self.engine.names)


def test_a_run_has_the_triggers_input_and_name_and_is_its_last_run() -> None:
    world = TriggerWorld()
    run = world.fire()
    assert run
    assert world.value(run.input) == {"n": 3, "t": "x"}
    assert run.principal == run.principal_id == f"trigger:{spell_trigger(UUID(int=7))}"
    assert run.trigger_depth == 0
    assert world.trigger.last_run == LastRun(run.run_id, run.created_at)
    assert (world.trigger.last_error, world.unsettled(), world.trigger.is_settled) == (None, [], True)


def test_an_event_that_comes_again_makes_one_run_even_if_the_trigger_or_the_workflow_were_changed_since() -> None:
    world = TriggerWorld()
    first = world.fire()
    changed = world.triggers.replace(
        replace(world.trigger, input={"n": "{{event.detail.nothing}}"}), seen=world.trigger, now=world.clock.now()
    )
    assert first
    assert changed
    delete_workflow(world.version.workflow_id, CALLER, world.deps)
    again = world.fire()
    assert (again and again.run_id, world.runs_made()) == (first.run_id, 1)
    other = TriggerWorld()
    for event_id in ("e-1", "e-2"):
        other.fire(EVENT | {"id": event_id})
    assert other.runs_made() == 2


def test_who_dies_between_start_and_record_records_the_same_run_the_next_time() -> None:
    world = TriggerWorld()
    world.triggers.is_down = True
    with pytest.raises(TriggerIsChangingError):
        world.fire()
    assert (world.trigger.last_run, world.runs_made()) == (None, 1)
    world.triggers.is_down = False
    world.clock.sleep(60)
    run = world.fire()
    assert run
    assert (world.trigger.last_run, world.runs_made()) == (LastRun(run.run_id, run.created_at), 1)


def test_a_disabled_trigger_starts_nothing_and_that_is_no_error() -> None:
    world = TriggerWorld(enabled=False)
    assert world.fire() is None
    assert (world.trigger.last_error, world.unsettled(), world.runs_made()) == (None, [], 0)
    assert ("trigger_not_fired", {"state": "disabled"}) in world.logged


@pytest.mark.parametrize("tenant", ["acme", "other"])
def test_events_of_another_tenants_runs_start_nothing_and_are_nobodys_error(tenant: str) -> None:
    told = {"tenant": tenant, "run_id": "r", "order": {"lines": 1}}
    of_execution = {"input": write_json({"run": told}), "order": {"lines": 1}}
    for number, event in enumerate(
        (
            {"source": SOURCE, "detail-type": "Run Completed", "detail": told},
            {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": of_execution},
            {"source": "my.shop", "detail-type": "Execute Workflow", "detail": told},
        )
    ):
        world = TriggerWorld()
        assert (world.fire(EVENT | event | {"id": f"e-{number}"}) is not None) is (tenant == "acme")
        assert (world.kept, world.trigger.last_error) == ([], None)
        assert (("trigger_not_fired", {"state": "of another tenant"}) in world.logged) is (tenant == "other")


def test_what_asks_for_a_run_of_the_default_tenant_is_its_own_but_on_the_accounts_bus_it_is_nobodys() -> None:
    asked = EVENT | {"detail-type": "Execute Workflow"}
    assert TriggerWorld().fire(asked) is None
    on_default = TriggerWorld(source=EventSource({"source": ["com.example"]}, Bus.DEFAULT))
    assert on_default.fire(asked, bus=Bus.DEFAULT)


@pytest.mark.parametrize(
    ("bus", "source"),
    [
        (Bus.STEPCALL, EventSource({}, Bus.STEPCALL)),
        (Bus.DEFAULT, EventSource({}, Bus.DEFAULT)),
        (None, ScheduleSource("rate(1 day)")),
    ],
)
def test_what_eventbridge_has_of_a_trigger_that_is_gone_is_for_the_sweep(bus: Bus | None, source: Any) -> None:
    world = TriggerWorld(source=source)
    key = world.trigger.key
    world.triggers.delete(world.trigger, world.clock.now())
    world.triggers.settle(key, None)
    assert world.fire(bus=bus) is None
    assert (world.unsettled(), world.runs_made()) == ([key], 0)
    assert ("trigger_not_fired", {"state": "gone"}) in world.logged


def test_a_firing_of_a_later_revision_than_is_kept_is_for_the_sweep_and_runs_what_the_trigger_says() -> None:
    world = TriggerWorld(revision=2)
    assert world.fire(revision=3)
    assert (world.unsettled(), world.trigger.is_settled) == ([world.trigger.key], True)
    assert TriggerWorld().unsettled() == []


def test_a_firing_of_an_earlier_revision_is_for_the_sweep_once_eventbridge_must_have_the_later_one() -> None:
    world = TriggerWorld()
    changed = world.triggers.replace(replace(world.trigger, input={"n": 5}), seen=world.trigger, now=world.clock.now())
    assert changed
    world.triggers.settle(changed.key, changed.revision)
    run = world.fire(revision=1)
    assert run
    assert world.value(run.input)["n"] == 5
    assert (world.unsettled(), world.trigger.is_settled) == ([], True)
    world.clock.sleep(61)
    assert world.fire(EVENT | {"id": "e-2"}, revision=1)
    assert (world.unsettled(), world.trigger.is_settled) == ([changed.key], True)


def test_an_input_that_does_not_fit_is_the_last_error_with_its_places_and_no_values() -> None:
    world = TriggerWorld(
        input={"n": "{{event.detail.order.lines}}", "t": "{{event.detail.secret}}", "u": "{{event.id}}"}
    )
    event = EVENT | {"detail": {"order": {"lines": "a secret"}, "secret": "s"}}
    with pytest.raises(InvalidParametersError):
        world.fire(event)
    error = world.trigger.last_error
    assert error
    assert (error.at, error.code) == (world.clock.now(), "wrong_type")
    assert "/input/n: " in error.message
    assert "/input/u: " in error.message
    assert "secret" not in error.message
    assert (world.trigger.last_run, world.runs_made()) == (None, 0)


def test_a_template_that_leads_nowhere_is_the_last_error_at_its_place() -> None:
    world = TriggerWorld()
    with pytest.raises(InvalidParametersError) as caught:
        world.fire(EVENT | {"detail": {}})
    assert [(p.location, p.code) for p in caught.value.problems] == [("/input/n", "missing_event_value")]
    assert world.trigger.last_error
    assert world.trigger.last_error.code == "missing_event_value"


def test_a_trigger_that_outlives_its_workflow_ends_when_it_is_set_off() -> None:
    world = TriggerWorld()
    key = world.trigger.key
    delete_workflow(world.version.workflow_id, CALLER, world.deps)  # by who died before it ended the triggers
    assert world.fire() is None
    with pytest.raises(TriggerNotFoundError):
        _ = world.trigger
    assert (world.unsettled(), world.runs_made(), world.kept) == ([key], 0, [])


def test_an_outage_is_no_error_of_the_trigger_and_is_raised() -> None:
    world = TriggerWorld()
    away: Any = Mock(spec=world.deps.compile, side_effect=EngineUnavailableError("not deployed"))
    world.event_deps = replace(world.event_deps, compile=away)
    with pytest.raises(EngineUnavailableError):
        world.fire()
    assert (world.trigger.last_error, world.kept) == (None, [])


def of_run(run: Run, name: str, **said: Any) -> dict[str, Any]:
    """An event of a run that EventBridge calls so."""
    ids = [spell_trigger(each) for each in run.trigger_ids]
    detail = {"trigger_depth": run.trigger_depth, "trigger_ids": ids, "order": {"lines": 1}, **said}
    return EVENT | {"id": name, "source": SOURCE, "detail-type": "Run Completed", "detail": detail}


def fire_all(world: TriggerWorld, event: dict[str, Any]) -> list[Run]:
    """As kept by who handles the event: what is refused starts nothing."""
    with invalid_event_kept(event, world.event_deps):
        run = world.fire(event)
        return [run] if run else []
    return []


def test_a_trigger_that_takes_the_events_of_its_own_runs_starts_one_for_each_and_none_by_these() -> None:
    world = TriggerWorld()
    callers = world.start(WORKFLOW, n=1)
    runs = [run for at in ("started", "ended") for run in fire_all(world, of_run(callers, at))]
    assert [(run.trigger_depth, run.trigger_ids) for run in runs] == [(1, (UUID(int=7),))] * 2
    assert not [each for run in runs for at in ("s", "e") for each in fire_all(world, of_run(run, f"{run.run_id}{at}"))]
    assert world.trigger.last_error
    assert world.trigger.last_error.code == "trigger-loop"
    assert "this trigger has started" in world.trigger.last_error.message


def test_a_loop_is_told_of_once_a_day_and_each_time_in_the_log() -> None:
    world = TriggerWorld()
    first = world.fire()
    assert first
    for number in range(5):
        assert fire_all(world, of_run(first, f"own-{number}")) == []
    assert [reason.code for _, reason in world.kept] == ["trigger-loop"]
    assert world.measured == [{Metric.INVALID_EVENTS: [1.0]}]
    assert world.logged.count(("trigger_not_fired", {"state": "by its own runs"})) == 4
    world.clock.sleep(24 * 3600)
    assert fire_all(world, of_run(first, "e-next-day")) == []
    assert len(world.kept) == 2


def test_a_schedule_or_another_event_begins_a_row_with_the_trigger_in_it() -> None:
    run = TriggerWorld().fire()
    assert run
    assert (run.trigger_depth, run.trigger_ids) == (0, (UUID(int=7),))


def test_a_row_of_runs_that_different_triggers_set_off_ends() -> None:
    world = TriggerWorld()
    before = replace(
        world.start(WORKFLOW, n=1),
        trigger_depth=MAX_TRIGGER_DEPTH - 1,
        trigger_ids=tuple(UUID(int=100 + number) for number in range(9)),
    )
    run = world.fire(of_run(before, "e-9"))
    assert run
    assert (run.trigger_depth, len(run.trigger_ids)) == (MAX_TRIGGER_DEPTH, 10)
    others = replace(run, trigger_ids=run.trigger_ids[:-1])
    with pytest.raises(TriggerLoopError, match="11 runs"):
        world.fire(of_run(others, "e-last"))


def test_an_event_of_a_run_that_is_told_again_under_another_id_starts_nothing_more() -> None:
    world = TriggerWorld()
    callers = world.start(WORKFLOW, n=1)
    event_ids = [str(UUID(int=number)) for number in (1, 1, 2)]
    runs = [world.fire(of_run(callers, f"e-{at}", event_id=each)) for at, each in enumerate(event_ids)]
    first, again, other = [run.run_id for run in runs if run]
    assert first == again != other


def test_a_depth_that_no_run_has_is_an_invalid_event_and_starts_nothing() -> None:
    world = TriggerWorld()
    run = replace(world.start(WORKFLOW, n=1), trigger_depth=-(10**6))
    assert fire_all(world, of_run(run, "e-0")) == []
    [(_, reason)] = world.kept
    assert (reason.code, reason.problems[0].location) == ("invalid-event", "/event/detail/trigger_depth")
    assert world.trigger.last_error
    assert world.trigger.last_error.code == "invalid_value"


@pytest.mark.parametrize("heard", [None, {2}, {1, 2}, set()])
def test_who_is_granted_some_workflows_is_set_off_by_runs_of_these_only(heard: set[int] | None) -> None:
    granted = None if heard is None else frozenset(UUID(int=each) for each in heard)
    hears_first = heard is None or 1 in heard
    named = spell_workflow(UUID(int=1))
    of_execution = {
        "input": write_json({"run": {"run_id": "r", "workflow_id": str(UUID(int=1))}}),
        "order": {"lines": 1},
    }
    told = {"workflow_id": named, "order": {"lines": 1}}
    for event in (
        {"source": SOURCE, "detail-type": "Run Completed", "detail": told},
        {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": of_execution},
        {"source": "my.shop", "detail-type": "Execute Workflow", "detail": told | {"tenant": "acme"}},
    ):
        world = TriggerWorld(heard=granted)
        assert (world.fire(EVENT | event) is not None) is hears_first
        assert (("trigger_not_fired", {"state": "of a workflow not granted"}) in world.logged) is not hears_first
        assert (world.kept, world.trigger.last_error) == ([], None)
    world = TriggerWorld(heard=granted)
    assert world.fire()
    unnamed = EVENT | {"source": SOURCE, "detail-type": "Run Completed", "id": "e-2"}
    assert (world.fire(unnamed) is not None) is (heard is None)


def test_what_starts_nothing_is_kept_and_counted_and_what_may_pass_is_not() -> None:
    world = TriggerWorld()
    with invalid_event_kept({"sent": True}, world.event_deps):
        world.fire(EVENT | {"detail": {}})
    [(event, reason)] = world.kept
    assert (event, reason.code, reason.at) == ({"sent": True}, "invalid-input", world.clock.now())
    assert world.measured == [{Metric.INVALID_EVENTS: [1.0]}]
    with pytest.raises(MemoryError), invalid_event_kept({}, world.event_deps):
        raise MemoryError
    assert len(world.kept) == 1
