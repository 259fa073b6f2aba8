"""What goes on in a local stack without a caller who waits, on a small service of its own."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from local.background.stack_background import STATUS_EVENT_SECONDS
from local.background.stream_mappings import FIRST_RETRY_SECONDS, POLL_SECONDS
from local.event_times import spell_second
from local.stack import LocalStack
from local.template import REGION, STACK_NAME
from tests.local.event_service.handlers import FAILING, RECEIVED
from tests.local.manual_clock import ManualClock

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TEMPLATE = HERE / "event_service" / "template.yaml"
CLOCK = ManualClock()


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(template=TEMPLATE, code=[ROOT], now=CLOCK) as stack:
        yield stack


@pytest.fixture(autouse=True)
def nothing_received() -> None:
    RECEIVED.clear()
    FAILING.clear()


def wait_for(name: str, count: int = 1) -> list[Any]:
    """What a function has received, as soon as that is so much."""
    wait_until(lambda: len(RECEIVED[name]) >= count)
    return RECEIVED[name]


def wait_until(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def pass_by(stack: LocalStack, seconds: float) -> None:
    CLOCK.seconds += seconds
    stack.agenda.wake()


def wait_as_time_passes(stack: LocalStack, seconds: float, met: Callable[[], object]) -> None:
    """What fails is tried again so long after the failure has come back, which a test does not see."""

    def is_met_a_step_later() -> object:
        pass_by(stack, seconds)
        time.sleep(0.02)
        return met()

    wait_until(is_met_a_step_later)


def receive(stack: LocalStack, queue: str) -> list[Any]:
    """The messages that come first to a queue."""
    sqs, url = boto3.client("sqs", region_name=REGION), stack.deployment.names[queue]
    wait_until(lambda: count_messages(sqs, url))
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def count_messages(sqs: Any, url: str) -> int:
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(told["Attributes"]["ApproximateNumberOfMessages"])


# --- Schedules -------------------------------------------------------------------------------------------------------


def test_a_schedule_fires_by_the_clock_and_keeps_firing_and_a_disabled_one_does_not(stack: LocalStack) -> None:
    for times in (1, 2, 3):
        pass_by(stack, 60)
        wait_for("tick", times)
    assert len(RECEIVED["tick"]) == 3
    event = RECEIVED["tick"][0]
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"][0].startswith(f"arn:aws:events:{REGION}:123456789012:rule/")
    assert event["id"] != RECEIVED["tick"][1]["id"]
    assert {len(event["time"]) for event in RECEIVED["tick"]} == {len("2025-10-09T08:54:20Z")}


# --- Rules -----------------------------------------------------------------------------------------------------------


def put_event(detail: dict[str, Any], kind: str = "Any", source: str = "test", bus: str = f"{STACK_NAME}-test") -> str:
    entry: Any = {
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "EventBusName": bus,
    }
    answer = boto3.client("events", region_name=REGION).put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    event_id: str = answer["Entries"][0]["EventId"]
    return event_id


def test_a_rules_pattern_selects_the_events_of_its_bus(stack: LocalStack) -> None:
    put_event({"number": 1})
    put_event({"number": 2}, source="other")
    event_id = put_event({"number": 2})
    [event] = wait_for("bus")
    assert event["time"].endswith("Z")
    assert event | {"time": ""} == {
        "version": "0",
        "id": event_id,
        "detail-type": "Any",
        "source": "test",
        "account": "123456789012",
        "time": "",
        "region": REGION,
        "resources": [],
        "detail": {"number": 2},
    }


def test_a_target_may_take_a_part_of_the_event(stack: LocalStack) -> None:
    put_event({"inner": "text"})
    assert wait_for("bus") == ["text"]


def test_a_rule_may_lead_to_a_queue(stack: LocalStack) -> None:
    event_id = put_event({"a": 1}, kind="Told")
    [message] = receive(stack, "Told")
    assert (message["id"], message["detail"]) == (event_id, {"a": 1})


def test_a_function_that_fails_at_an_event_is_tried_again_and_the_event_kept(
    stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    FAILING.add("bus")
    with caplog.at_level(logging.WARNING, logger="local"):
        event_id = put_event({"number": 2})  # which does not fail with it
        wait_for("bus", 1)
        wait_as_time_passes(stack, 60, lambda: len(RECEIVED["bus"]) == 2)
    assert "failed at an event, attempt 1" in caplog.text
    [record] = receive(stack, "Failures")
    assert record["requestPayload"]["id"] == event_id
    assert record["requestContext"]["condition"] == "RetriesExhausted"


# --- What is made at run time ----------------------------------------------------------------------------------------


def function_arn(stack: LocalStack, logical_id: str) -> str:
    return next(one.arn for one in stack.deployment.functions if one.logical_id == logical_id)


def test_a_schedule_made_at_run_time_starts_its_function_within_two_seconds_of_its_time(stack: LocalStack) -> None:
    scheduler, due = boto3.client("scheduler", region_name=REGION), int(CLOCK()) + 90
    arn, text = function_arn(stack, "BusFunction"), '{"at": "<aws.scheduler.scheduled-time>"}'
    target: Any = {"Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/r", "Input": text}
    scheduler.create_schedule(
        Name="s",
        GroupName=stack.deployment.names["Group"],
        ScheduleExpression="rate(1 minute)",
        StartDate=datetime.fromtimestamp(due, UTC),
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    pass_by(stack, due - CLOCK() + 1)
    assert wait_for("bus") == [{"at": spell_second(due)}]
    scheduler.delete_schedule(Name="s", GroupName=stack.deployment.names["Group"])
    pass_by(stack, 60)
    wait_until(lambda: stack.agenda.is_idle)
    assert len(RECEIVED["bus"]) == 1


@pytest.mark.parametrize("bus", ["default", f"{STACK_NAME}-test"])
def test_a_rule_made_at_run_time_hands_its_events_on_in_the_words_of_its_template(stack: LocalStack, bus: str) -> None:
    events, arn = boto3.client("events", region_name=REGION), function_arn(stack, "BusFunction")
    paths, template = {"id": "$.id", "detail": "$.detail"}, '{"id": <id>, "detail": <detail>}'
    target: Any = {"Id": "t", "Arn": arn, "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    events.put_rule(Name="made", EventBusName=bus, EventPattern=json.dumps({"source": [f"made.{bus}"]}))
    events.put_targets(Rule="made", EventBusName=bus, Targets=[target])
    detail = {"text": 'with "quotes" and <id>', "list": [{"a": 1}]}
    event_id = put_event(detail, source=f"made.{bus}", bus=bus)
    assert wait_for("bus") == [{"id": event_id, "detail": detail}]
    events.disable_rule(Name="made", EventBusName=bus)
    put_event(detail, source=f"made.{bus}", bus=bus)
    events.remove_targets(Rule="made", EventBusName=bus, Ids=["t"])
    events.delete_rule(Name="made", EventBusName=bus)
    wait_until(lambda: stack.agenda.is_idle)
    assert len(RECEIVED["bus"]) == 1


def test_a_rule_with_a_cron_that_is_made_at_run_time_comes_at_its_time(stack: LocalStack) -> None:
    events = boto3.client("events", region_name=REGION)
    due = (int(CLOCK()) // 60 + 2) * 60
    minute, hour = time.gmtime(due).tm_min, time.gmtime(due).tm_hour
    events.put_rule(Name="cron", ScheduleExpression=f"cron({minute} {hour} * * ? *)")
    events.put_targets(Rule="cron", Targets=[{"Id": "t", "Arn": function_arn(stack, "BusFunction")}])
    pass_by(stack, due - CLOCK())
    assert [event["time"] for event in wait_for("bus")] == [spell_second(due)]
    events.remove_targets(Rule="cron", Ids=["t"])
    events.delete_rule(Name="cron")


# --- Executions ------------------------------------------------------------------------------------------------------


def run_machine(state: dict[str, Any], *, prefix: str = STACK_NAME, stop: bool = False, **machine: Any) -> Any:
    """The event of the end of an execution, and the execution as Step Functions describes it."""
    states = boto3.client("stepfunctions", region_name=REGION)
    text = json.dumps({"StartAt": "Only", "States": {"Only": state}} | machine)
    role = "arn:aws:iam::123456789012:role/r"
    arn = states.create_state_machine(name=f"{prefix}-{uuid4()}", definition=text, roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn, name=str(uuid4()), input='{"run": 1}')["executionArn"]
    if stop:
        states.stop_execution(executionArn=execution, error="Cancelled", cause="because")
    wait_until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    return states.describe_execution(executionArn=execution)


def wait_for_ends(stack: LocalStack, count: int) -> list[Any]:
    time.sleep(0.05)  # for what there should not be
    wait_as_time_passes(stack, STATUS_EVENT_SECONDS, lambda: len(RECEIVED["status"]) >= count)
    return RECEIVED["status"]


WAIT = {"Type": "Wait", "Seconds": 60, "End": True}
ENDS: dict[str, dict[str, Any]] = {
    "SUCCEEDED": {"state": {"Type": "Pass", "Result": {"a": "é"}, "End": True}},
    "FAILED": {"state": {"Type": "Fail", "Error": "TestError", "Cause": "it fails"}},
    "TIMED_OUT": {"state": WAIT, "TimeoutSeconds": 1},
    "ABORTED": {"state": WAIT, "stop": True},
}


@pytest.mark.parametrize("status", ENDS)
def test_the_end_of_an_execution_is_told_as_step_functions_tells_it(stack: LocalStack, status: str) -> None:
    execution = run_machine(**ENDS[status])
    [event] = wait_for_ends(stack, 1)
    assert (event["source"], event["detail-type"]) == ("aws.states", "Step Functions Execution Status Change")
    assert event["resources"] == [execution["executionArn"]]
    detail = event["detail"]
    for name in ("executionArn", "stateMachineArn", "name", "status"):
        assert detail[name] == execution[name]
    assert detail["status"] == status
    assert detail["startDate"] == pytest.approx(execution["startDate"].timestamp() * 1000, abs=1)
    assert 0 <= detail["stopDate"] - detail["startDate"] < 5000
    assert (detail["input"], detail["inputDetails"]) == ('{"run": 1}', {"included": True})
    assert (detail["error"], detail["cause"]) == (execution.get("error"), execution.get("cause"))
    assert json.loads(detail["output"] or "null") == json.loads(execution.get("output", "null"))


def test_an_execution_ends_once_for_its_rules_too_and_those_of_others_are_not_told(stack: LocalStack) -> None:
    run_machine(WAIT, stop=True, prefix="someone-elses")
    run_machine(WAIT, stop=True)
    run_machine({"Type": "Succeed"})
    assert sorted(event["detail"]["status"] for event in wait_for_ends(stack, 2)) == ["ABORTED", "SUCCEEDED"]


def test_a_payload_too_large_for_an_event_is_left_out(stack: LocalStack) -> None:
    def included(result: str) -> list[bool]:
        run_machine({"Type": "Pass", "Result": result, "End": True})
        wait_for_ends(stack, 1)
        detail = RECEIVED["status"].pop()["detail"]
        for name in ("input", "output"):
            assert detail[f"{name}Details"]["included"] is (detail[name] is not None)
        return [detail["input"] is not None, detail["output"] is not None]

    most = 248 * 1024 - len('""')
    assert included("x" * (most - 10)) == [True, True]
    assert included("x" * (most - 9)) == [False, True]
    assert included("x" * (most + 1)) == [True, False]


# --- Streams ---------------------------------------------------------------------------------------------------------


def put_item(stack: LocalStack, pk: str, number: int, sk: str = "told", **more: Any) -> None:
    item = {"pk": {"S": pk}, "sk": {"S": sk}, "number": {"N": str(number)}}
    dynamodb().put_item(TableName=stack.deployment.names["Table"], Item=item, **more)


def dynamodb() -> Any:
    return boto3.client("dynamodb", region_name=REGION)


def wait_for_records(stack: LocalStack, count: int) -> list[Any]:
    """What has been written is brought when the stream is asked next."""
    pass_by(stack, POLL_SECONDS)
    return wait_for("stream", count)


def told(records: list[Any], pk: str) -> list[str]:
    return [r["dynamodb"]["NewImage"]["number"]["N"] for r in records if r["dynamodb"]["Keys"]["pk"]["S"] == pk]


def test_changes_of_a_table_arrive_in_the_order_of_each_key_and_as_the_filter_says(stack: LocalStack) -> None:
    for number in range(30):
        put_item(stack, f"order-{number % 3}", number)
        put_item(stack, f"order-{number % 3}", number, sk="untold")
    dynamodb().delete_item(TableName=stack.deployment.names["Table"], Key={"pk": {"S": "order-0"}, "sk": {"S": "told"}})
    records = wait_for_records(stack, 30)
    for remainder in range(3):
        assert told(records, f"order-{remainder}") == [str(n) for n in range(remainder, 30, 3)]
    assert len(records) == 30
    first, last = records[0], records[-1]
    assert first["eventName"] == "INSERT"
    assert "OldImage" not in first["dynamodb"]
    assert last["dynamodb"]["OldImage"]["number"] != last["dynamodb"]["NewImage"]["number"]
    assert (first["eventSource"], first["awsRegion"]) == ("aws:dynamodb", REGION)
    assert ":table/" in first["eventSourceARN"]
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], float)


def test_a_transaction_is_told_when_it_is_done_and_a_cancelled_one_never(stack: LocalStack) -> None:
    table = stack.deployment.names["Table"]
    item = {"pk": {"S": "transaction"}, "sk": {"S": "told"}, "number": {"N": "1"}}
    put = {"Put": {"TableName": table, "Item": item}}
    key = {"pk": {"S": "nothing"}, "sk": {"S": "there"}}
    check = {"ConditionCheck": {"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb().transact_write_items(TransactItems=[put, check])
    item["number"] = {"N": "2"}
    dynamodb().transact_write_items(TransactItems=[put])
    put_item(stack, "transaction", 3)
    assert told(wait_for_records(stack, 2), "transaction") == ["2", "3"]


def test_a_refused_write_tells_nothing(stack: LocalStack) -> None:
    put_item(stack, "refused", 1)
    with pytest.raises(ClientError):
        put_item(stack, "refused", 2, ConditionExpression="attribute_not_exists(pk)")
    put_item(stack, "refused", 3)
    assert told(wait_for_records(stack, 2), "refused") == ["1", "3"]


def test_what_a_handler_never_does_is_retried_then_kept_and_the_shard_goes_on(
    stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    FAILING.add("poisoned")
    with caplog.at_level(logging.WARNING, logger="local"):
        put_item(stack, "poisoned", 1)
        wait_for_records(stack, 1)
        put_item(stack, "poisoned", 2)
        wait_as_time_passes(stack, FIRST_RETRY_SECONDS, lambda: len(RECEIVED["stream"]) >= 3)
        record, *_ = receive(stack, "Failures")
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    assert told(RECEIVED["stream"], "poisoned")[:3] == ["1", "1", "2"]
    assert "failed at records of" in caplog.text
