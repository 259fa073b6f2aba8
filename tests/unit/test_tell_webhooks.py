"""Who is told of an event, with what, and where the stream has to go on when that did not come about."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest

from stepcall.domain.delivery import DeliveryStatus
from stepcall.domain.run import RunStatus
from stepcall.domain.webhook import WebhookEvent
from tests.run_event_description import faults
from tests.unit.delivery_world import RUN, WEBHOOK, DeliveryWorld, OutageError, Watched, event

ENDS = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED]
CALLED_BACK = replace(RUN, webhook_url="https://example.com/back")


def world_with(*webhooks: object) -> DeliveryWorld:
    world = DeliveryWorld()
    for webhook in webhooks:
        world.webhooks.put(webhook)
    return world


def test_a_run_that_nobody_asked_to_be_told_of_makes_no_delivery() -> None:
    world = world_with()
    assert world.tell(event(), event(RunStatus.COMPLETED)) is None
    assert world.points == 0  # nothing is written, looked for or started
    assert world.all() == []


@pytest.mark.parametrize("status", ENDS)
def test_a_runs_own_url_is_told_of_its_end_alone(status: RunStatus) -> None:
    world = world_with()
    world.tell(event(run=CALLED_BACK), event(status, CALLED_BACK))
    delivery = world.only()
    assert (delivery.target, delivery.url, delivery.sequence) == ("call", "https://example.com/back", 2)
    assert delivery.event == f"execution.{status.lower()}"


def test_a_webhook_is_told_of_what_it_asked_for() -> None:
    failures = replace(WEBHOOK, events=frozenset({WebhookEvent.FAILED}))
    disabled = replace(WEBHOOK, webhook_id=UUID(int=2), enabled=False)
    of_another = replace(WEBHOOK, webhook_id=UUID(int=3), workflow_id=UUID(int=4))
    of_a_stranger = replace(WEBHOOK, webhook_id=UUID(int=5), tenant="other")
    world = world_with(failures, disabled, of_another, of_a_stranger)
    world.tell(event(), event(RunStatus.COMPLETED))
    assert world.all() == []
    world.tell(event(RunStatus.FAILED))
    assert world.only().webhook_id == failures.webhook_id


def test_the_body_is_the_standards_and_says_no_tenant() -> None:
    world = world_with(WEBHOOK)
    told = event(RunStatus.COMPLETED)
    world.tell(told)
    body = json.loads(world.only().body)
    assert (body["type"], body["timestamp"]) == ("execution.completed", "2026-03-04T05:06:16.891Z")
    assert body["data"] == {name: value for name, value in told.to_json().items() if name != "tenant"}
    assert faults(body["data"] | {"tenant": "acme"}) == []


def test_an_event_that_is_told_again_makes_no_other_delivery_and_no_other_execution() -> None:
    world = world_with(WEBHOOK, replace(WEBHOOK, webhook_id=UUID(int=2)))
    for _ in range(3):
        assert world.tell(event()) is None
    assert (len(world.all()), len(world.all_executions.started)) == (2, 2)
    world.play()
    world.tell(event())
    assert len(world.all_executions.started) == 2
    assert {each.status for each in world.all()} == {DeliveryStatus.DELIVERED}


def test_receivers_that_are_told_at_once_are_told_as_those_one_after_the_other() -> None:
    hooks = [replace(WEBHOOK, webhook_id=UUID(int=number)) for number in range(1, 21)]
    world = world_with(*hooks)
    with ThreadPoolExecutor(8) as pool:
        world.at_once = pool.map
        assert world.tell(event(run=CALLED_BACK), event(RunStatus.COMPLETED, CALLED_BACK)) is None
        put = world.deliveries.put
        world.deliveries.put = lambda each: fail() if each.target == str(UUID(int=7)) else put(each)
        assert world.tell(event(), event(RunStatus.COMPLETED)) == 0
    assert (len(world.all()), len(world.all_executions.started)) == (41, 21)
    assert {each.sequence for each in world.all_executions.started.values() if each.webhook_id} == {1}


def test_an_outage_is_told_as_the_place_to_go_on_from_and_what_was_before_it_stays_told() -> None:
    world, other = world_with(WEBHOOK), replace(RUN, run_id=UUID(int=RUN.run_id.int + 1))
    points_of_one = count_points(event())
    world.cuts[points_of_one + 1] = fail
    assert world.tell(event(), event(run=other), event(RunStatus.COMPLETED)) == 1
    assert "webhooks_not_told" in world.logged
    assert len(world.all()) == 1
    assert world.tell(event(run=other), event(RunStatus.COMPLETED)) is None
    assert (len(world.all()), len(world.all(other))) == (2, 1)


def count_points(told: object) -> int:
    world = world_with(WEBHOOK)
    world.tell(told)  # type: ignore[arg-type]
    return world.points


def test_a_fault_of_ours_is_raised() -> None:
    world = world_with(WEBHOOK)
    world.cuts[1] = lambda: json.loads("{")
    with pytest.raises(ValueError, match="Expecting"):
        world.tell(event())


def test_without_time_it_stops_between_events_and_never_before_the_first() -> None:
    world = world_with(WEBHOOK)
    assert world.tell(event(), event(RunStatus.COMPLETED), has_time=lambda: False) == 1
    assert world.only().sequence == 1


def test_a_workflows_webhooks_are_read_once_for_a_batch() -> None:
    world = world_with(WEBHOOK)
    read: list[int] = []
    world.webhooks = Watched(world.webhooks, lambda: read.append(1))
    world.tell(*[event(run=replace(RUN, run_id=UUID(int=RUN.run_id.int + number))) for number in range(20)])
    assert len(read) == 2  # before it and after it


def fail() -> None:
    raise OutageError
