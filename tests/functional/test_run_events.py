"""From a call to the events of its run: face, table, stream, publish_run_events, bus, rule, queue."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventsBackend

from local.moto_world.replacing import replaced
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from stepcall.runtime.wiring import worker_dependencies
from tests.functional.conftest import Api
from tests.functional.run_event_queue import RunEventQueue, queue_on
from tests.run_event_description import faults

EVENT = json.loads((Path(__file__).parents[2] / "events" / "publish_run_events.json").read_text())
IDENTITY = {"ref": "same", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.value}}"}}
DEFINITION: dict[str, Any] = {
    "name": "Told of",
    "input": [{"name": "value", "type": "string"}],
    "tasks": [IDENTITY],
    "output": [{"name": "value", "type": "string", "value": "{{refs.same.output.result}}"}],
}
FAILING = {**DEFINITION, "tasks": [{**IDENTITY, "input": {"expression": "$error('no')", "data": 1}}], "input": []}
SECRET = "what nobody but the caller is told"


@pytest.fixture(scope="module")
def queue(stack: LocalStack) -> Iterator[RunEventQueue]:
    [function] = [one for one in stack.deployment.functions if one.logical_id == "PublishRunEventsFunction"]
    with queue_on(function.variables["EVENT_BUS"]) as queue:
        yield queue


def run_id_of(execution: Any) -> str:
    return str(read_run_id(execution["execution_id"]))


def types_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["detail-type"] for event in events]


def test_a_batch_of_the_stream_is_told_and_a_second_time_with_the_same_ids(
    stack: LocalStack, queue: RunEventQueue
) -> None:
    function, run_id = stack.deployment.names["PublishRunEventsFunction"], "01a1fd64-0a87-7afb-b908-fd2cd89523af"
    for _ in range(2):
        assert json.loads(stack.functions.invoke(function, json.dumps(EVENT)).payload) == {"batchItemFailures": []}
    told = queue.of_run(run_id, 4)
    assert types_of(told) == ["Run Started", "Run Completed"] * 2
    assert {event["source"] for event in told} == {"stepcall"}
    assert [event["detail"] for event in told[:2]] == [event["detail"] for event in told[2:]]
    assert [faults(event["detail"]) for event in told] == [[]] * 4


def test_a_batch_with_a_record_that_cannot_be_read_fails_before_anything_is_told(
    stack: LocalStack, queue: RunEventQueue
) -> None:
    function, run_id = stack.deployment.names["PublishRunEventsFunction"], "01a1fd64-0a87-7afb-b908-fd2cd89523b0"
    batch = json.loads(json.dumps(EVENT).replace("01a1fd64-0a87-7afb-b908-fd2cd89523af", run_id))
    unreadable = copy.deepcopy(batch["Records"][-1])
    del unreadable["dynamodb"]["NewImage"]["tenant"]
    assert stack.functions.invoke(function, json.dumps({"Records": [*batch["Records"], unreadable]})).failed
    assert queue.of_run(run_id, 0) == []
    assert not stack.functions.invoke(function, json.dumps(batch)).failed  # the half without it
    assert types_of(queue.of_run(run_id, 2)) == ["Run Started", "Run Completed"]


def test_a_run_that_completes_is_told_of_twice(api: Api, queue: RunEventQueue) -> None:
    execution = api.run(api.define(**DEFINITION), {"value": SECRET})
    told = queue.of_run(run_id_of(execution), 2)
    assert types_of(told) == ["Run Started", "Run Completed"]
    started, completed = (event["detail"] for event in told)
    assert (faults(started), faults(completed)) == ([], [])
    assert SECRET not in json.dumps(told)
    shown = ("execution_id", "externalId", "workflow_id", "workflow_version", "status", "started_at", "completed_at")
    assert {name: completed[name] for name in shown} == {name: execution[name] for name in shown}
    assert (completed["workflow_name"], completed["tenant"]) == ("Told of", "local")
    assert started["event_id"] != completed["event_id"]


def test_a_run_that_fails_is_told_of_with_its_error(api: Api, queue: RunEventQueue) -> None:
    execution = api.run(api.define(**FAILING))
    told = queue.of_run(run_id_of(execution), 2)
    assert types_of(told) == ["Run Started", "Run Failed"]
    assert told[1]["detail"]["error"] == execution["error"]


def test_a_run_that_was_cancelled_is_told_of_as_that(stack: LocalStack, api: Api, queue: RunEventQueue) -> None:
    workflow = f"/workflows/{api.define(**DEFINITION)}"
    execution = api("POST", f"{workflow}/execute", {"input": {"value": "x"}}).json
    answer = api("POST", f"{workflow}/executions/{execution['execution_id']}/cancel")
    run = worker_dependencies().runs.get_for_end(read_run_id(execution["execution_id"])).run
    told = queue.of_run(run_id_of(execution), 2 if run.started_at else 1)
    # it may have been faster than the cancellation
    assert types_of(told)[-1] == ("Run Cancelled" if answer.status == 202 else "Run Completed")
    assert types_of(told)[:-1] == (["Run Started"] if run.started_at else [])
    assert [faults(event["detail"]) for event in told] == [[]] * len(told)


def test_a_bus_that_takes_nothing_for_a_while_is_told_afterwards_and_in_order(api: Api, queue: RunEventQueue) -> None:
    refusals: list[int] = []
    take = EventsBackend.put_events

    def refuse_twice(backend: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(refusals) == 2:
            return take(backend, events)
        refusals.append(len(events))
        return [{"ErrorCode": "InternalFailure", "ErrorMessage": "Not now."} for _ in events]

    with replaced(EventsBackend, "put_events", refuse_twice):
        execution = api.run(api.define(**DEFINITION), {"value": "x"})
        told = queue.of_run(run_id_of(execution), 2)
    assert types_of(told) == ["Run Started", "Run Completed"]
    assert len(refusals) == 2
