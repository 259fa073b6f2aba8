"""A run's beginning and its end when something goes wrong on the way: docs/decisions/2026-11-21-three-roads.md."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from local.stack import LocalStack
from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import read_run_id, spell_execution
from stepcall.domain.run import Run, RunStatus, TaskStatus
from stepcall.runtime import wiring
from tests.functional.carto import CLUSTERS, Deployed, enable, held, held_pages
from tests.functional.conftest import Api
from tests.functional.faced_runs import ONLY
from tests.functional.four_faces import Faces, faces_at
from tests.functional.missed_runs import (
    EVENTS,
    abort,
    begun,
    ended,
    found,
    invoke,
    make_older,
    starts_throttled,
    status_events_lost,
    sweep,
    tell_end,
)

OVER_A_MINUTE, OVER_FIVE_MINUTES = timedelta(seconds=61), timedelta(minutes=5, seconds=1)
STARTERS = ("native", "CARTO", "Wave", "Amperity")


@pytest.fixture(scope="module")
def faces(stack: LocalStack) -> Faces:
    return faces_at(stack.url)


@pytest.fixture
def under_way(
    stack: LocalStack, faces: Faces, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Deployed, Run]]:
    """A run at its first task, and its workflow, until the test is over."""
    with held_pages(monkeypatch):
        deployed = enable(stack, held(page_host, ONLY))
        yield deployed, begun(faces.native.start(deployed).run_id)


# --- Starts


@pytest.mark.parametrize("starter", range(len(STARTERS)), ids=STARTERS)
def test_a_start_that_step_functions_does_not_take_is_answered_as_any_other_and_comes_about_by_a_sweep(
    stack: LocalStack, faces: Faces, starter: int
) -> None:
    face, deployed = faces.starters[starter], enable(stack, ONLY)
    usual = face.start(deployed)
    with starts_throttled():
        seen = face.start(deployed)
    assert (seen.state, seen.error, seen.ended_at) == (usual.state, None, None)
    assert found(seen.run_id).run.status is RunStatus.PENDING
    make_older(stack, seen.run_id, OVER_A_MINUTE)
    sweep(stack)
    assert {ended(start.run_id).status for start in (seen, usual)} == {RunStatus.COMPLETED}
    assert face.read(deployed, seen.spelled).result == face.read(deployed, usual.spelled).result


def test_a_sweep_leaves_a_start_alone_that_is_less_than_a_minute_old(stack: LocalStack, faces: Faces) -> None:
    deployed = enable(stack, ONLY)
    with starts_throttled():
        seen = faces.native.start(deployed)
    sweep(stack)
    assert found(seen.run_id).run.status is RunStatus.PENDING
    faces.native.cancel(deployed, seen.spelled)


def test_a_start_that_is_throttled_again_waits_for_the_next_sweep(stack: LocalStack, faces: Faces) -> None:
    deployed = enable(stack, ONLY)
    with starts_throttled():
        seen = faces.native.start(deployed)
        make_older(stack, seen.run_id, OVER_A_MINUTE)
        sweep(stack)
        assert found(seen.run_id).run.status is RunStatus.PENDING
    sweep(stack)
    assert ended(seen.run_id).status is RunStatus.COMPLETED


def test_a_run_that_waits_to_be_started_can_be_cancelled_and_is_never_started(stack: LocalStack, faces: Faces) -> None:
    deployed = enable(stack, ONLY)
    with starts_throttled():
        seen = faces.native.start(deployed)
    make_older(stack, seen.run_id, OVER_A_MINUTE)
    faces.native.cancel(deployed, seen.spelled)
    cancelled = found(seen.run_id)
    sweep(stack)
    assert found(seen.run_id) == cancelled
    assert wiring.engine().describe(cancelled.run.execution_name, cancelled.run.content_hash) == "MISSING"


def test_a_sweep_of_a_run_that_is_under_way_starts_no_second_execution(
    stack: LocalStack, under_way: tuple[Deployed, Run]
) -> None:
    _, run = under_way
    make_older(stack, run.run_id, timedelta(days=1))
    before = found(run.run_id)
    sweep(stack)
    assert found(run.run_id) == before


def test_a_claim_of_a_run_that_was_never_started_is_joined_until_a_sweep_has_started_it(stack: LocalStack) -> None:
    deployed = enable(stack, CLUSTERS)
    with starts_throttled():
        first = deployed.create().json["externalId"]
        assert deployed.create().json["externalId"] == first
    make_older(stack, read_run_id(first), OVER_A_MINUTE)
    sweep(stack)
    assert deployed.carto.ended(first)["status"] == {"state": "DONE"}
    later = deployed.run()
    assert later["externalId"] != first
    assert "errorResult" not in later["status"]


# --- Ends


def test_a_run_whose_execution_is_stopped_in_step_functions_ends_by_the_event(
    under_way: tuple[Deployed, Run], faces: Faces
) -> None:
    deployed, run = under_way
    abort(run)
    cancelled = ended(run.run_id)
    assert cancelled.error
    assert (cancelled.status, cancelled.error.reason) == (RunStatus.CANCELLED, ErrorReason.STOPPED)
    assert cancelled.error.message == "The execution was stopped in Step Functions."
    seen = faces.native.read(deployed, spell_execution(run.run_id))
    assert seen.tasks
    assert [task.state for task in seen.tasks] == [TaskStatus.CANCELLED, TaskStatus.PENDING]


def test_a_run_whose_execution_is_stopped_and_nobody_is_told_ends_by_the_sweep(
    stack: LocalStack, under_way: tuple[Deployed, Run]
) -> None:
    _, run = under_way
    with status_events_lost(stack):
        abort(run)
        sweep(stack)
        assert found(run.run_id).run.status is RunStatus.RUNNING, "it has not been open for five minutes"
        make_older(stack, run.run_id, OVER_FIVE_MINUTES)
        sweep(stack)
        assert found(run.run_id).run.status is RunStatus.CANCELLED


def test_a_run_that_was_stopped_before_its_first_task_ends_by_the_sweep_and_is_not_started_again(
    stack: LocalStack, faces: Faces
) -> None:
    with starts_throttled():
        run = found(faces.native.start(enable(stack, ONLY)).run_id).run
    version = wiring.worker_dependencies().workflows.get_version(run.workflow_id, run.workflow_version)
    with status_events_lost(stack):
        # an execution of the right name whose tasks know of no run: it ends, and nothing of it is written
        wiring.engine().start(run.execution_name, wiring.compiler()(version), {"run": "none"})
        abort(run)
        make_older(stack, run.run_id, OVER_FIVE_MINUTES)
        assert found(run.run_id).run.status is RunStatus.PENDING
        sweep(stack)
    swept = found(run.run_id)
    assert (swept.run.status, swept.run.started_at) in {(RunStatus.CANCELLED, None), (RunStatus.FAILED, None)}
    assert swept.tasks == {}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_run_that_has_ended_stays_as_it_is_whatever_is_told_of_its_execution(
    stack: LocalStack, faces: Faces, status: str
) -> None:
    run = ended(faces.native.start(enable(stack, ONLY)).run_id)
    before = found(run.run_id)
    assert tell_end(stack, run, status) is None
    assert found(run.run_id) == before
    make_older(stack, run.run_id, OVER_FIVE_MINUTES)
    older = found(run.run_id)
    sweep(stack)
    assert found(run.run_id) == older


def test_news_of_an_execution_that_is_no_runs_is_no_error_and_news_that_is_none_is_one(stack: LocalStack) -> None:
    event = json.loads((EVENTS / "record_execution_status.json").read_text())
    for name in ("by-hand", "01a1ff6b-0000-7000-8000-00000000dead"):
        told = event | {"detail": event["detail"] | {"name": name}}
        assert invoke(stack, "RecordExecutionStatusFunction", told) is None
    running = event | {"detail": event["detail"] | {"status": "RUNNING"}}
    assert invoke(stack, "RecordExecutionStatusFunction", running)["errorType"] == "ValidationError"


def test_a_run_that_has_timed_out_is_shown_as_failed_with_the_task_it_was_at(
    stack: LocalStack, under_way: tuple[Deployed, Run], api: Api
) -> None:
    deployed, run = under_way
    assert tell_end(stack, replace(run, content_hash="0" * 32), "FAILED") is None
    assert found(run.run_id).run.status is RunStatus.RUNNING, "that was another machine's execution"
    assert tell_end(stack, replace(run, content_hash=f"{run.content_hash}/each1"), "FAILED") is None
    assert found(run.run_id).run.status is RunStatus.RUNNING, "that was the execution of an element"
    assert tell_end(stack, run, "TIMED_OUT") is None
    shown = api("GET", f"/workflows/{deployed.workflow_id}/executions/{spell_execution(run.run_id)}").json
    assert (shown["status"], shown["error"]["reason"]) == ("FAILED", "timeout")
    assert [task["status"] for task in shown["tasks"]] == ["FAILED", "PENDING"]
