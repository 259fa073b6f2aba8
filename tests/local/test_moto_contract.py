"""Every point where the local stack reaches into moto 5.2.5. A test here fails when a new moto moves one of them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.request import normalize_request
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from moto.s3.models import FakeKey
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from local.lambda_runtime import Invocation
from local.moto_world import corrected_moto, invocations_go_to
from local.moto_world.execution_events import status_changes_go_to
from local.moto_world.executions import bounded_and_stoppable_executions
from local.moto_world.replacing import added, replaced
from local.moto_world.request_speed import find_method, read_request
from local.moto_world.rule_events import is_kept as rule_is_kept
from local.moto_world.rule_events import (
    matched_events_go_to,
    put_on_default_bus,
    rules,
    scheduled_rules_go_to,
    service_event,
)
from local.moto_world.scheduler_schedules import forget, schedules_go_to
from local.moto_world.scheduler_schedules import is_kept as schedule_is_kept
from local.moto_world.table_speed import STREAM_RECORDS_KEPT
from local.moto_world.table_streams import stream_records_go_to
from tests.wait_until import wait_until

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
INVOKE = "arn:aws:states:::lambda:invoke"
NOT_IN_MOTO = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:not-in-moto"


@pytest.fixture(scope="module")
def world() -> Iterator[None]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}), corrected_moto(lambda url: url):
        yield


@pytest.fixture
def table(world: None) -> Iterator[Callable[..., Any]]:
    """Calls an operation of DynamoDB on a new table with the key `pk` and a stream."""
    client, name = boto3.client("dynamodb", region_name=REGION), f"table-{uuid4()}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )

    def call(operation: str, **arguments: Any) -> Any:
        return getattr(client, operation)(TableName=name, **arguments)

    yield call
    client.delete_table(TableName=name)


@pytest.fixture
def states(world: None) -> Any:
    return boto3.client("stepfunctions", region_name=REGION)


def create_machine(states: Any, definition: dict[str, Any]) -> str:
    text = json.dumps(definition)
    arn: str = states.create_state_machine(name=f"m-{uuid4()}", definition=text, roleArn=ROLE)["stateMachineArn"]
    return arn


def start(states: Any, machine: str, name: str | None = None) -> str:
    arn: str = states.start_execution(stateMachineArn=machine, name=name or str(uuid4()), input="{}")["executionArn"]
    return arn


def wait_for_end(states: Any, execution: str) -> Any:
    deadline = time.monotonic() + 10
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return told


PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
LONG_WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call returned or raised, all let go together."""
    gate, ends = threading.Barrier(len(calls)), list[Any]([None] * len(calls))

    def run(index: int) -> None:
        gate.wait()
        try:
            ends[index] = calls[index]()
        except ClientError as exc:
            ends[index] = exc

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


# --- The same answers ------------------------------------------------------------------------------------------------


def test_corrected_moto_gives_the_answers_that_moto_gives() -> None:
    # without what a local stack in this process has set
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env = {**foreign, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "tests.local.moto_scenario"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", "https://dynamodb.us-east-1.amazonaws.com/", b'{"TableName": "t"}'),
        ("POST", "http://states.us-east-1.amazonaws.com:8080/", b"{}"),
        ("POST", "https://cloudformation.us-east-1.amazonaws.com/", b"Action=ListStacks"),
        ("GET", "https://s3.us-east-1.amazonaws.com/bucket/a%20key?versionId=1", None),
    ],
)
def test_a_request_is_read_as_moto_reads_it(method: str, url: str, body: bytes | None) -> None:
    headers = {"X-Amz-Target": "A.B", "Content-Type": "application/x-amz-json-1.0", "x-amz-meta-a_b": "kept"}
    prepared = AWSRequest(method, url, headers, data=body).prepare()
    ours, motos = read_request(prepared), normalize_request(prepared)
    streams = {"wsgi.input", "wsgi.errors", "werkzeug.request"}
    assert {k: v for k, v in ours.environ.items() if k not in streams} == {
        k: v for k, v in motos.environ.items() if k not in streams
    }
    assert (ours.data, ours.raw_url, dict(ours.headers)) == (motos.data, motos.raw_url, dict(motos.headers))


@pytest.mark.parametrize(
    ("url", "handler"),
    [
        ("https://dynamodb.us-east-1.amazonaws.com/", "DynamoHandler.dispatch"),
        ("https://states.us-east-1.amazonaws.com/", "StepFunctionResponse.dispatch"),
        ("https://secretsmanager.us-east-1.amazonaws.com/", "SecretsManagerResponse.dispatch"),
        ("https://s3.us-east-1.amazonaws.com/bucket/key", "S3Response.key_dispatch"),
        ("https://bucket.s3.us-east-1.amazonaws.com/key", "S3Response.ambiguous_dispatch"),
    ],
)
def test_a_url_leads_to_its_services_handler(world: None, url: str, handler: str) -> None:
    method: Any = find_method(url)
    owner = method.__self__
    assert f"{(owner if isinstance(owner, type) else type(owner)).__name__}.{method.__name__}" == handler


def test_a_url_of_nobody_leads_nowhere(world: None) -> None:
    assert find_method("https://example.com/") is None


# --- DynamoDB --------------------------------------------------------------------------------------------------------


def test_no_concurrent_addition_is_lost(table: Callable[..., Any]) -> None:
    def add_fifty() -> None:
        one = {":one": {"N": "1"}}
        for _ in range(50):
            table("update_item", Key={"pk": {"S": "x"}}, UpdateExpression="ADD n :one", ExpressionAttributeValues=one)

    assert at_once([add_fifty] * 10) == [None] * 10
    assert table("get_item", Key={"pk": {"S": "x"}})["Item"]["n"] == {"N": "500"}


def test_of_concurrent_conditional_puts_one_wins(table: Callable[..., Any]) -> None:
    for number in range(20):
        item = {"pk": {"S": str(number)}}
        put = {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        ends = at_once([lambda put=put: table("put_item", **put)] * 8)  # type: ignore[misc]
        assert len([end for end in ends if not isinstance(end, ClientError)]) == 1


def test_a_stream_forgets_its_oldest_records_and_goes_on_counting(table: Callable[..., Any]) -> None:
    arn = table("describe_table")["Table"]["LatestStreamArn"]
    shard = dynamodb_backends[ACCOUNT][REGION].get_table(arn.split("/")[1]).stream_shard
    assert shard is not None
    first = shard.starting_sequence_number
    table("put_item", Item={"pk": {"S": "x"}})
    item = dynamodb_backends[ACCOUNT][REGION].get_item(arn.split("/")[1], {"pk": {"S": "x"}})
    for _ in range(3 * STREAM_RECORDS_KEPT):
        shard.add(None, item)
    assert len(shard.items) < 2 * STREAM_RECORDS_KEPT
    assert shard.starting_sequence_number > first
    last = shard.get(first + 3 * STREAM_RECORDS_KEPT, 10)
    assert [record["dynamodb"]["SequenceNumber"] for record in last] == [str(first + 3 * STREAM_RECORDS_KEPT)]


def test_models_are_not_kept_for_a_dashboard(table: Callable[..., Any]) -> None:
    before = len(Item.instances_tracked)  # type: ignore[attr-defined]
    table("put_item", Item={"pk": {"S": "x"}})
    assert len(Item.instances_tracked) == before  # type: ignore[attr-defined]


def test_s3_goes_on_tracking_its_objects_as_it_closes_them_by_that(world: None) -> None:
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=(bucket := f"bucket-{uuid4()}"))
    before = len(FakeKey.instances_tracked)  # type: ignore[attr-defined]
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert len(FakeKey.instances_tracked) == before + 1  # type: ignore[attr-defined]


# --- Step Functions --------------------------------------------------------------------------------------------------


def test_a_definition_is_parsed_once() -> None:
    with corrected_moto(lambda url: url):
        text = json.dumps(PASS)
        assert AmazonStateLanguageParser.parse(text) is AmazonStateLanguageParser.parse(text)


def test_a_client_of_the_interpreter_is_made_once(world: None) -> None:
    make = boto_client.boto_client_for
    assert make(region=REGION, service="sqs") is make(region=REGION, service="sqs")
    assert make(region=REGION, service="sqs") is not make(region="eu-west-1", service="sqs")


def test_a_stop_is_never_too_early(states: Any) -> None:
    machine = create_machine(states, WAIT)
    for _ in range(25):
        execution = start(states, machine)
        states.stop_execution(executionArn=execution, error="E", cause="C")
        told = states.describe_execution(executionArn=execution)
        assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "E", "C")
        assert told["stopDate"] >= told["startDate"]


def test_a_stopped_execution_stays_stopped_when_its_handler_ends(states: Any) -> None:
    runtime = OneFunction(NOT_IN_MOTO, failures=1)
    runtime.gate.clear()
    with invocations_go_to(runtime):
        task = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": NOT_IN_MOTO}, "End": True}
        execution = start(states, create_machine(states, {"StartAt": "W", "States": {"W": task}}))
        wait_until(lambda: runtime.payloads)
        # Given that it is stopped while its handler runs
        states.stop_execution(executionArn=execution)
        # When the handler fails
        runtime.gate.set()
        wait_until(lambda: "ExecutionAborted" in events_of(states, execution))
    # Then that changes nothing any more
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert events_of(states, execution)[-1] == "ExecutionAborted"


def events_of(states: Any, execution: str) -> list[str]:
    return [event["type"] for event in states.get_execution_history(executionArn=execution)["events"]]


def test_a_stop_after_the_end_changes_nothing(states: Any) -> None:
    execution = start(states, create_machine(states, PASS))
    before = wait_for_end(states, execution)
    states.stop_execution(executionArn=execution, error="E")
    after = states.describe_execution(executionArn=execution)
    assert (after["status"], after["stopDate"], "error" in after) == ("SUCCEEDED", before["stopDate"], False)


def test_a_wait_ends_no_earlier_than_its_time_and_its_time_is_utc(states: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        until = (datetime.now(UTC) + timedelta(seconds=1)).replace(microsecond=0)
        told = until.isoformat().replace("+00:00", "Z")
        wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "TimestampPath": "$.until", "End": True}}}
        machine = create_machine(states, wait)
        sent = json.dumps({"until": told})
        execution = states.start_execution(stateMachineArn=machine, name=str(uuid4()), input=sent)["executionArn"]
        assert wait_for_end(states, execution)["status"] == "SUCCEEDED"
        assert until <= datetime.now(UTC) < until + timedelta(seconds=30)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_finished_executions_are_forgotten_but_not_their_names_nor_the_running(states: Any) -> None:
    with bounded_and_stoppable_executions(kept=3):
        waiting = start(states, create_machine(states, LONG_WAIT))
        machine = create_machine(states, PASS)
        executions = [start(states, machine, f"run-{number}") for number in range(3)]
        for execution in executions:
            wait_for_end(states, execution)
        later = [start(states, machine, f"run-{number}") for number in range(3, 8)]
        for execution in later[-3:]:
            wait_for_end_or_forgotten(states, execution)
        listed = states.list_executions(stateMachineArn=machine)["executions"]
        assert len(listed) <= 3
        with pytest.raises(states.exceptions.ExecutionDoesNotExist):
            states.describe_execution(executionArn=executions[0])
        with pytest.raises(states.exceptions.ExecutionAlreadyExists):
            start(states, machine, "run-0")
        assert states.describe_execution(executionArn=waiting)["status"] == "RUNNING"
        states.stop_execution(executionArn=waiting)
    assert len(TMP_THREADS) < 10


def wait_for_end_or_forgotten(states: Any, execution: str) -> None:
    try:
        wait_for_end(states, execution)
    except states.exceptions.ExecutionDoesNotExist:
        return


def test_a_machines_own_time_limit_still_ends_it(states: Any) -> None:
    execution = start(states, create_machine(states, LONG_WAIT | {"TimeoutSeconds": 1}))
    assert wait_for_end(states, execution)["status"] == "TIMED_OUT"


def test_concurrent_creations_of_one_machine_make_one(states: Any) -> None:
    name, text = f"m-{uuid4()}", json.dumps(PASS)
    arns = at_once(
        [lambda: states.create_state_machine(name=name, definition=text, roleArn=ROLE)["stateMachineArn"]] * 8
    )
    machines = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
    assert [machine.arn for machine in machines if machine.name == name] == [arns[0]]


# --- Lambda ----------------------------------------------------------------------------------------------------------


class OneFunction:
    """A Lambda runtime with one function: fails its first `failures` invocations of each `who`."""

    def __init__(self, arn: str, failures: int = 0) -> None:
        self._arn = arn
        self._failures = failures
        self.payloads: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()

    def knows(self, function: str) -> bool:
        return function in (self._arn, self._arn.rsplit(":", 1)[1])

    def invoke(self, function: str, payload: str, *, client_context: str | None = None) -> Invocation:
        event = json.loads(payload)
        self.payloads.append(event)
        self.gate.wait(10)
        if len([e for e in self.payloads if e.get("who") == event.get("who")]) <= self._failures:
            return Invocation.error("NotYetError", "not yet")
        return Invocation(payload)


def create_function() -> str:
    roles = boto3.client("iam", region_name=REGION)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = roles.create_role(RoleName=f"role-{uuid4()}", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    arn: str = boto3.client("lambda", region_name=REGION).create_function(
        FunctionName=f"f-{uuid4()}", Runtime="python3.13", Role=role, Handler="h.h", Code={"ZipFile": EMPTY_ZIP}
    )["FunctionArn"]
    return arn


EMPTY_ZIP = b"PK\x05\x06" + b"\x00" * 18


def test_the_invoke_api_goes_to_the_runtime(world: None) -> None:
    arn = create_function()
    runtime = OneFunction(arn, failures=1)
    with invocations_go_to(runtime):
        client = boto3.client("lambda", region_name=REGION)
        failed = client.invoke(FunctionName=arn, Payload=b'{"who": "me"}')
        assert json.load(failed["Payload"])["errorType"] == "NotYetError"
        assert failed["FunctionError"]
        answer = client.invoke(FunctionName=arn, Payload=b'{"who": "me"}')
        assert (json.load(answer["Payload"]), "FunctionError" in answer) == ({"who": "me"}, False)
        client.invoke(FunctionName=arn)
    assert runtime.payloads[-1] == {}


def test_a_task_goes_to_the_runtime_and_retries_are_each_executions_own(states: Any) -> None:
    runtime = OneFunction(NOT_IN_MOTO, failures=1)
    retry = [{"ErrorEquals": ["NotYetError"], "IntervalSeconds": 1, "MaxAttempts": 1, "JitterStrategy": "FULL"}]
    payload = {"who.$": "$$.Execution.Name", "attempt.$": "$$.State.RetryCount"}
    work = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": NOT_IN_MOTO, "Payload": payload},
        "Retry": retry,
    }
    machine = create_machine(states, {"StartAt": "W", "States": {"W": {**work, "End": True}}})
    with invocations_go_to(runtime):
        executions = at_once([lambda: start(states, machine)] * 6)
        ends = [wait_for_end(states, execution) for execution in executions]
    assert [end["status"] for end in ends] == ["SUCCEEDED"] * 6
    for end in ends:
        assert [e["attempt"] for e in runtime.payloads if e["who"] == end["name"]] == [0, 1]


# --- Events ----------------------------------------------------------------------------------------------------------

A_FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def put_rule(target: str = A_FUNCTION, **rule: Any) -> str:
    client, name = boto3.client("events", region_name=REGION), f"rule-{uuid4()}"
    client.put_rule(Name=name, **rule)
    client.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target}])
    return name


def put_event(source: str) -> str:
    entry: Any = {"Source": source, "DetailType": "Any", "Detail": '{"a": {"b": 1}}'}
    event_id: str = boto3.client("events", region_name=REGION).put_events(Entries=[entry])["Entries"][0]["EventId"]
    return event_id


def test_an_event_goes_to_each_rule_that_matches_it_and_is_enabled(world: None) -> None:
    source = str(uuid4())
    pattern = json.dumps({"source": [source], "detail": {"a": {"b": [{"numeric": ["<", 2]}]}}})
    given = list[tuple[str, dict[str, Any]]]()
    with matched_events_go_to(lambda target, event: given.append((target["Arn"], event)), frozenset({"lambda"})):
        put_rule(EventPattern=pattern)
        put_rule(EventPattern=pattern, State="DISABLED")
        put_rule(ScheduleExpression="rate(1 minute)")  # to moto it matches everything
        put_rule(EventPattern=json.dumps({"source": ["another"]}))
        event_id = put_event(source)
    [(arn, event)] = given
    assert (arn, event["id"], event["detail"]) == (A_FUNCTION, event_id, {"a": {"b": 1}})
    assert event.keys() == service_event("s", "k", 0, "r", {}).keys()


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        ([{"sku": "a", "count": 1}, {"sku": "b", "count": 5}], 1),
        ([{"sku": "a", "count": 5}, {"sku": "b", "count": 1}], 0),
        ([7, {"sku": "b", "count": 5}], 1),
        ({"sku": "b", "count": 5}, 1),
        ([], 0),
        ([[{"sku": f"x{i}"} for i in range(40)]] * 40, 0),
    ],
)
def test_a_pattern_looks_into_the_objects_of_an_array(world: None, lines: Any, times: int) -> None:
    given, source = list[Any](), str(uuid4())
    wanted = {"source": [source], "detail": {"lines": {"sku": ["b"], "count": [{"numeric": [">", 2]}]}}}
    event = service_event(source, "kind", 0, "r", {"lines": lines, "tags": ["x", "y"]})
    with matched_events_go_to(lambda _, event: given.append(event), frozenset({"lambda"})):
        put_rule(EventPattern=json.dumps(wanted | {"resources": ["r"]}))
        put_on_default_bus(event)
    assert given == [event] * times


def test_moto_itself_raises_for_a_function_in_the_callers_put_events(world: None) -> None:
    # if it does no more, it is time to ask whether it does what AWS does
    source = str(uuid4())
    put_rule(EventPattern=json.dumps({"source": [source]}))
    with pytest.raises(NotImplementedError):
        put_event(source)


def test_targets_of_other_services_are_left_to_moto(world: None) -> None:
    logs, source = boto3.client("logs", region_name=REGION), str(uuid4())
    group = f"group-{uuid4()}"
    logs.create_log_group(logGroupName=group)
    target = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    with matched_events_go_to(lambda *_: None, frozenset({"lambda"})):
        put_rule(EventPattern=json.dumps({"source": [source]}), target=target)
        put_event(source)
    assert len(logs.describe_log_streams(logGroupName=group)["logStreams"]) == 1


def test_the_rules_of_all_buses_are_found_with_their_schedules_and_targets(world: None) -> None:
    name = put_rule(ScheduleExpression="rate(1 minute)")
    [rule] = [rule for rule in rules() if rule.name == name]
    assert (rule.scheduled_expression, rule.state, rule.targets[0]["Arn"]) == ("rate(1 minute)", "ENABLED", A_FUNCTION)
    assert rule.arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"


def test_an_event_of_a_service_goes_to_the_rules_of_the_default_bus(world: None) -> None:
    given, resource = list[Any](), str(uuid4())
    with matched_events_go_to(lambda _, event: given.append(event), frozenset({"lambda"})):
        put_rule(EventPattern=json.dumps({"resources": [resource]}))
        put_on_default_bus(event := service_event("aws.states", "kind", 0, resource, {"a": 1}))
    assert given == [event]
    assert event["time"] == "1970-01-01T00:00:00Z"


def test_each_status_change_of_an_execution_is_told_once_and_in_order(states: Any) -> None:
    told = list[dict[str, Any]]()
    with status_changes_go_to(told.append):
        stopped = start(states, create_machine(states, LONG_WAIT))
        states.stop_execution(executionArn=stopped, error="E", cause="C")
        states.stop_execution(executionArn=stopped)
        wait_until(lambda: "ExecutionAborted" in events_of(states, stopped))
        wait_for_end(states, passed := start(states, create_machine(states, PASS)))
    ends = {arn: [detail["status"] for detail in told if detail["executionArn"] == arn] for arn in (stopped, passed)}
    assert ends == {stopped: ["RUNNING", "ABORTED"], passed: ["RUNNING", "SUCCEEDED"]}
    first = next(detail for detail in told if detail["executionArn"] == passed)
    assert (first["stopDate"], first["output"], first["outputDetails"]) == (None, None, None)


def test_records_of_a_stream_are_told_as_they_are_written_but_not_of_a_cancelled_transaction(
    table: Callable[..., Any],
) -> None:
    told = list[Any]()
    name, client = table("describe_table")["Table"]["TableName"], boto3.client("dynamodb", region_name=REGION)

    def put(*keys: str) -> None:
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        puts: list[Any] = [{"Put": {"TableName": name, "Item": {"pk": {"S": key}}, **condition}} for key in keys]
        client.transact_write_items(TransactItems=puts)

    with stream_records_go_to({name: [told.append]}):
        table("put_item", Item={"pk": {"S": "x"}})
        put("y", "z")
        with pytest.raises(ClientError):  # of a table without sort key, which moto does its own way
            put("never", "x")
        table("delete_item", Key={"pk": {"S": "x"}})
    assert [(record["eventName"], record["dynamodb"]["Keys"]["pk"]["S"]) for record in told] == [
        ("INSERT", "x"),
        ("INSERT", "y"),
        ("INSERT", "z"),
        ("REMOVE", "x"),
    ]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in told]
    assert numbers == sorted(set(numbers))


def test_moto_invokes_no_function_of_a_mapping_inside_the_write(table: Callable[..., Any]) -> None:
    described = table("describe_table")["Table"]
    function, runtime = create_function(), OneFunction("none")
    boto3.client("lambda", region_name=REGION).create_event_source_mapping(
        FunctionName=function, EventSourceArn=described["LatestStreamArn"], StartingPosition="LATEST"
    )
    with invocations_go_to(runtime):
        table("put_item", Item={"pk": {"S": "moto's"}})
        assert len(runtime.payloads) == 1
        with stream_records_go_to({described["TableName"]: [lambda _: None]}):
            table("put_item", Item={"pk": {"S": "ours"}})
    assert len(runtime.payloads) == 1


# --- Nothing is left behind ------------------------------------------------------------------------------------------


class Owner:
    name = "original"


def test_what_was_replaced_comes_back_even_after_an_error() -> None:
    def fail_while_replaced() -> None:
        with replaced(Owner, "name", "other"):
            raise RuntimeError(f"while it is {Owner.name}")

    with pytest.raises(RuntimeError, match="while it is other"):
        fail_while_replaced()
    assert Owner.name == "original"


def test_what_is_not_there_cannot_be_replaced_and_what_is_there_not_be_added() -> None:
    with pytest.raises(AttributeError), replaced(Owner, "moved", 1):
        pass
    with pytest.raises(AttributeError), added(Owner, "name", "another"):
        pass
    with added(Owner, "more", 1), added(Owner, "more", 1):
        pass
    assert not hasattr(Owner, "more")


def test_all_corrections_are_taken_back() -> None:
    def standing() -> dict[str, Any]:
        modules: list[Any] = [
            module for name, module in list(sys.modules.items()) if name.startswith(("moto.", "botocore."))
        ]
        classes = [cls for module in modules for cls in vars(module).values() if isinstance(cls, type)]
        return {
            f"{owner.__module__ if isinstance(owner, type) else ''} {owner.__name__} {name}": value
            for owner in (*modules, *classes)
            for name, value in vars(owner).items()
            if callable(value) or isinstance(value, (staticmethod, property))
        }

    before = standing()

    def nothing(*_: Any) -> None:
        raise AssertionError

    events = (matched_events_go_to(nothing, frozenset()), status_changes_go_to(nothing), stream_records_go_to({}))
    with mock_aws(), corrected_moto(lambda url: url), invocations_go_to(OneFunction("arn")), ExitStack() as stack:
        for going_on in events:
            stack.enter_context(going_on)
        changed = [name for name, value in standing().items() if before.get(name) is not value]
    assert len(changed) >= 29, changed
    after = standing()
    assert not [name for name in changed if after.get(name) is not before.get(name)]


# --- Schedules -------------------------------------------------------------------------------------------------------


def no_fault(*_: str) -> None:
    """Every expression may be kept."""


def test_each_schedule_is_told_when_it_is_made_and_changed_and_is_kept_until_it_is_deleted(world: None) -> None:
    client, told = boto3.client("scheduler", region_name=REGION), list[Any]()
    said: Any = {
        "Name": f"schedule-{uuid4()}",
        "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": A_FUNCTION, "RoleArn": ROLE, "Input": "{}"},
    }
    with schedules_go_to(told.append, no_fault):
        arn = client.create_schedule(**said)["ScheduleArn"]
        client.update_schedule(**said, State="DISABLED", ScheduleExpressionTimezone="Europe/Berlin")
    first, second = told
    assert first is second  # the same object at each change: who keeps its times has to count the changes
    assert (first.arn, first.name, first.group_name, first.state) == (arn, said["Name"], "default", "DISABLED")
    assert (first.schedule_expression, first.schedule_expression_timezone) == ("rate(1 minute)", "Europe/Berlin")
    assert (first.start_date, first.end_date, first.action_after_completion) == (None, None, None)
    assert first.target["Input"] == "{}"
    assert schedule_is_kept(first)
    client.delete_schedule(Name=said["Name"])
    assert not schedule_is_kept(first)


def test_times_of_a_schedule_are_kept_as_seconds(world: None) -> None:
    client, told = boto3.client("scheduler", region_name=REGION), list[Any]()
    with schedules_go_to(told.append, no_fault):
        client.create_schedule(
            Name=f"schedule-{uuid4()}",
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": A_FUNCTION, "RoleArn": ROLE},
            StartDate=datetime.fromtimestamp(1_795_338_007, UTC),
            EndDate=datetime.fromtimestamp(1_795_339_000, UTC),
            ActionAfterCompletion="DELETE",
        )
    [kept] = told
    assert (float(kept.start_date), float(kept.end_date)) == (1_795_338_007, 1_795_339_000)
    assert kept.action_after_completion == "DELETE"
    forget(kept)
    assert not schedule_is_kept(kept)


def test_each_rule_with_a_schedule_is_told_when_it_is_made_and_another_when_it_is_changed(world: None) -> None:
    client, told, name = boto3.client("events", region_name=REGION), list[Any](), f"rule-{uuid4()}"
    with scheduled_rules_go_to(told.append, no_fault):
        client.put_rule(Name=name, ScheduleExpression="cron(0 9 * * ? *)")
        put_rule(EventPattern=json.dumps({"source": ["s"]}))
        client.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": A_FUNCTION}])
        client.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
        client.disable_rule(Name=name)
    first, second = told
    assert [rule_is_kept(rule) for rule in told] == [False, True]
    assert (second.scheduled_expression, second.state, second.targets) == ("rate(1 minute)", "DISABLED", first.targets)
    client.remove_targets(Rule=name, Ids=["t"])
    client.delete_rule(Name=name)
    assert not rule_is_kept(second)


def test_an_event_goes_to_a_rule_of_another_bus_that_is_made_later(world: None) -> None:
    client, bus, given = boto3.client("events", region_name=REGION), f"bus-{uuid4()}", list[dict[str, Any]]()
    client.create_event_bus(Name=bus)
    with matched_events_go_to(lambda _, event: given.append(event), frozenset({"lambda"})):
        client.put_rule(Name="r", EventBusName=bus, EventPattern=json.dumps({"source": [bus]}))
        client.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "t", "Arn": A_FUNCTION}])
        entry: Any = {"Source": bus, "DetailType": "Any", "Detail": "{}"}
        client.put_events(Entries=[entry])
        assert given == []
        entry["EventBusName"] = bus
        client.put_events(Entries=[entry])
    assert [event["source"] for event in given] == [bus]
