"""Every line that is about a run says whose it is: run id, tenant, correlation id. docs/operations.md."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from local.seed import API_KEY, TENANT
from local.stack import LocalStack
from local.template import STACK_NAME
from stepcall.domain.ids import read_run_id, spell_execution
from stepcall.domain.run import RunStatus
from stepcall.runtime import client_wiring
from stepcall.runtime.emf import DIMENSION
from stepcall.use_cases.metrics import Metric
from tests.functional.carto import enable, held, held_pages
from tests.functional.conftest import Api, send
from tests.functional.faced_runs import ONLY
from tests.functional.four_faces import Faces, faces_at
from tests.functional.missed_runs import EVENTS, abort, begun, ended, found, invoke, make_older, starts_throttled, sweep
from tests.functional.run_event_queue import queue_on
from tests.logged_lines import logged_lines
from tests.wait_until import wait_until

Lines = list[dict[str, Any]]
NAMES = {"run_id", "tenant", "correlation_id"}
FAILING = {
    "name": "Fails",
    "tasks": [{"ref": "no", "type": "Data.Transform", "input": {"expression": "$error('no')", "data": 1}}],
}


@contextmanager
def queries_throttled() -> Iterator[None]:
    def throttle(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "Query")

    events = client_wiring.dynamodb().meta.events
    events.register("before-call.dynamodb.Query", throttle)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb.Query", throttle)


@pytest.fixture
def lines() -> Iterator[Lines]:
    with logged_lines() as lines:
        yield lines


def about(lines: Lines, run_id: UUID) -> Lines:
    """Whatever mentions the run, in whichever spelling its lines have."""
    return [line for line in lines if str(run_id) in json.dumps(line)]


def events_of(lines: Lines) -> set[str]:
    return {str(line["message"]) for line in lines}


def unnamed(lines: Lines) -> Lines:
    return [line for line in lines if not all(line.get(name) for name in NAMES)]


@pytest.mark.parametrize("starter", range(4), ids=("native", "CARTO", "Wave", "Amperity"))
def test_a_run_is_followed_by_the_request_that_started_it_through_every_function(
    stack: LocalStack, lines: Lines, starter: int
) -> None:
    bus = next(f.variables["EVENT_BUS"] for f in stack.deployment.functions if "EVENT_BUS" in f.variables)
    with queue_on(bus) as queue:
        run_id = faces_at(stack.url).starters[starter].start(enable(stack, ONLY)).run_id
        assert ended(run_id).status is RunStatus.COMPLETED
        queue.of_run(str(run_id), 2)
    told = about(lines, run_id)
    assert {"run_ended", "run_event_published"} <= events_of(told)
    assert unnamed(told) == []
    assert {line["tenant"] for line in told} == {TENANT}
    assert {line["correlation_id"] for line in told} == {found(run_id).run.correlation_id}


def test_a_task_that_fails_says_which_it_was(api: Api, lines: Lines) -> None:
    run_id = read_run_id(api.run(api.define(**FAILING))["execution_id"])
    [failed] = [line for line in about(lines, run_id) if line["message"] == "task_failed"]
    assert (failed["ref"], failed["attempt"], failed["tenant"]) == ("no", 0, TENANT)
    assert unnamed(about(lines, run_id)) == []


def test_what_the_sweep_repairs_is_named_as_its_start_was(stack: LocalStack, faces: Faces, lines: Lines) -> None:
    deployed = enable(stack, ONLY)
    with starts_throttled():
        run_id = faces.native.start(deployed).run_id
    make_older(stack, run_id, timedelta(seconds=61))
    sweep(stack)
    ended(run_id)
    told = about(lines, run_id)
    assert {"start_deferred", "sweeper_repair"} <= events_of(told)
    assert unnamed(told) == []
    assert {line["correlation_id"] for line in told} == {found(run_id).run.correlation_id}


def test_a_run_that_is_cancelled_or_aborted_is_named_too(
    stack: LocalStack, faces: Faces, lines: Lines, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch):
        deployed = enable(stack, held(page_host, ONLY))
        cancelled, aborted = (begun(faces.native.start(deployed).run_id) for _ in range(2))
        faces.native.cancel(deployed, spell_execution(cancelled.run_id))
        abort(aborted)
        wait_until(lambda: "run_ended_unseen" in events_of(about(lines, aborted.run_id)))
    assert "run_cancelled" in events_of(about(lines, cancelled.run_id))
    assert unnamed(about(lines, cancelled.run_id) + about(lines, aborted.run_id)) == []


@pytest.mark.parametrize("path", ["/workflows", "/v3/sql/jobs", "/wave/workflows", "/api/workflow/runs"])
def test_a_line_about_a_request_names_the_gateways_id_of_it_and_its_tenant(api: Api, lines: Lines, path: str) -> None:
    api("GET", "/workflows")  # the key is known before
    with queries_throttled():
        answer = send(api.url, "GET", path, headers={"authorization": f"Bearer {API_KEY}"})
    assert answer.status == 503
    [refused] = [line for line in lines if line["message"] == "request_refused"]
    assert (refused["tenant"], refused["correlation_id"]) == (TENANT, answer.headers["apigw-requestid"])


def test_the_sweep_and_the_events_of_runs_are_measured_in_the_name_of_the_stack(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    capsys.readouterr()
    sweep(stack)
    invoke(stack, "PublishRunEventsFunction", json.loads((EVENTS / "publish_run_events.json").read_text()))
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    names = {name for line in written for name in line if name in list(Metric)}
    assert {"QueueAge", "SweeperRepairs", "RunsStarted", "RunsCompleted", "StartLatency", "RunDuration"} <= names
    assert {line[DIMENSION] for line in written} == {STACK_NAME}


@pytest.fixture(scope="module")
def faces(stack: LocalStack) -> Faces:
    return faces_at(stack.url)
