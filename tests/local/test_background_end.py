"""The background ends with its stack."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import boto3

from local.stack import LocalStack
from local.template import REGION, STACK_NAME
from tests.local.event_service.handlers import FAILING, RECEIVED

HERE = Path(__file__).parent


def test_no_thread_outlives_the_stack_whatever_is_still_to_be_done() -> None:
    # Given a stack with an event to be tried again, records that fail and an execution that goes on
    RECEIVED.clear()
    before = set(threading.enumerate())
    with LocalStack(template=HERE / "event_service" / "template.yaml", code=[HERE.parents[1]]) as stack:
        FAILING.update({"bus", "poisoned"})
        entry: Any = {
            "Source": "test",
            "DetailType": "Any",
            "Detail": '{"number": 2}',
            "EventBusName": f"{STACK_NAME}-test",
        }
        boto3.client("events", region_name=REGION).put_events(Entries=[entry])
        item = {"pk": {"S": "poisoned"}, "sk": {"S": "told"}}
        boto3.client("dynamodb", region_name=REGION).put_item(TableName=stack.deployment.names["Table"], Item=item)
        states = boto3.client("stepfunctions", region_name=REGION)
        wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}}
        role = "arn:aws:iam::123456789012:role/r"
        machine = states.create_state_machine(name=f"{STACK_NAME}-m", definition=json.dumps(wait), roleArn=role)
        states.start_execution(stateMachineArn=machine["stateMachineArn"], name="waits")
        wait_for_both()
    # Then its threads end with it, but for the interpreter's, which sleeps through the stop
    assert [thread.name for thread in left_after(before, seconds=2)] == []
    # And what was to be done is not
    received = {name: len(events) for name, events in RECEIVED.items()}
    time.sleep(0.6)
    assert {name: len(events) for name, events in RECEIVED.items()} == received


def wait_for_both() -> None:
    deadline = time.monotonic() + 10
    while not (RECEIVED["bus"] and RECEIVED["stream"]):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def left_after(before: set[threading.Thread], seconds: float) -> list[threading.Thread]:
    deadline = time.monotonic() + seconds
    while left := [thread for thread in threading.enumerate() if thread not in before]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left
