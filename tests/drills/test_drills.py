"""A small part of the drills, and the harness itself: what it does, and that a fault planted in the product is found.

`make drill` does all of them.
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.lambda_runtime import Invocation
from local.moto_world.executions import kept_executions
from tests.drills.aws_calls import Call, Harm, Point
from tests.drills.campaign import run_campaign
from tests.drills.disturbances import DISTURBANCES
from tests.drills.drill import drill, points_of
from tests.drills.processes import Process
from tests.drills.stories import SCENARIOS, Scenario
from tests.drills.world import World, drill_world

BY_NAME = {scenario.name: scenario for scenario in (*SCENARIOS, *DISTURBANCES)}
COMPLETES, IS_CANCELLED = BY_NAME["completes"], BY_NAME["is cancelled"]
WRITES = frozenset({"PutObject", "TransactWriteItems", "StartExecution", "PutEvents", "UpdateItem"})
DEATHS = frozenset({Harm.DIES_BEFORE, Harm.DIES_AFTER})
HOUR = 3600


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with drill_world() as world:
        yield world


@pytest.fixture(autouse=True)
def nothing_planted(world: World) -> Iterator[None]:
    answered = world.processes.answered
    yield
    world.processes.answered = answered
    world.calls.plant = world.calls.outage = None


def test_a_run_survives_that_any_process_dies_before_or_after_a_write(world: World) -> None:
    points = [point for point in points_of(world, COMPLETES) if point.call.operation in WRITES]
    assert {point.call.function for point in points} >= {
        "workflows_api",
        "run_web_task",
        "run_data_task",
        "finish_run",
        "publish_run_events",
    }
    drilled = [drill(world, COMPLETES, point) for point in points if point.harm in DEATHS]
    assert [f"{one}: {one.losses}" for one in drilled if one.losses] == []
    assert len(drilled) > 20


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one is not COMPLETES], ids=lambda one: one.name)
def test_every_other_life_is_whole_unharmed_and_has_calls_to_harm(world: World, scenario: Scenario) -> None:
    assert next(points_of(world, scenario), None)


@pytest.mark.parametrize("name", ["stream records again and reversed", "workers' events twice at once"])
def test_what_is_delivered_twice_is_done_once(world: World, name: str) -> None:
    assert drill(world, BY_NAME[name]).losses == []


def test_a_receiver_may_do_what_it_likes_and_gets_every_event_once_it_takes_them(world: World) -> None:
    receivers = [one for one in DISTURBANCES if one.name.startswith("a receiver") and "hangs until" not in one.name]
    assert len(receivers) == 6
    assert [f"{one.name}: {losses}" for one in receivers if (losses := drill(world, one).losses)] == []


def test_what_dies_before_the_write_of_a_cancellation_has_not_cancelled_and_what_dies_after_it_has(
    world: World,
) -> None:
    assert status_of(world, Harm.DIES_BEFORE) == "COMPLETED"
    assert status_of(world, Harm.DIES_AFTER) == "CANCELLED"


def test_a_call_that_is_throttled_reaches_nothing_and_one_whose_answer_is_lost_does(world: World) -> None:
    assert status_of(world, Harm.THROTTLED) == "COMPLETED"
    assert status_of(world, Harm.ANSWER_LOST) == "CANCELLED"


def status_of(world: World, harm: Harm) -> str:
    """What becomes of a run at whose cancellation the write is harmed."""
    drilled = drill(world, IS_CANCELLED, Point(Call("workflows_api", "UpdateItem", 1), harm))
    assert drilled.losses == []
    assert drilled.story
    [run] = world.changes.of_workflow(drilled.story.workflow).values()
    return run.statuses[-1]


def test_a_wait_of_an_hour_passes_by_the_clock(world: World) -> None:
    states = boto3.client("stepfunctions")
    wait = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": HOUR, "End": True}}}
    role = "arn:aws:iam::123456789012:role/any"
    machine = states.create_state_machine(name="waits", definition=json.dumps(wait), roleArn=role)["stateMachineArn"]
    before = world.clock.seconds()
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    world.rest()
    assert world.clock.seconds() - before >= HOUR
    assert [one.exec_status for one in kept_executions() if one.exec_arn == arn] == ["SUCCEEDED"]


def test_a_call_that_is_never_made_is_no_drill(world: World) -> None:
    never = Point(Call("finish_run", "DeleteItem", 1), Harm.DIES_BEFORE)
    assert drill(world, COMPLETES, never).losses == ["the call was never made, so nothing was drilled"]


def test_a_campaign_drills_every_point_tells_what_is_lost_and_looks_again_long_afterwards(world: World) -> None:
    told: list[str] = []
    done = run_campaign(world, [BY_NAME["is stopped by hand"]], [], told.append)
    assert [drilled.point for drilled in done] == [
        Point(Call("record_execution_status", "UpdateItem", 1), harm) for harm in Harm
    ]
    assert ([drilled.losses for drilled in done], told) == ([[]] * len(done), [])


# --- Planted faults


def test_an_end_that_is_written_without_a_condition_is_found(world: World) -> None:
    def plant(function: str, operation: str, params: dict[str, Any]) -> None:
        if (function, operation) == ("record_execution_status", "UpdateItem"):
            words = params.pop("ConditionExpression")
            kept = (*params["UpdateExpression"].split(), words.join(()))
            for kind in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
                params[kind] = {name: value for name, value in params[kind].items() if is_used(name, kept)}

    world.calls.plant = plant
    [loss, *_] = drill(world, BY_NAME["status events that belie the record"]).losses
    assert loss.startswith("it was ended 3 times: PENDING RUNNING COMPLETED CANCELLED FAILED")


def is_used(name: str, words: tuple[str, ...]) -> bool:
    return any(name == word.strip("(),=") for word in words)


def test_a_publisher_that_swallows_what_was_not_taken_is_found(world: World) -> None:
    def swallow(process: Process, done: Invocation) -> Invocation:
        return Invocation('{"batchItemFailures": []}') if process.function == "publish_run_events" else done

    world.processes.answered = swallow
    losses = drill(world, COMPLETES, Point(Call("publish_run_events", "PutEvents", 1), Harm.THROTTLED)).losses
    assert losses == ["that it was RUNNING was not told", "that it was COMPLETED was not told"]


def test_a_fan_out_that_swallows_what_it_could_not_write_is_found(world: World) -> None:
    def swallow(process: Process, done: Invocation) -> Invocation:
        return Invocation('{"batchItemFailures": []}') if process.function == "publish_run_events" else done

    world.processes.answered = swallow
    losses = drill(world, COMPLETES, Point(Call("publish_run_events", "PutItem", 1), Harm.THROTTLED)).losses
    assert losses == [
        "subscription: that it was RUNNING was not told",
        "subscription: that it was COMPLETED was not told",
        "webhook_url: that it was COMPLETED was not told",
    ]


def test_a_machine_that_does_not_know_that_workers_die_is_found(world: World) -> None:
    def plant(_function: str, operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateStateMachine":
            params["definition"] = params["definition"].replace("Runtime.ExitError", "Unheard.Of")

    world.calls.plant = plant
    at_the_end = Point(Call("finish_run", "UpdateItem", 1), Harm.DIES_BEFORE)
    assert drill(world, COMPLETES, at_the_end).losses == ["it ended as FAILED, not as COMPLETED"]
