"""Each payload in `events/` is what its function is really sent: here each one is sent."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.access import Caller
from stepcall.domain.check import check_definition
from stepcall.domain.delivery import new_delivery
from stepcall.domain.ids import read_run_id
from stepcall.domain.procedure import Procedure
from stepcall.domain.run import Run, RunStatus, RunWithTasks, StoredPayload, TaskStatus
from stepcall.domain.run_events import RunChange, event_of
from stepcall.domain.run_mode import RunMode
from stepcall.domain.trigger import TriggerType
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.delivery_wiring import deliveries
from stepcall.runtime.trigger_wiring import triggers
from stepcall.runtime.wiring import face_dependencies, start_dependencies, worker_dependencies
from stepcall.stores.slot_store import Place
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.define_workflow import define_workflow
from tests.functional.conftest import PageServer
from tests.functional.missed_runs import ended as ended_run
from tests.functional.missed_runs import make_older, starts_throttled
from tests.functional.web_server import WebServer, answer

EVENTS = Path(__file__).parents[2] / "events"
NOW = datetime(2026, 11, 21, 9, 15, 32, tzinfo=UTC)
FUNCTIONS = {
    "workflows_api": "WorkflowsApiFunction",
    "run_web_task": "RunWebTaskFunction",
    "run_ai_task": "RunAiTaskFunction",
    "run_data_task": "RunDataTaskFunction",
    "run_sql_task": "RunSqlTaskFunction",
    "carto_api": "CartoApiFunction",
    "wave_api": "WaveApiFunction",
    "amperity_api": "AmperityApiFunction",
    "finish_run": "FinishRunFunction",
    "rotate_token_key": "RotateTokenKeyFunction",
    "publish_run_events": "PublishRunEventsFunction",
    "start_waiting_runs": "StartWaitingRunsFunction",
    "record_execution_status": "RecordExecutionStatusFunction",
    "sweep_runs": "SweepRunsFunction",
    "deliver_webhook": "DeliverWebhookFunction",
    "start_triggered_run": "StartTriggeredRunFunction",
}


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text().replace("sc_replace_me_by_a_key_of_your_own", API_KEY))


def send(stack: LocalStack, name: str, **changed: Any) -> Any:
    """Invoke the function that the event is for, as Lambda would; what it answers, or the error it raised."""
    function = stack.deployment.names[FUNCTIONS[name.split(".", maxsplit=1)[0]]]
    return json.loads(stack.functions.invoke(function, json.dumps(event(name) | changed)).payload)


@pytest.fixture(scope="module")
def workflow(stack: LocalStack, page_host: str) -> WorkflowVersion:
    """The workflow that the events name."""
    PageServer.pages["/event"] = (
        200,
        "text/html",
        b"<html><body><article><p>Tide mills ground corn.</p></article></body></html>",
    )
    document = {
        "name": "Events",
        "input": [{"name": "url", "type": "string"}],
        "tasks": [
            {"ref": "page", "type": "Web.Download", "input": {"url": "{{input.url}}"}},
            {"ref": "summary", "type": "OpenAI.Text.Summarize", "input": {"text": "Tide mills ground corn."}},
            {"ref": "length", "type": "Data.Transform", "input": {"expression": "$length($)", "data": "{{input.url}}"}},
            {"ref": "table", "type": "Sql.Query", "input": {"query": "SELECT 1 AS one"}},
        ],
        "output": [{"name": "summary", "type": "string", "value": "{{refs.summary.output.summary}}"}],
    }
    ids = event("finish_run")["run"]
    version = WorkflowVersion(UUID(ids["workflow_id"]), 1, "local", check_definition(document, CATALOG).definition, NOW)
    worker_dependencies().workflows.put_first(version)
    return version


@pytest.fixture
def run(stack: LocalStack, workflow: WorkflowVersion, page_host: str) -> Iterator[UUID]:
    """The run that the events name, fresh."""
    run_id = UUID(event("finish_run")["run"]["run_id"])
    url = json.dumps({"url": f"http://{page_host}/event"})
    stored = Run(
        run_id=run_id,
        tenant="local",
        principal="test",
        workflow_id=workflow.workflow_id,
        workflow_version=1,
        content_hash=event("finish_run")["run"]["content_hash"],
        status=RunStatus.PENDING,
        created_at=NOW,
        input=StoredPayload(len(url), inline=url),
    )
    worker_dependencies().runs.put(stored)
    yield run_id
    table = stack.deployment.names["RunsTable"]
    for item in ("RUN", "TASK#page", "TASK#summary", "TASK#length", "TASK#table"):
        boto3.client("dynamodb").delete_item(TableName=table, Key={"run_id": {"S": str(run_id)}, "item": {"S": item}})


def found(run_id: UUID) -> RunWithTasks:
    return worker_dependencies().runs.get_for_end(run_id)


def test_every_event_file_belongs_to_a_function_and_every_function_has_one() -> None:
    assert {path.name.split(".")[0] for path in EVENTS.glob("*.json")} == set(FUNCTIONS)


def test_workflows_api_defines_the_workflow_of_its_event(stack: LocalStack) -> None:
    answer = send(stack, "workflows_api")
    assert answer["statusCode"] == 201
    assert json.loads(answer["body"])["workflow_version"] == 1


@pytest.mark.parametrize(("body", "is_base64"), [("!", True), ("/w==", True), ("\ud800", False), ("", False)])
def test_a_body_that_is_no_text_is_the_callers_fault(stack: LocalStack, body: str, is_base64: bool) -> None:
    request = event("workflows_api") | {"body": body, "isBase64Encoded": is_base64}
    function = stack.deployment.names["WorkflowsApiFunction"]
    answer = json.loads(stack.functions.invoke(function, json.dumps(request)).payload)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["type"] == "urn:stepcall:problem:malformed-json"


@pytest.mark.parametrize(
    ("name", "ref"),
    [("run_web_task", "page"), ("run_ai_task", "summary"), ("run_data_task", "length"), ("run_sql_task", "table")],
)
def test_a_worker_does_the_task_of_its_event_once(stack: LocalStack, run: UUID, name: str, ref: str) -> None:
    assert send(stack, name) is None
    first = found(run)
    assert (first.run.status, first.tasks[ref].status) == (RunStatus.RUNNING, TaskStatus.COMPLETED)
    assert send(stack, name) is None
    assert found(run) == first


def test_carto_api_creates_the_job_of_its_event(stack: LocalStack, workflow: WorkflowVersion) -> None:
    procedure = Procedure(
        tenant="local", workflow_id=workflow.workflow_id, workflow_version=1, connection="carto_dw", enabled_at=NOW
    )
    face_dependencies().procedures.put(procedure)
    with starts_throttled():  # so that it is there to be cancelled
        answer = send(stack, "carto_api")
    assert answer["statusCode"] == 200
    job = json.loads(answer["body"])
    assert job["query"] == f"CALL `{procedure.name}`(@url)"
    cancel = event("carto_api")["rawPath"] + f"/{job['externalId']}"
    http = event("carto_api")["requestContext"]["http"] | {"method": "DELETE", "path": cancel}
    request = event("carto_api")["requestContext"] | {"http": http}
    assert send(stack, "carto_api", rawPath=cancel, requestContext=request, body=None)["statusCode"] == 200


def test_wave_api_starts_a_run_of_the_workflow_of_its_event(stack: LocalStack, workflow: WorkflowVersion) -> None:
    with starts_throttled():  # so that it is there to be stopped
        answer = send(stack, "wave_api")
    assert answer["statusCode"] == 200
    run = json.loads(answer["body"])
    assert (run["status"], run["params"]) == ("running", {"url": "https://example.com/"})
    assert run["workflow"]["id"] == str(workflow.workflow_id)
    stop_run(found(UUID(run["id"])).run, face_dependencies())


def test_amperity_api_starts_a_run_of_the_configuration_of_its_event(stack: LocalStack) -> None:
    transform = {"expression": "$", "data": 1}
    tasks = [{"ref": "only", "stage": "source", "type": "Data.Transform", "input": transform}]
    document = {"name": "Courier", "config_id": "cg-123ABc4DE", "tasks": tasks}
    version = define_workflow(document, Caller("local", "test"), face_dependencies()).version
    answer = send(stack, "amperity_api")
    assert answer["statusCode"] == 200
    run = json.loads(answer["body"])
    assert (run["state"], run["tenant"], run["name"]) == ("scheduled", "local", "Courier")
    started = found(read_run_id(run["id"])).run
    assert (started.workflow_id, started.run_mode) == (version.workflow_id, RunMode.SOURCE)


def test_finish_run_ends_the_run_of_its_event(stack: LocalStack, run: UUID) -> None:
    send(stack, "run_ai_task")
    assert send(stack, "finish_run") is None
    ended = found(run).run
    assert ended.status is RunStatus.COMPLETED
    assert ended.output is not None
    assert "Tide mills ground corn." in str(ended.output.inline)


def test_finish_run_fails_the_run_whose_task_timed_out(stack: LocalStack, run: UUID) -> None:
    send(stack, "run_web_task")
    assert send(stack, "finish_run.error") is None
    ended = found(run).run
    assert ended.status is RunStatus.FAILED
    assert ended.error is not None
    assert (ended.error.reason, ended.error.location) == ("timeout", "summary")


def test_rotate_token_key_makes_the_key_of_its_event_once(stack: LocalStack) -> None:
    client, secret_arn = boto3.client("secretsmanager"), stack.deployment.names["TokenKeySecret"]
    version = event("rotate_token_key")["ClientRequestToken"]
    refused = send(stack, "rotate_token_key", SecretId=secret_arn)
    assert refused["errorType"] == "NotPendingError", "Secrets Manager has not begun a rotation"
    # what it begins one with has no value; here it has one, and the function keeps to it
    client.put_secret_value(
        SecretId=secret_arn, ClientRequestToken=version, SecretString="k" * 64, VersionStages=["AWSPENDING"]
    )
    for _ in range(2):
        assert send(stack, "rotate_token_key", SecretId=secret_arn) is None
    assert client.get_secret_value(SecretId=secret_arn, VersionId=version)["SecretString"] == "k" * 64
    client.update_secret_version_stage(SecretId=secret_arn, VersionStage="AWSPENDING", RemoveFromVersionId=version)


def test_publish_run_events_tells_what_its_event_says(stack: LocalStack) -> None:
    assert send(stack, "publish_run_events") == {"batchItemFailures": []}


def test_deliver_webhook_has_nothing_to_do_for_a_delivery_that_is_kept_no_longer(stack: LocalStack) -> None:
    assert send(stack, "deliver_webhook") == {"outcome": "superseded", "wait_seconds": 0}


def test_deliver_webhook_makes_the_attempt_of_its_event_once(stack: LocalStack, receiver: WebServer, run: UUID) -> None:
    url = receiver.serve("/event", answer(500))
    ended = replace(found(run).run, status=RunStatus.COMPLETED, completed_at=NOW, webhook_url=url)
    told = event_of(RunChange(ended, RunStatus.RUNNING))
    assert told
    delivery = new_delivery(told, None, url)
    assert deliveries().put(delivery)
    assert send(stack, "deliver_webhook")["outcome"] == "retry"
    assert send(stack, "deliver_webhook")["outcome"] == "retry"
    assert send(stack, "deliver_webhook", give_up=True) == {"outcome": "failed", "wait_seconds": 0}
    assert [request.method for request in receiver.received if request.path == "/event"] == ["POST"]


def test_start_waiting_runs_gives_the_slot_of_the_run_of_its_event_back(stack: LocalStack) -> None:
    [record] = event("start_waiting_runs")["Records"]
    place = Place(UUID(record["dynamodb"]["Keys"]["run_id"]["S"]))
    slots = start_dependencies().slots
    slots.take("local", place, limit=500, in_turn=True)
    for _ in range(2):
        assert send(stack, "start_waiting_runs") == {"batchItemFailures": []}
        assert place not in slots.read("local").holders


def test_start_triggered_run_starts_the_run_of_its_event_once(stack: LocalStack, workflow: WorkflowVersion) -> None:
    def started() -> list[UUID]:
        page = worker_dependencies().runs.list_by_workflow(
            "local", workflow.workflow_id, status=None, limit=100, after=None
        )
        return [run.run_id for run in page.runs if run.principal == "event-bus"]

    with starts_throttled():  # so that it is there to be stopped
        for _ in range(2):
            assert send(stack, "start_triggered_run") is None
    [run_id] = started()
    assert found(run_id).run.correlation_id == event("start_triggered_run")["id"]
    stop_run(found(run_id).run, face_dependencies())


@pytest.mark.parametrize("kind", ["schedule", "rule"])
def test_start_triggered_run_has_the_sweep_see_to_what_is_left_of_the_trigger_of_its_event(
    stack: LocalStack, kind: str
) -> None:
    assert send(stack, f"start_triggered_run.{kind}") is None
    named = event(f"start_triggered_run.{kind}")["trigger"]
    [key] = [one.key for one in triggers().list_unsettled(limit=100) if str(one.key.trigger_id) == named["trigger_id"]]
    assert key.type is (TriggerType.SCHEDULE if kind == "schedule" else TriggerType.EVENT)
    triggers().settle(key, None)


def test_record_execution_status_cancels_the_run_whose_execution_was_stopped(stack: LocalStack, run: UUID) -> None:
    assert send(stack, "record_execution_status") is None
    ended = found(run).run
    assert ended.error
    assert (ended.status, ended.error.reason) == (RunStatus.CANCELLED, "stopped")


def test_sweep_runs_starts_the_run_that_has_waited_for_more_than_a_minute(stack: LocalStack, run: UUID) -> None:
    """Its record names no machine of this release: the sweep moves it to the one of its workflow."""
    make_older(stack, run, timedelta(days=3650))
    assert send(stack, "sweep_runs") is None
    assert ended_run(run).started_at
    assert found(run).run.content_hash != event("finish_run")["run"]["content_hash"]
