"""A run whose execution has ended without writing its end: it ends as Step Functions tells it, and only once."""

from typing import Any

import pytest

from stepcall.aws.state_machines import RunExecution
from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import Run, RunStatus, StoredPayload, TaskStatus
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.end_unseen_run import ENDS, end_unseen_run
from stepcall.use_cases.engine import ExecutionStatus
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import RunWorld

TWO_TASKS = workflow(transform("a"), transform("b", "{{refs.a.output.result}}"))


def test_every_end_of_an_execution_is_an_end_of_a_run() -> None:
    assert {*ENDS, ExecutionStatus.RUNNING} == set(ExecutionStatus)


def begun(world: RunWorld) -> Run:
    """A run that is at its second task."""
    run = world.start(TWO_TASKS)
    world.do_task(run, "a")
    world.runs.begin_task(world.found(run).run, "b", attempt=0, now=world.clock.now())
    return run


@pytest.mark.parametrize(
    ("execution", "status", "reason", "task_b"),
    [
        (ExecutionStatus.TIMED_OUT, RunStatus.FAILED, ErrorReason.TIMEOUT, TaskStatus.FAILED),
        (ExecutionStatus.ABORTED, RunStatus.CANCELLED, ErrorReason.STOPPED, TaskStatus.CANCELLED),
        (ExecutionStatus.FAILED, RunStatus.FAILED, ErrorReason.INTERNAL_ERROR, TaskStatus.FAILED),
        (ExecutionStatus.SUCCEEDED, RunStatus.FAILED, ErrorReason.INTERNAL_ERROR, TaskStatus.FAILED),
        (ExecutionStatus.MISSING, RunStatus.FAILED, ErrorReason.INTERNAL_ERROR, TaskStatus.FAILED),
    ],
)
def test_a_run_ends_as_its_execution_did_and_so_does_what_was_under_way(
    execution: ExecutionStatus, status: RunStatus, reason: ErrorReason, task_b: TaskStatus
) -> None:
    world = RunWorld()
    run = begun(world)
    assert end_unseen_run(run, execution, world.deps)
    ended = world.found(run)
    assert (ended.run.status, ended.run.completed_at) == (status, world.clock.now())
    assert ended.run.error
    assert (ended.run.error.reason, ended.run.error.location) == (reason, "query")
    assert [ended.task(ref).status for ref in ("a", "b")] == [TaskStatus.COMPLETED, task_b]
    assert world.logged[-1] == (
        "run_ended_unseen",
        {"run_id": str(run.run_id), "status": status, "execution_status": execution},
    )


def test_what_was_stopped_in_step_functions_says_so() -> None:
    world = RunWorld()
    run = world.start(workflow())
    assert end_unseen_run(run, ExecutionStatus.ABORTED, world.deps)
    error = world.found(run).run.error
    assert error
    assert error.message == "The execution was stopped in Step Functions."


def complete(world: RunWorld, run: Run) -> None:
    world.do_task(run, "only")
    world.finish(run)


def fail(world: RunWorld, run: Run) -> None:
    world.finish(run, error="States.Timeout")


def cancel(world: RunWorld, run: Run) -> None:
    stop_run(run, world.deps)


@pytest.mark.parametrize("end", [complete, fail, cancel])
@pytest.mark.parametrize("execution", ENDS)
def test_a_run_that_has_ended_stays_as_it_is(end: Any, execution: ExecutionStatus) -> None:
    world = RunWorld()
    run = world.start(workflow())
    end(world, run)
    ended, logged = world.found(run), list(world.logged)
    world.clock.sleep(1)
    assert not end_unseen_run(run, execution, world.deps)
    assert (world.found(run), world.logged) == (ended, logged)


def test_an_execution_that_is_nobodys_run_changes_nothing() -> None:
    world = RunWorld()
    assert not end_unseen_run(RunExecution(world.deps.new_id(), 1, "0" * 32), ExecutionStatus.ABORTED, world.deps)
    assert world.logged == []


def test_work_that_goes_on_after_the_end_changes_nothing_that_is_shown() -> None:
    world = RunWorld()
    run = begun(world)
    end_unseen_run(run, ExecutionStatus.TIMED_OUT, world.deps)
    shown = world.task(run, "b")
    world.clock.sleep(1)
    world.runs.complete_task(run, "b", StoredPayload(4, inline="true"), world.clock.now())
    assert world.task(run, "b") == shown
    assert world.status(run) is RunStatus.FAILED
