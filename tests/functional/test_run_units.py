"""The read and write units that `asl/limits.py` prices are those that a run uses, by AWS's rules on what it sends."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from stepcall.asl.limits import READ_UNITS_OF_ANSWER, READ_UNITS_OF_EVENTS, count_read_units, count_write_units
from stepcall.runtime import client_wiring
from tests.benchmarks.light_workflows import light_workflow
from tests.benchmarks.write_units import size_of
from tests.benchmarks.writes_child import WRITES, Meter
from tests.functional.conftest import Api

BYTES_PER_UNIT = 4096


class ReadAndWriteMeter(Meter):
    """Counts what is read, too: all reads are consistent, and a key without an item costs one unit."""

    def before(self, **call: Any) -> None:
        super().before(**call)
        call["context"]["params_sent"] = call["params"]

    def after(self, **call: Any) -> None:
        super().after(**call)
        sent, answer = call["context"]["params_sent"], call["parsed"]
        match call["model"].name:
            case "Query" if is_of_events(sent):
                assert answer["Count"] == 0
            case "Query":
                assert sent["ConsistentRead"]
                self.units["read"] += units_of(sum(map(size_of, answer["Items"])))
            case "GetItem" if not sent["Key"]["pk"]["S"].startswith("KEY#"):  # asked twice a minute, for all runs
                self.units["read"] += units_of(size_of(answer.get("Item", {})))
            case "BatchGetItem":
                [(table, wanted)] = sent["RequestItems"].items()
                found = answer["Responses"][table]
                self.units["read"] += len(wanted["Keys"]) - len(found) + sum(units_of(size_of(item)) for item in found)


def is_of_events(sent: dict[str, Any]) -> bool:
    """Who has webhooks: the stream tells of start and end in one batch or in two, and after the end."""
    return any(str(value.get("S", "")).startswith("WEBHOOKS#") for value in sent["ExpressionAttributeValues"].values())


def units_of(size: int) -> int:
    return max(1, math.ceil(size / BYTES_PER_UNIT))


@pytest.fixture
def meter(api: Api) -> Iterator[ReadAndWriteMeter]:
    api("GET", "/health")
    meter, events = ReadAndWriteMeter(), client_wiring.dynamodb().meta.events
    events.register("provide-client-params.dynamodb", meter.before)
    events.register("after-call.dynamodb", meter.after)
    yield meter
    events.unregister("provide-client-params.dynamodb", meter.before)
    events.unregister("after-call.dynamodb", meter.after)


@pytest.mark.parametrize("tasks", [1, 3, 24])
def test_a_run_and_one_poll_use_the_units_that_they_are_priced_at(
    api: Api, meter: ReadAndWriteMeter, tasks: int
) -> None:
    workflow_id = api.define(**light_workflow(tasks))
    api.run(workflow_id, {"number": 1})  # fills the caches
    time.sleep(1.1)  # which version is the newest is asked again after a second
    meter.requests.clear()
    meter.units.clear()
    started = api("POST", f"/workflows/{workflow_id}/execute", {"input": {"number": 1}})
    await_writes(meter, 4 + 2 * tasks)
    assert api("GET", started.headers["location"]).json["status"] == "COMPLETED"
    assert meter.units["table"] + meter.units["indexes"] == count_write_units(tasks)
    assert meter.units["read"] == count_read_units([0, *[1] * (tasks - 1)]) - READ_UNITS_OF_EVENTS


def test_a_decision_uses_the_units_that_it_is_priced_at(api: Api, meter: ReadAndWriteMeter) -> None:
    ask = {"ref": "ask", "type": "Flow.Approval", "input": {"message": "Go on?"}}
    workflow = api.define(tasks=[ask])
    api("POST", f"/workflows/{workflow}/execute", {})  # fills the caches
    time.sleep(1.1)
    meter.requests.clear()
    meter.units.clear()
    started = api("POST", f"/workflows/{workflow}/execute", {}).headers["location"]
    await_writes(meter, 4)  # put, slot, begun with the run, what it awaits
    read = meter.units["read"]
    assert api("POST", f"{started}/tasks/ask/complete", {"data": {}}).status == 200
    assert meter.units["read"] - read >= READ_UNITS_OF_ANSWER
    await_writes(meter, 7)  # the decision, the end, the slot
    assert meter.units["table"] + meter.units["indexes"] == count_write_units(1, answers=1)


def await_writes(meter: Meter, number: int) -> None:
    deadline = time.monotonic() + 20
    while sum(meter.requests[name] for name in WRITES) < number:
        assert time.monotonic() < deadline, meter.requests
        time.sleep(0.02)
    time.sleep(0.2)  # until the last one has been answered
