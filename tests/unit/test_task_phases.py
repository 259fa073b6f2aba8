"""A query that another service runs: its worker is invoked twice, and each invocation may be delivered twice."""

from typing import Any

import pytest

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import Run, TaskStatus
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.task_phases import PreparedQuery, QueryEnd, TaskPhase
from stepcall.stores.run_store import RunHasEndedError
from stepcall.tasks.sql import SQL_QUERY, QueryInput, QueryOutput
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.run_task import Prepared, TaskInvocation, run_task
from tests.unit.run_world import CALLER, RunWorld, sent_by_the_machine

DOCUMENT: dict[str, Any] = {
    "name": "One query",
    "tasks": [{"ref": "one", "type": "Sql.Query", "input": {"query": "SELECT 1 AS n"}}],
}
OUTPUT = QueryOutput(table="t", row_count=0, columns=[], rows=[], truncated=False)
DONE = {"statement": "s_1", "execution": {"id": "e-1"}}


class Query:
    """An implementation that keeps what it was told; `fault` is raised in the second phase."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.seen: list[TaskContext] = []
        self.fault = fault

    def __call__(self, given: QueryInput, context: TaskContext) -> QueryOutput | PreparedQuery:
        self.seen.append(context)
        if context.phase is TaskPhase.PREPARE:
            return PreparedQuery("s_1")
        if self.fault:
            raise self.fault
        return OUTPUT


@pytest.fixture
def world() -> RunWorld:
    return RunWorld()


@pytest.fixture
def run(world: RunWorld) -> Run:
    return world.start(DOCUMENT)


def deliver(world: RunWorld, run: Run, work: Query, phase: str, **more: Any) -> Prepared | None:
    event = {
        **sent_by_the_machine(run),
        "ref": "one",
        "attempt": 0,
        "phase": phase,
    }
    world.clock.sleep(1)
    return run_task(TaskInvocation.model_validate(event | more), {SQL_QUERY.name: work}, lambda: 60.0, world.deps)


def test_the_first_invocation_names_the_statement_and_leaves_the_task_running(world: RunWorld, run: Run) -> None:
    assert deliver(world, run, Query(), "prepare") == PreparedQuery("s_1")
    assert world.task(run, "one").status is TaskStatus.RUNNING


def test_the_second_is_told_what_came_of_it_and_completes_the_task(world: RunWorld, run: Run) -> None:
    work = Query()
    deliver(world, run, work, "prepare")
    started_at = world.task(run, "one").started_at
    assert deliver(world, run, work, "collect", query=DONE) is None
    assert work.seen[-1].query == QueryEnd("s_1", "e-1")
    task = world.task(run, "one")
    assert (task.status, task.attempts, task.started_at) == (TaskStatus.COMPLETED, 1, started_at)
    assert world.value(task.output)["table"] == "t"


def test_what_step_functions_caught_is_told_too(world: RunWorld, run: Run) -> None:
    work = Query()
    deliver(world, run, work, "prepare")
    report = {"statement": "s_1", "error": {"Error": "States.TaskFailed", "Cause": "{}"}}
    deliver(world, run, work, "collect", query=report)
    assert work.seen[-1].query == QueryEnd("s_1", None, "States.TaskFailed", "{}")


def test_a_result_that_is_delivered_twice_is_recorded_once(world: RunWorld, run: Run) -> None:
    work = Query()
    deliver(world, run, work, "prepare")
    for _ in range(2):
        deliver(world, run, work, "collect", query=DONE)
    assert [context.phase for context in work.seen] == [TaskPhase.PREPARE, TaskPhase.COLLECT]


def test_a_preparation_that_comes_late_undoes_nothing(world: RunWorld, run: Run) -> None:
    work = Query()
    deliver(world, run, work, "prepare")
    deliver(world, run, work, "collect", query=DONE)
    assert deliver(world, run, work, "prepare") == PreparedQuery("")  # the machine looks for a name, and has none else
    assert world.task(run, "one").status is TaskStatus.COMPLETED


def test_a_query_that_failed_fails_its_task_with_its_reason(world: RunWorld, run: Run) -> None:
    work = Query(PermanentTaskError(ErrorReason.INVALID_QUERY, "There is no such column."))
    deliver(world, run, work, "prepare")
    with pytest.raises(PermanentTaskError):
        deliver(world, run, work, "collect", query=DONE)
    error = world.task(run, "one").error
    assert error is not None
    assert (error.reason, error.location) == (ErrorReason.INVALID_QUERY, "one")


def test_a_result_that_cannot_be_read_now_is_read_again(world: RunWorld, run: Run) -> None:
    work = Query(RetryableTaskError(ErrorReason.BACKEND_ERROR, "Not now."))
    deliver(world, run, work, "prepare")
    with pytest.raises(RetryableTaskError):
        deliver(world, run, work, "collect", query=DONE)
    work.fault = None
    deliver(world, run, work, "collect", query=DONE, attempt=1)
    assert world.task(run, "one").status is TaskStatus.COMPLETED


@pytest.mark.parametrize(("phase", "more"), [("prepare", {}), ("collect", {"query": DONE})])
def test_a_cancelled_run_is_worked_for_in_neither_phase(
    world: RunWorld, run: Run, phase: str, more: dict[str, Any]
) -> None:
    deliver(world, run, Query(), "prepare")
    cancel_run(run.run_id, CALLER, world.deps)
    with pytest.raises(RunHasEndedError):
        deliver(world, run, Query(), phase, **more)


def test_a_prepared_query_where_the_task_was_to_be_done_is_a_fault_of_ours(world: RunWorld, run: Run) -> None:
    def confused(_given: QueryInput, _context: TaskContext) -> PreparedQuery:
        return PreparedQuery("s_1")

    event = deliver_whole(world, run)
    with pytest.raises(RetryableTaskError):
        run_task(event, {SQL_QUERY.name: confused}, lambda: 60.0, world.deps)
    assert world.task(run, "one").status is TaskStatus.RUNNING


def deliver_whole(world: RunWorld, run: Run) -> TaskInvocation:
    world.clock.sleep(1)
    return TaskInvocation.model_validate({**sent_by_the_machine(run), "ref": "one", "attempt": 0})
