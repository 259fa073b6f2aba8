"""`make redrive` on what the local stack has given up as Lambda does: nothing is lost, nothing done by halves."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.events.models import EventsBackend

from local.deployment import Deployment
from local.moto_world.replacing import replaced
from local.seed import API_KEY, TENANT
from local.stack import LocalStack
from local.template import REGION, STACK_NAME
from stepcall.domain.ids import read_run_id
from stepcall.domain.run import RunStatus
from stepcall.runtime import client_wiring, wiring
from stepcall.stores.slot_store import Place
from tests.functional.conftest import Api
from tests.functional.missed_runs import found, starts_throttled
from tests.functional.run_event_queue import RunEventQueue, queue_on
from tests.functional.test_approval import asking, complete
from tests.functional.test_graph_order import end_of
from tests.local.manual_clock import ManualClock
from tests.wait_until import wait_until
from tools.dead_letters.queue import Queue
from tools.redrive_dead_letters import redrive

CLOCK = ManualClock()
IDENTITY = {"name": "Same", "tasks": [{"ref": "same", "type": "Data.Transform", "input": {"expression": "1"}}]}
EVENTS_OF_A_RUN = 2


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(now=CLOCK) as stack:
        boto3.client("events").disable_rule(Name=stack.deployment.names["SweepRunsFunctionEveryMinute"])
        yield stack


@pytest.fixture(autouse=True)
def nothing_left(stack: LocalStack) -> Iterator[None]:
    yield
    sqs: Any = boto3.client("sqs", region_name=REGION)
    for name in ("FailedInvocations", "UnpublishedRunEvents", "UnreturnedSlots"):
        queue = Queue(sqs, stack.deployment.names[name], wait_seconds=0)
        for letter in queue.take():
            queue.delete(letter)


@pytest.fixture(scope="module")
def events(stack: LocalStack) -> Iterator[RunEventQueue]:
    bus = next(f.variables["EVENT_BUS"] for f in stack.deployment.functions if "EVENT_BUS" in f.variables)
    with queue_on(bus) as queue:
        yield queue


def as_time_passes(stack: LocalStack, met: Callable[[], object]) -> None:
    """A step of a minute at a time: what fails is tried again later."""
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        CLOCK.seconds += 60
        stack.agenda.wake()
        time.sleep(0.01)


def lying_in(stack: LocalStack, queue: str) -> int:
    asked = {"QueueUrl": stack.deployment.names[queue], "AttributeNames": ["ApproximateNumberOfMessages"]}
    told: Any = boto3.client("sqs", region_name=REGION).get_queue_attributes(**asked)
    return int(told["Attributes"]["ApproximateNumberOfMessages"])


class CloudFormation:
    """What it says of the stack. moto's own says nothing of one with resources that it does not make."""

    def __init__(self, deployment: Deployment) -> None:
        self._names = deployment.names
        self._functions = [function.name for function in deployment.functions]

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> Any:  # noqa: N803
        assert StackName == STACK_NAME
        return {"StackResourceDetail": {"PhysicalResourceId": self._names[LogicalResourceId]}}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[Any]:  # noqa: N803
        assert StackName == STACK_NAME
        for name in self._functions:
            yield {
                "StackResourceSummaries": [
                    {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": name},
                    {"ResourceType": "AWS::IAM::Role", "PhysicalResourceId": f"{name}-role"},
                ]
            }


def drive(stack: LocalStack, *, apply: bool = True) -> tuple[int, str]:
    """How many are left, and what the operator reads."""
    lines: list[str] = []

    def client(service: str) -> Any:
        make: Any = boto3.client
        return CloudFormation(stack.deployment) if service == "cloudformation" else make(service, region_name=REGION)

    left = redrive(client, STACK_NAME, lines.append, apply=apply, wait_seconds=0)
    return left, "\n".join(lines)


def run_one(stack: LocalStack) -> str:
    """The id of a run that has ended."""
    api = Api(stack.url, API_KEY)
    return str(read_run_id(api.run(api.define(**IDENTITY))["execution_id"]))


@contextmanager
def bus_refuses() -> Iterator[None]:
    def refuse(_: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"ErrorCode": "InternalFailure", "ErrorMessage": "Not now."} for _ in events]

    with replaced(EventsBackend, "put_events", refuse):
        yield


@contextmanager
def refused(event: str, code: str, *clients: Any) -> Iterator[None]:
    """Of every client of boto3 that is made meanwhile, or of those of the functions."""

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "Not now."}}, event.rpartition(".")[2])

    clients = (client_wiring.dynamodb(), *clients)
    emitters = [client.meta.events for client in clients]
    emitters += [boto3.DEFAULT_SESSION.events] if boto3.DEFAULT_SESSION else []
    for emitter in emitters:
        emitter.register(event, refuse)
    try:
        yield
    finally:
        for emitter in emitters:
            emitter.unregister(event, refuse)


@pytest.fixture
def untold(stack: LocalStack, events: RunEventQueue) -> str:
    """A run whose events were tried for as often as the template says, and given up."""
    with bus_refuses():
        run_id = run_one(stack)
        as_time_passes(stack, lambda: lying_in(stack, "UnpublishedRunEvents"))
    assert events.of_run(run_id, 0) == []
    return run_id


def types_of(told: list[dict[str, Any]]) -> list[str]:
    return [event["detail-type"] for event in told]


def test_what_the_bus_never_took_is_shown_then_told_from_the_stream_and_gone(
    stack: LocalStack, events: RunEventQueue, untold: str
) -> None:
    left, said = drive(stack, apply=False)
    assert left == lying_in(stack, "UnpublishedRunEvents") >= 1
    assert "RetryAttemptsExhausted" in said
    assert events.of_run(untold, 0) == []
    left, said = drive(stack)
    assert "played again from the stream" in said
    assert (left, lying_in(stack, "UnpublishedRunEvents")) == (0, 0)
    assert types_of(events.of_run(untold, EVENTS_OF_A_RUN)) == ["Run Started", "Run Completed"]
    left, said = drive(stack)
    assert (left, {line.partition(": ")[2] for line in said.splitlines()}) == (0, {"0"})


def test_what_fails_again_stays(stack: LocalStack, events: RunEventQueue, untold: str) -> None:
    with bus_refuses():
        left, said = drive(stack)
    assert "stays: the function could not do it" in said
    assert left == lying_in(stack, "UnpublishedRunEvents") >= 1
    assert drive(stack)[0] == 0
    assert types_of(events.of_run(untold, EVENTS_OF_A_RUN)) == ["Run Started", "Run Completed"]


def test_what_the_stream_keeps_no_more_is_told_from_the_table_with_the_same_ids(
    stack: LocalStack, events: RunEventQueue, untold: str
) -> None:
    with refused("before-call.dynamodbstreams.GetShardIterator", "TrimmedDataAccessException"):
        left, said = drive(stack)
    assert (left, "played again from the table" in said) == (0, True), said
    told = events.of_run(untold, EVENTS_OF_A_RUN)
    assert sorted(set(types_of(told))) == ["Run Completed", "Run Started"]
    started, completed = (event["detail"] for event in told[:EVENTS_OF_A_RUN])
    assert (started["status"], completed["status"]) == ("RUNNING", "COMPLETED")
    assert "completed_at" not in started
    another = run_one(stack)
    as_time_passes(stack, lambda: events.of_run(another, 0))
    assert events.of_run(another, 0)[0]["detail"].keys() == started.keys()  # as the stream tells it


@contextmanager
def kept_back(what: str) -> Iterator[None]:
    """No update that says this is taken."""

    def refuse(params: Any, **_: object) -> None:
        if what in str(params["body"]):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "Not now."}}, "UpdateItem")

    emitter = client_wiring.dynamodb().meta.events
    emitter.register("before-call.dynamodb.UpdateItem", refuse)
    try:
        yield
    finally:
        emitter.unregister("before-call.dynamodb.UpdateItem", refuse)


@pytest.mark.parametrize("source", ["the stream", "the table"])
def test_a_slot_that_was_not_given_back_is(stack: LocalStack, source: str) -> None:
    slots = wiring.start_dependencies().slots
    with kept_back("DELETE slots"):
        run_id = UUID(run_one(stack))
        as_time_passes(stack, lambda: lying_in(stack, "UnreturnedSlots"))
        assert "stays: the function could not do it" in drive(stack)[1]
    assert Place(run_id) in slots.read(TENANT).holders
    as_time_passes(stack, lambda: lying_in(stack, "UnreturnedSlots"))  # put back, and to be seen again
    code = "TrimmedDataAccessException"
    trimmed = refused("before-call.dynamodbstreams.GetShardIterator", code) if source == "the table" else nullcontext()
    with trimmed:
        left, said = drive(stack)
    assert (left, f"played again from {source}" in said) == (0, True), said
    assert lying_in(stack, "UnreturnedSlots") == 0
    assert Place(run_id) not in slots.read(TENANT).holders, said


def open_questions(api: Api, workflow_id: str) -> list[str]:
    """Where the executions are that ask somebody."""
    path = f"/workflows/{workflow_id}/executions"
    found = [f"{path}/{one['execution_id']}" for one in api("GET", path).json["executions"]]
    return [path for path in found if "awaiting" in api("GET", path).json["tasks"][0]]


@pytest.mark.parametrize("source", ["the stream", "the table"])
def test_executions_that_a_failed_tasks_elements_have_started_are_cancelled(stack: LocalStack, source: str) -> None:
    api = Api(stack.url, API_KEY)
    asks = {"ref": "ask", "type": "Flow.Approval", "input": {"message": "Go on?"}}
    child = api.define(tasks=[asks])
    each = {"ref": "call", "type": "Workflow.Execute", "input": {"workflow_id": child}, "for_each": [1, 2]}
    with kept_back("cancelled_from"):
        api("POST", f"/workflows/{api.define(tasks=[each | {'on_error': 'continue'}, asks])}/execute", {})
        wait_until(lambda: len(open_questions(api, child)) == 2)
        assert api("POST", f"{open_questions(api, child)[0]}/tasks/ask/fail", {"message": "No."}).status == 200
        as_time_passes(stack, lambda: lying_in(stack, "UnreturnedSlots"))
    code = "TrimmedDataAccessException"
    trimmed = refused("before-call.dynamodbstreams.GetShardIterator", code) if source == "the table" else nullcontext()
    with trimmed:
        left, said = drive(stack)
    assert (left, f"played again from {source}" in said) == (0, True), said
    listed = api("GET", f"/workflows/{child}/executions").json["executions"]
    assert sorted(one["status"] for one in listed) == ["CANCELLED", "FAILED"]


@pytest.mark.parametrize("source", ["the stream", "the table"])
def test_a_machine_that_was_not_told_of_an_answer_is(stack: LocalStack, source: str) -> None:
    api = Api(stack.url, API_KEY)
    path = asking(api)
    with refused("before-call.stepfunctions.SendTaskSuccess", "AccessDeniedException", client_wiring.stepfunctions()):
        assert complete(api, path).status == 200
        as_time_passes(stack, lambda: lying_in(stack, "UnreturnedSlots"))
    code = "TrimmedDataAccessException"
    trimmed = refused("before-call.dynamodbstreams.GetShardIterator", code) if source == "the table" else nullcontext()
    with trimmed:
        left, said = drive(stack)
    assert (left, f"played again from {source}" in said) == (0, True), said
    assert end_of(api, path)["status"] == "COMPLETED"


def test_an_invocation_that_was_given_up_is_done(stack: LocalStack) -> None:
    api = Api(stack.url, API_KEY)
    with starts_throttled():
        run_id = read_run_id(api("POST", f"/workflows/{api.define(**IDENTITY)}/execute", {}).json["execution_id"])
    machine = f"arn:aws:states:{REGION}:123456789012:stateMachine:stepcall-{found(run_id).run.content_hash}"
    event = {"source": "aws.states", "detail": {"name": str(run_id), "stateMachineArn": machine, "status": "ABORTED"}}
    function = next(f for f in stack.deployment.functions if f.logical_id == "RecordExecutionStatusFunction")
    with refused("before-call.dynamodb.UpdateItem", "AccessDeniedException"):
        give_up(stack, function.arn, event)
        assert "stays: it failed again: ClientError" in drive(stack)[1]
    assert found(run_id).run.status is RunStatus.PENDING
    left, said = drive(stack)
    assert (left, "invoked again" in said) == (0, True), said
    assert lying_in(stack, "FailedInvocations") == 0
    assert found(run_id).run.status is RunStatus.CANCELLED


def give_up(stack: LocalStack, function: str, event: dict[str, Any]) -> None:
    """As the rule's target is tried three times and then given up."""
    client = boto3.client("events", region_name=REGION)
    pattern = {"source": ["test.redrive"]}
    client.put_rule(Name="redrive", EventPattern=json.dumps(pattern))
    client.put_targets(Rule="redrive", Targets=[{"Id": "1", "Arn": function, "Input": json.dumps(event)}])
    client.put_events(Entries=[{"Source": "test.redrive", "DetailType": "x", "Detail": "{}"}])
    as_time_passes(stack, lambda: lying_in(stack, "FailedInvocations"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("not JSON", "not understood: no FailedInvocation"),
        ('{"requestContext": {}}', "not understood: no FailedInvocation"),
        (
            json.dumps(
                {
                    "requestContext": {
                        "functionArn": "arn:aws:lambda:eu-central-1:1:function:delete-all:$LATEST",
                        "condition": "RetriesExhausted",
                    },
                    "requestPayload": {},
                }
            ),
            "delete-all is no function of this stack",
        ),
    ],
)
def test_what_is_not_understood_or_not_ours_stays_and_is_named(stack: LocalStack, body: str, why: str) -> None:
    sqs, url = boto3.client("sqs", region_name=REGION), stack.deployment.names["FailedInvocations"]
    message_id = sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]
    left, said = drive(stack)
    assert left == 1
    assert f"{message_id}  stays: {why}" in said
    assert lying_in(stack, "FailedInvocations") == 1


def test_every_dead_letter_queue_of_the_template_is_driven(stack: LocalStack) -> None:
    said = drive(stack)[1]
    queues = [name for name, physical in stack.deployment.names.items() if physical.startswith("https://sqs.")]
    assert {line.split(":")[0] for line in said.splitlines()} == set(queues)


def test_a_change_that_nobody_can_read_stays(stack: LocalStack) -> None:
    table = stack.deployment.names["RunsTable"]
    item: Any = {"run_id": {"S": "poisoned"}, "item": {"S": "RUN"}, "status": {"S": "RUNNING"}}
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=table, Item=item)
    as_time_passes(stack, lambda: lying_in(stack, "UnpublishedRunEvents"))
    left, said = drive(stack)
    assert left == 1
    assert "stays: it failed again: " in said
