"""Each payload in `events/` is what its function is really sent: here each one is sent."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from stepcall.domain.run import RunStatus, TaskStatus
from stepcall.domain.run_mode import RunMode
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.trigger import TriggerType
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.trigger_wiring import triggers
from stepcall.runtime.wiring import face_dependencies, start_dependencies, worker_dependencies
from stepcall.stores.slot_store import Place
from stepcall.use_cases.cancel_run import stop_run
from tests.event_world import (
    CHILD_WORKFLOW,
    PAGE,
    begin_rotation,
    define_configuration,
    enable_procedure,
    event,
    event_names,
    function_of,
    functions,
    put_delivery,
    put_parent_run,
    put_run,
    put_workflow,
    remove_run,
)
from tests.functional.conftest import PageServer
from tests.functional.everything_logged import everything_logged
from tests.functional.missed_runs import ended as ended_run
from tests.functional.missed_runs import make_older, starts_throttled
from tests.functional.web_server import WebServer, answer


def send(stack: LocalStack, name: str, **changed: Any) -> Any:
    """Invoke the function that the event is for, as Lambda would; what it answers, or the error it raised."""
    function = stack.deployment.names[function_of(name)]
    return json.loads(stack.functions.invoke(function, json.dumps(event(name) | changed)).payload)


@pytest.fixture(scope="module")
def workflow(stack: LocalStack, page_host: str) -> WorkflowVersion:
    """The workflow that the events name."""
    PageServer.pages["/event"] = (200, "text/html", PAGE)
    return put_workflow()


@pytest.fixture
def run(stack: LocalStack, workflow: WorkflowVersion, page_host: str) -> Iterator[UUID]:
    """The run that the events name, fresh."""
    run_id = put_run(workflow.workflow_id, f"http://{page_host}/event")
    yield run_id
    remove_run(stack, run_id)


def found(run_id: UUID) -> RunWithTasks:
    return worker_dependencies().runs.get_for_end(run_id)


def test_every_event_file_belongs_to_a_function_and_every_function_of_the_template_has_one() -> None:
    assert {name.split(".")[0] for name in event_names()} == set(functions())


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


def test_what_invokes_functions_skips_the_task_of_its_event(stack: LocalStack, run: UUID) -> None:
    assert send(stack, "run_lambda_task") is None
    assert found(run).tasks["quote"].status is TaskStatus.SKIPPED


def test_run_workflow_task_starts_the_run_that_the_task_of_its_event_waits_for_once(stack: LocalStack) -> None:
    run_id = put_parent_run()
    assert send(stack, "run_workflow_task") is None
    again = send(stack, "run_workflow_task")
    assert again is None or again["errorType"] == "NothingToAwaitError", "it has ended by now"
    child = found(run_id).tasks["child"].child_run_id
    assert child
    assert ended_run(child).status is RunStatus.COMPLETED
    parent = found(run_id).run
    started = worker_dependencies().runs.list_by_workflow("local", CHILD_WORKFLOW, status=None, limit=9, after=None)
    assert [run.run_id for run in started.runs] == [child]
    stop_run(parent, face_dependencies())


def test_carto_api_creates_the_job_of_its_event(stack: LocalStack, workflow: WorkflowVersion) -> None:
    procedure = enable_procedure(workflow.workflow_id)
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
    version = define_configuration()
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
    begin_rotation(stack)
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
    put_delivery(found(run).run, url)
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


def test_start_waiting_runs_tells_the_machine_of_the_task_of_its_event_which_waits_no_more(stack: LocalStack) -> None:
    with everything_logged() as said:
        assert send(stack, "start_waiting_runs.task") == {"batchItemFailures": []}
    assert any("machine_told" in line for line in said)


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
