"""Triggers of a workflow are changed: what stays, what is taken back, and what their workflow changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants
from stepcall.domain.trigger import (
    LastError,
    LastRun,
    ScheduleSource,
    TriggerType,
)
from stepcall.domain.trigger_errors import (
    TriggerIsChangingError,
    TriggerQuotaError,
)
from stepcall.domain.trigger_request import TriggerRequest
from stepcall.use_cases.read_trigger import list_triggers, read_trigger
from stepcall.use_cases.update_trigger import UpdateTrigger, update_trigger
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER
from tests.unit.trigger_world import FULL, HOURLY, NOWHERE, ON_ORDER, REFUSED, UNAVAILABLE, TriggerWorld, refusals


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
    assert world.update(made, enabled=True) == made
    assert world.update(made, enabled=False).enabled is False
    assert refusals(lambda: world.update(made, enabled=True)) == [("/expression", "invalid_expression")]
    moved = world.update(made, expression="rate(1 day)", enabled=True)
    assert (moved.enabled, moved.revision) == (True, 3)


def test_of_a_time_that_has_gone_by_another_input_is_refused_unless_it_is_disabled() -> None:
    world = TriggerWorld(workflow(inputs=[{"name": "n", "type": "integer", "required": False}]))
    soon = (world.now() + timedelta(minutes=5)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    made = world.create(type=TriggerType.SCHEDULE, expression=soon)
    world.runs.clock.sleep(600)
    assert refusals(lambda: world.update(made, input={"n": 1})) == [("/expression", "invalid_expression")]
    assert world.update(made, input={"n": 1}, enabled=False).input == {"n": 1}
    assert world.update(made, input={"n": 2}).revision == 3


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


def test_a_trigger_hears_the_runs_of_those_workflows_that_all_who_have_said_what_it_does_are_granted() -> None:
    world = TriggerWorld()
    other, third = UUID(int=2), UUID(int=3)

    def granted(*workflows: UUID) -> Caller:
        return replace(CALLER, grants=Grants(frozenset({world.workflow_id, *workflows})))

    made = world.create(granted(other, third), **ON_ORDER)
    assert made.heard == frozenset({world.workflow_id, other, third})
    assert world.update(made, granted(), enabled=False).heard == made.heard
    assert world.update(made, granted(other), pattern=dict(ON_ORDER["pattern"])).heard == made.heard
    assert world.update(made, granted(other), pattern={"source": ["stepcall"]}).heard == frozenset(
        {world.workflow_id, other}
    )
    assert world.update(made, input={}, pattern={"source": ["x"]}).heard == frozenset({world.workflow_id, other})
    assert (world.create(**ON_ORDER).heard, world.create(granted()).heard) == (None, None)
