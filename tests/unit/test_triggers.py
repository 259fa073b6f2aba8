"""Triggers of a workflow: who may make, see and end them, and what EventBridge is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Grants, NotGrantedError
from stepcall.domain.errors import Problem
from stepcall.domain.ids import spell_trigger
from stepcall.domain.trigger import (
    MAX_TRIGGERS,
    Bus,
    EventSource,
    ScheduleSource,
    TriggerStatus,
    TriggerType,
)
from stepcall.domain.trigger_errors import (
    TooManyTriggersError,
    TriggerNotFoundError,
    TriggerQuotaError,
)
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.read_trigger import list_triggers, read_trigger
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, STRANGER
from tests.unit.trigger_world import FULL, HOURLY, NOWHERE, ON_ORDER, REFUSED, UNAVAILABLE, TriggerWorld, refusals


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
