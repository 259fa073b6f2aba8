"""A run's life as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import (
    RUN_MOVES,
    ErrorResult,
    Run,
    RunStatus,
    StoredPayload,
    TaskRun,
    TaskStatus,
    failed_end,
    statuses_before,
)
from stepcall.domain.run_with_tasks import RunWithTasks

TIME = datetime(2026, 1, 1, tzinfo=UTC)
ALLOWED = {
    ("PENDING", "RUNNING"),
    ("PENDING", "FAILED"),
    ("PENDING", "CANCELLED"),
    ("RUNNING", "COMPLETED"),
    ("RUNNING", "FAILED"),
    ("RUNNING", "CANCELLED"),
}


def run_of(status: RunStatus) -> Run:
    return Run(
        run_id=UUID(int=1),
        tenant="t",
        principal="p",
        workflow_id=UUID(int=2),
        workflow_version=1,
        content_hash="0" * 32,
        status=status,
        created_at=TIME,
        completed_at=TIME + timedelta(seconds=9) if status.has_ended else None,
        input=StoredPayload(2, "{}"),
    )


@pytest.mark.parametrize(("before", "after"), list(product(RunStatus, RunStatus)))
def test_a_run_moves_only_as_its_table_says(before: RunStatus, after: RunStatus) -> None:
    allowed = (before.value, after.value) in ALLOWED
    assert (after in RUN_MOVES[before]) == allowed
    assert (before in statuses_before(after)) == allowed


def test_a_run_has_ended_when_nothing_can_follow() -> None:
    assert {status.value for status in RunStatus if status.has_ended} == {"COMPLETED", "FAILED", "CANCELLED"}


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        RUN_MOVES[RunStatus.FAILED] = frozenset({RunStatus.RUNNING})  # type: ignore[index]


def test_a_task_without_a_record_is_pending() -> None:
    assert RunWithTasks(run_of(RunStatus.RUNNING)).task("later") == TaskRun("later", TaskStatus.PENDING)


@pytest.mark.parametrize(("run_status", "task_status"), list(product(RunStatus, TaskStatus)))
def test_only_work_that_a_cancelled_run_left_under_way_is_shown_otherwise(
    run_status: RunStatus, task_status: TaskStatus
) -> None:
    stored = TaskRun("t", task_status, attempts=2, started_at=TIME)
    run = run_of(run_status)
    shown = RunWithTasks(run, {"t": stored}).task("t")
    if (run_status, task_status) == (RunStatus.CANCELLED, TaskStatus.RUNNING):
        assert shown == TaskRun("t", TaskStatus.CANCELLED, 2, TIME, run.completed_at)
    else:
        assert shown is stored


@pytest.mark.parametrize("task_status", [TaskStatus.COMPLETED, TaskStatus.FAILED])
def test_a_cancelled_run_does_not_change_when_its_work_ends_later(task_status: TaskStatus) -> None:
    run = run_of(RunStatus.CANCELLED)
    assert run.completed_at
    late = TaskRun("t", task_status, 1, TIME, completed_at=run.completed_at + timedelta(seconds=15))
    shown = RunWithTasks(run, {"t": late}).task("t")
    assert (shown.status, shown.completed_at) == (TaskStatus.CANCELLED, run.completed_at)


@pytest.mark.parametrize("task_status", [TaskStatus.RUNNING, TaskStatus.FAILED])
def test_what_a_worker_says_after_a_run_was_cancelled_is_not_shown(task_status: TaskStatus) -> None:
    run = run_of(RunStatus.CANCELLED)
    assert run.completed_at
    before = RunWithTasks(run, {"t": TaskRun("t", TaskStatus.RUNNING, 1, TIME)}).task("t")
    ended = None if task_status is TaskStatus.RUNNING else run.completed_at + timedelta(seconds=15)
    error = ErrorResult(ErrorReason.INVALID, "t", "It failed late.")
    late = TaskRun("t", task_status, 1, TIME, ended, error=error)
    assert RunWithTasks(run, {"t": late}).task("t") == before


def test_a_task_that_failed_before_its_run_was_cancelled_keeps_its_error() -> None:
    run = run_of(RunStatus.CANCELLED)
    failed = TaskRun("t", TaskStatus.FAILED, 1, TIME, TIME, error=ErrorResult(ErrorReason.INVALID, "t", "It failed."))
    assert RunWithTasks(run, {"t": failed}).task("t") is failed


def failed_run(location: str) -> Run:
    return replace(run_of(RunStatus.FAILED), error=ErrorResult(ErrorReason.TIMEOUT, location, "Too long."))


@pytest.mark.parametrize(
    ("task_status", "seconds_after_the_run"),
    [(TaskStatus.RUNNING, None), (TaskStatus.COMPLETED, 15), (TaskStatus.FAILED, 15)],
)
def test_work_that_was_under_way_when_step_functions_ended_the_run_has_failed_with_it(
    task_status: TaskStatus, seconds_after_the_run: int | None
) -> None:
    run = failed_run("query")
    assert run.completed_at
    end = None if seconds_after_the_run is None else run.completed_at + timedelta(seconds=seconds_after_the_run)
    shown = RunWithTasks(run, {"t": TaskRun("t", task_status, 2, TIME, end)}).task("t")
    assert shown == TaskRun("t", TaskStatus.FAILED, 2, TIME, run.completed_at, error=run.error)


def test_what_went_wrong_with_such_work_itself_is_still_shown() -> None:
    own = ErrorResult(ErrorReason.BACKEND_ERROR, "t", "example.com answered 503.")
    shown = RunWithTasks(failed_run("query"), {"t": TaskRun("t", TaskStatus.RUNNING, error=own)}).task("t")
    assert (shown.status, shown.error) == (TaskStatus.FAILED, own)


@pytest.mark.parametrize("location", ["t", "output"])
def test_work_under_way_when_its_run_failed_for_its_own_or_its_outputs_sake_is_shown_as_it_is(location: str) -> None:
    stored = TaskRun("t", TaskStatus.RUNNING, 1, TIME)
    assert RunWithTasks(failed_run(location), {"t": stored}).task("t") is stored


@pytest.mark.parametrize(
    ("task_status", "seconds_after_the_run"),
    [(TaskStatus.RUNNING, None), (TaskStatus.COMPLETED, 1), (TaskStatus.FAILED, 1)],
)
def test_work_that_another_branchs_failure_stopped_is_shown_as_cancelled(
    task_status: TaskStatus, seconds_after_the_run: int | None
) -> None:
    run = failed_run("other")
    assert run.completed_at
    end = None if seconds_after_the_run is None else run.completed_at + timedelta(seconds=seconds_after_the_run)
    shown = RunWithTasks(run, {"t": TaskRun("t", task_status, 2, TIME, end)}).task("t")
    assert shown == TaskRun("t", TaskStatus.CANCELLED, 2, TIME, run.completed_at)


def test_a_task_that_ended_before_step_functions_ended_the_run_is_shown_as_it_is() -> None:
    run = failed_run("query")
    assert run.completed_at
    stored = TaskRun("t", TaskStatus.COMPLETED, 1, TIME, run.completed_at - timedelta(seconds=1))
    assert RunWithTasks(run, {"t": stored}).task("t") is stored


def test_a_message_is_cut_to_2000_characters() -> None:
    assert len(ErrorResult(ErrorReason.INVALID, "query", "é" * 5000).message) == 2000
    assert ErrorResult(ErrorReason.INVALID, "query", "short").message == "short"


def test_a_failed_end_says_why_and_where() -> None:
    end = failed_end(TIME, ErrorReason.TIMEOUT, "fetch", "Too slow.")
    assert (end.status, end.completed_at, end.output) == (RunStatus.FAILED, TIME, None)
    assert end.error
    assert end.error.to_json() == {"reason": "timeout", "location": "fetch", "message": "Too slow."}
