"""From PutEvents to a run: bus, rule, start_triggered_run; and what can start nothing, to its queue with the reason."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_execution, spell_workflow
from stepcall.domain.run import RunSummary
from stepcall.runtime import client_wiring
from stepcall.runtime.event_wiring import event_dependencies
from stepcall.runtime.wiring import worker_dependencies
from tests.functional.conftest import Api
from tests.functional.conftest import send as send_over_http
from tests.functional.missed_runs import EVENTS, ended, found, invoke, starts_throttled
from tests.logged_lines import logged_lines

EVENT = json.loads((EVENTS / "start_triggered_run.json").read_text())
DEFINITION: dict[str, Any] = {
    "name": "By event",
    "input": [{"name": "value", "type": "string"}],
    "tasks": [{"ref": "same", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.value}}"}}],
    "output": [{"name": "value", "type": "string", "value": "{{refs.same.output.result}}"}],
}
PATIENCE_SECONDS = 20


@pytest.fixture
def workflow(api: Api) -> str:
    return api.define(**DEFINITION)


def put(stack: LocalStack, **detail: Any) -> str:
    """Put an event onto the deployment's bus: its id."""
    bus = next(f.variables["EVENT_BUS"] for f in stack.deployment.functions if "EVENT_BUS" in f.variables)
    entry: Any = {"Source": "com.example", "DetailType": "Execute Workflow", "EventBusName": bus}
    [put] = boto3.client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])["Entries"]
    return put["EventId"]


def send(stack: LocalStack, detail: Any, event_id: str = "") -> Any:
    """As the rule sends it: what the function answers."""
    return invoke(stack, "StartTriggeredRunFunction", EVENT | {"id": event_id or str(uuid4()), "detail": detail})


def runs_of(workflow_id: str) -> list[RunSummary]:
    runs = worker_dependencies().runs
    return list(runs.list_by_workflow(TENANT, read_workflow_id(workflow_id), status=None, limit=100, after=None).runs)


def once_there(look: Callable[[], list[Any]]) -> list[Any]:
    until = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return seen


@pytest.fixture(autouse=True)
def nothing_kept(stack: LocalStack) -> Iterator[None]:
    kept(stack)
    yield
    kept(stack)


def kept(stack: LocalStack) -> list[Any]:
    """What lies in the queue of invalid events, which is empty then."""
    sqs, url = boto3.client("sqs"), stack.deployment.names["InvalidEvents"]
    letters: list[Any] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            letters.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return letters


def test_an_event_on_the_bus_starts_a_run_and_shows_who_it_was(stack: LocalStack, api: Api, workflow: str) -> None:
    event_id = put(stack, workflow_id=workflow, tenant=TENANT, input={"value": "a tide mill"})
    [summary] = once_there(lambda: runs_of(workflow))
    run = ended(summary.run_id)
    assert (run.principal, run.correlation_id) == ("event-bus", event_id)
    shown = api("GET", f"/workflows/{workflow}/executions/{spell_execution(run.run_id)}").json
    assert (shown["status"], shown["output"]) == ("COMPLETED", {"value": "a tide mill"})
    assert kept(stack) == []


def test_an_event_that_names_no_tenant_means_the_one_of_the_first_key_which_is_the_local_one(
    stack: LocalStack, api: Api
) -> None:
    detail = {"workflow_id": api.define(**DEFINITION), "input": {"value": "x"}}
    assert send(stack, detail) is None
    [execution] = api("GET", f"/workflows/{detail['workflow_id']}/executions").json["executions"]
    assert found(read_run_id(execution["execution_id"])).run.principal == "event-bus"


def test_a_workflow_may_be_named_by_its_config_id_and_run_in_part(stack: LocalStack, api: Api) -> None:
    config_id = f"cfg-{uuid4()}"
    tasks = [DEFINITION["tasks"][0] | {"stage": "source"}]
    workflow = api.define(**DEFINITION | {"config_id": config_id, "tasks": tasks, "output": []})
    put(stack, config_id=config_id, input={"value": "x"}, run_mode="source", tenant=TENANT)
    [summary] = once_there(lambda: runs_of(workflow))
    assert found(summary.run_id).run.run_mode == "source"


def test_one_event_delivered_twenty_times_at_once_makes_one_run(stack: LocalStack, workflow: str) -> None:
    event_id, detail = str(uuid4()), {"workflow_id": workflow, "tenant": TENANT, "input": {"value": "x"}}
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: send(stack, detail, event_id), range(20)))
    # of those that met in one write some are for Lambda to try again
    for answer in answers:
        if answer is not None:
            assert answer["errorType"] == "StartedOnceError"
            assert send(stack, detail, event_id) is None
    assert len(runs_of(workflow)) == 1
    assert kept(stack) == []


def test_two_events_with_one_key_make_one_run_and_another_detail_is_refused(stack: LocalStack, workflow: str) -> None:
    detail = {"workflow_id": workflow, "tenant": TENANT, "input": {"value": "x"}, "idempotency_key": "order-17"}
    for same in (detail, detail | {"run_mode": "full"}):
        assert send(stack, same) is None
    assert kept(stack) == []
    other = detail | {"input": {"value": "a secret"}}
    assert send(stack, other) is None
    [letter] = kept(stack)
    assert (letter["reason"]["code"], letter["event"]["detail"]) == ("idempotency-key-reused", other)
    assert len(runs_of(workflow)) == 1


def test_a_key_that_looks_like_another_events_id_takes_nothing_from_it(stack: LocalStack, workflow: str) -> None:
    event_id, detail = str(uuid4()), {"workflow_id": workflow, "tenant": TENANT, "input": {"value": "x"}}
    assert send(stack, detail | {"idempotency_key": event_id}) is None
    assert send(stack, detail, event_id) is None
    assert len(runs_of(workflow)) == 2


UNKNOWN = spell_workflow(uuid4())
INVALID: dict[str, tuple[dict[str, Any], str, list[tuple[str, str]]]] = {
    "nothing named": ({}, "invalid-event", [("/detail", "missing")]),
    "both named": ({"workflow_id": UNKNOWN, "config_id": "a"}, "invalid-event", [("/detail", "conflict")]),
    "all that is wrong": (
        {"workflow_id": "wf-?", "inputs": {}, "run_mode": "half", "idempotency_key": "a b", "tenant": "", "input": []},
        "invalid-event",
        [
            ("/detail/input", "wrong_type"),
            ("/detail/idempotency_key", "invalid_value"),
            ("/detail/run_mode", "unknown_value"),
            ("/detail/tenant", "invalid_value"),
            ("/detail/inputs", "unknown_field"),
            ("/detail/workflow_id", "invalid_value"),
        ],
    ),
    "no such workflow": ({"workflow_id": UNKNOWN}, "workflow-not-found", []),
    "no such config_id": ({"config_id": "nobody-has-it"}, "workflow-not-found", []),
    "input that does not fit": (
        {"input": {"value": 1, "valeu": 2}},
        "invalid-input",
        [("/detail/input/value", "wrong_type"), ("/detail/input/valeu", "unknown_input")],
    ),
    "nothing to run": ({"input": {"value": "x"}, "run_mode": "source"}, "empty-run-mode", []),
    "another tenant's": ({"input": {"value": "x"}, "tenant": "other"}, "workflow-not-found", []),
}


@pytest.mark.parametrize("name", list(INVALID))
def test_what_can_start_nothing_is_kept_with_the_reason_counted_and_logged(
    stack: LocalStack,
    workflow: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    detail, code, problems = INVALID[name]
    if name in {"input that does not fit", "nothing to run", "another tenant's"}:
        detail = {"workflow_id": workflow, "tenant": TENANT, **detail}
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    capsys.readouterr()
    with logged_lines() as lines:
        assert send(stack, detail, "the-event") is None
    [letter] = kept(stack)
    assert letter["event"] == EVENT | {"id": "the-event", "detail": detail}
    reason = letter["reason"]
    assert (reason["code"], [(p["location"], p["code"]) for p in reason["problems"]]) == (code, problems)
    assert reason["message"].endswith("nothing was started.") or name == "nothing to run"
    names_none = code == "workflow-not-found" and "tenant" not in detail
    assert (f"names no `tenant`, and the one that then counts, `{TENANT}`," in reason["message"]) is names_none
    [line] = [line for line in lines if line["message"] == "event_refused"]
    assert (line["code"], line["correlation_id"], line["event_id"]) == (code, "the-event", "the-event")
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    assert [line["InvalidEvents"] for line in written if "InvalidEvents" in line] == [[1.0]]
    assert runs_of(workflow) == []


def test_a_field_that_is_misspelt_is_told_what_it_may_have_been(stack: LocalStack, workflow: str) -> None:
    assert send(stack, {"workflow_id": workflow, "idempotencykey": "x"}) is None
    [letter] = kept(stack)
    assert letter["reason"]["problems"][0]["message"].endswith("did you mean `idempotency_key`?")


def test_an_invalid_event_on_the_bus_is_in_the_queue_whole(stack: LocalStack) -> None:
    event_id = put(stack, workflow_id="wf-?", note="\x01 \U0001f600 \uffff")
    [letter] = once_there(lambda: kept(stack))
    assert (letter["event"]["id"], letter["event"]["detail"]["note"]) == (event_id, "\x01 \U0001f600 \uffff")
    assert letter["event"]["detail-type"] == "Execute Workflow"


def test_an_event_that_is_too_large_for_a_message_lies_in_the_bucket(stack: LocalStack) -> None:
    detail = {"workflow_id": UNKNOWN, "input": {"text": "\u00e9" * 100_000}}
    assert send(stack, detail) is None
    [letter] = kept(stack)
    assert letter.keys() == {"event_key", "reason"}
    bucket = stack.deployment.names["DataBucket"]
    body = boto3.client("s3").get_object(Bucket=bucket, Key=letter["event_key"])["Body"].read()
    assert json.loads(json.loads(body))["detail"] == detail


def test_so_many_problems_that_no_message_holds_them_are_told_in_part(stack: LocalStack, workflow: str) -> None:
    detail = {"workflow_id": workflow, "tenant": TENANT, "input": {f"{number}{'x' * 100}": 1 for number in range(1000)}}
    assert send(stack, detail) is None
    [letter] = kept(stack)
    assert letter["event"]["detail"] == detail
    assert 50 < len(letter["reason"]["problems"]) < 1000


def test_half_a_surrogate_pair_is_a_reason_and_not_a_fault(stack: LocalStack) -> None:
    assert send(stack, {"config_id": "\ud800"}) is None
    [letter] = kept(stack)
    assert letter["event"]["detail"] == {"config_id": "\ud800"}
    assert letter["reason"]["problems"][0]["code"] == "not_json"


@pytest.mark.parametrize("operation", ["dynamodb.TransactWriteItems", "dynamodb.GetItem"])
def test_an_outage_is_raised_for_lambda_to_try_again_and_then_makes_the_run(
    stack: LocalStack, workflow: str, operation: str
) -> None:
    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, operation.rpartition(".")[2])

    wiring_events = client_wiring.dynamodb().meta.events
    wiring_events.register(f"before-call.{operation}", throttle)
    event_id, detail = str(uuid4()), {"workflow_id": workflow, "tenant": TENANT, "input": {"value": "x"}}
    try:
        assert send(stack, detail, event_id)["errorType"] == "ClientError"
    finally:
        wiring_events.unregister(f"before-call.{operation}", throttle)
    assert (kept(stack), runs_of(workflow)) == ([], [])
    assert send(stack, detail, event_id) is None
    assert len(runs_of(workflow)) == 1


def test_a_run_that_step_functions_does_not_take_now_is_there_and_waits_for_the_sweep(
    stack: LocalStack, workflow: str
) -> None:
    with starts_throttled():
        assert send(stack, {"workflow_id": workflow, "tenant": TENANT, "input": {"value": "x"}}) is None
    [summary] = runs_of(workflow)
    assert summary.status == "PENDING"
    assert isinstance(summary.run_id, UUID)


def test_an_event_that_cannot_be_kept_is_tried_again(stack: LocalStack) -> None:
    send(stack, {})
    [_] = kept(stack)
    queue: Any = event_dependencies().invalid_events
    events = queue.client.meta.events

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "RequestThrottled", "Message": ""}}, "SendMessage")

    events.register("before-call.sqs.SendMessage", refuse)
    try:
        assert send(stack, {})["errorType"] == "ClientError"
    finally:
        events.unregister("before-call.sqs.SendMessage", refuse)
    assert kept(stack) == []


def put_locally(stack: LocalStack, *entries: Any) -> Any:
    answer = send_over_http(stack.url, "POST", "/_local/events", {"Entries": list(entries)})
    return answer.status, answer.json


def test_an_event_put_by_curl_goes_to_the_deployments_bus_and_starts_a_run(stack: LocalStack, workflow: str) -> None:
    asked = {"workflow_id": workflow, "input": {"value": "x"}}
    entry = {"Source": "my.shop", "DetailType": "Execute Workflow", "Detail": asked}
    status, answer = put_locally(stack, entry, entry | {"Detail": json.dumps(asked)})
    assert (status, answer["FailedEntryCount"]) == (200, 0)
    started = once_there(lambda: seen if len(seen := runs_of(workflow)) == 2 else [])
    shown = {ended(summary.run_id).correlation_id for summary in started}
    assert shown == {entry["EventId"] for entry in answer["Entries"]}


def test_an_event_of_a_service_of_aws_may_be_played_on_the_default_bus_and_nowhere_else(
    stack: LocalStack, api: Api, workflow: str
) -> None:
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [workflow]}}}
    trigger = {"type": "event", "pattern": pattern, "input": {"value": "{{event.detail.object.key}}"}}
    assert api("POST", f"/workflows/{workflow}/triggers", trigger).status == 201
    detail = {"bucket": {"name": workflow}, "object": {"key": "a.csv"}}
    entry = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": detail}
    status, answer = put_locally(stack, entry, entry | {"EventBusName": "default"})
    assert (status, answer["FailedEntryCount"]) == (200, 1)
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    [run] = once_there(lambda: runs_of(workflow))
    assert ended(run.run_id).correlation_id == answer["Entries"][1]["EventId"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "`Entries` must be an array"),
        ({"Entries": []}, "`Entries` must be an array"),
        ({"Entries": [{"source": "my.shop"}]}, "`Entries/0` must be an object of EventBusName, Source"),
        ({"Entries": [{"Source": 1}]}, "must be text"),
        ({"Entries": [{"Source": "a", "DetailType": "b", "Detail": 1}]}, "`Detail` of `Entries/0`"),
        ({"Entries": [{"Source": "a", "Resources": [1]}]}, "`Resources` of `Entries/0`"),
        ({"Entries": [{"Source": "a", "DetailType": "b", "Detail": {"a": 1}, "EventBusName": "nobodys"}]}, "nobodys"),
    ],
)
def test_what_is_no_request_to_put_events_is_refused_with_what_to_write(
    stack: LocalStack, body: Any, told: str
) -> None:
    answer = send_over_http(stack.url, "POST", "/_local/events", body)
    assert (answer.status, told in answer.json["message"]) == (400, True), answer.text


def test_an_entry_that_is_no_event_fails_alone_as_on_aws(stack: LocalStack) -> None:
    entries = [{"Source": "a", "DetailType": "b", "Detail": "{"}, {"Source": "aws.s3", "EventBusName": "default"}]
    status, answer = put_locally(stack, *entries, {"Source": "a", "DetailType": "b", "Detail": {"a": 1}})
    assert (status, answer["FailedEntryCount"]) == (200, 2)
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == ["MalformedDetail", "InvalidArgument", None]
