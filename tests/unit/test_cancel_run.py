"""Cancel: the record first, then the execution."""

from contextlib import suppress
from typing import NoReturn

import pytest

from stepcall.domain.errors import ErrorReason, RetryableTaskError
from stepcall.domain.run import RunStatus, TaskStatus
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError
from stepcall.use_cases.cancel_run import cancel_run, stop_run
from stepcall.use_cases.read_run import read_run
from stepcall.use_cases.resume_run import ResumeRun, resume_run
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

TWO = workflow(transform("a"), transform("b"))


def test_a_pending_run_is_cancelled_at_once_and_its_execution_stopped() -> None:
    world = RunWorld()
    run = world.start(TWO)
    view = cancel_run(run.run_id, CALLER, world.deps)
    assert view.run.status is RunStatus.CANCELLED
    assert view.run.completed_at == world.clock.now()
    assert view.run.error
    assert (view.run.error.reason, view.run.error.location) == (ErrorReason.STOPPED, "query")
    assert world.engine.stopped == [run.run_id]


def test_a_cancel_says_in_which_state_it_caught_the_run() -> None:
    world = RunWorld()
    pending, running, again = (world.start(TWO) for _ in range(3))
    world.do_task(running, "a")
    cancel_run(again.run_id, CALLER, world.deps)
    resume_run(ResumeRun(again.run_id, again.workflow_id), CALLER, world.deps)
    views = [cancel_run(run.run_id, CALLER, world.deps) for run in (pending, running, again)]
    assert [(view.run.cancelled_from, view.run.error.message) for view in views if view.run.error] == [
        ("PENDING", "The run was cancelled while it was PENDING: none of its tasks had begun."),
        ("RUNNING", "The run was cancelled while it was RUNNING."),
        ("PENDING", "The run was cancelled while it was PENDING, resumed and not yet begun again."),
    ]


def test_a_run_that_begins_while_it_is_cancelled_is_cancelled_as_what_it_has_become() -> None:
    world = RunWorld()
    run = world.start(TWO)
    world.do_task(run, "a")  # since `run` was read
    cancelled = stop_run(run, world.deps)
    assert cancelled == world.found(run).run
    assert (cancelled.cancelled_from, cancelled.error and cancelled.error.message) == (
        RunStatus.RUNNING,
        "The run was cancelled while it was RUNNING.",
    )


def test_a_run_that_ends_while_it_is_cancelled_stays_as_it_has_ended() -> None:
    world = RunWorld()
    run = world.start(TWO)
    world.do_task(run, "a")
    read = world.found(run).run
    world.finish(run, "States.Timeout")
    ended = world.found(run)
    for before in (run, read):
        with pytest.raises(RunHasEndedError):
            stop_run(before, world.deps)
    assert (world.found(run), world.engine.stopped) == (ended, [])


def test_a_running_run_is_cancelled_with_the_task_under_way() -> None:
    world = RunWorld()
    run = world.start(TWO)
    world.do_task(run, "a")
    world.runs.begin_task(world.found(run).run, "b", attempt=0, now=world.clock.now())
    view = cancel_run(run.run_id, CALLER, world.deps)
    assert [task.status for task in view.tasks] == [TaskStatus.COMPLETED, TaskStatus.CANCELLED]
    assert view.tasks[1].completed_at == view.run.completed_at


def test_a_cancelled_run_is_shown_the_same_after_its_worker_has_failed_late() -> None:
    world = RunWorld()
    run = world.start(TWO)
    views = []

    def stopped_then_failing(*_: object) -> NoReturn:
        views.append(cancel_run(run.run_id, CALLER, world.deps))
        raise RetryableTaskError(ErrorReason.BACKEND_ERROR, "The other side did not answer.")

    with suppress(RetryableTaskError, RunHasEndedError):
        world.do_task(run, "a", stopped_then_failing)
    assert views == [read_run(run.run_id, CALLER, world.deps)]
    assert views[0].tasks[0].error is None


def test_an_ended_run_cannot_be_cancelled() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    world.finish(run)
    with pytest.raises(RunHasEndedError) as raised:
        cancel_run(run.run_id, CALLER, world.deps)
    assert raised.value.status is RunStatus.COMPLETED
    assert world.status(run) is RunStatus.COMPLETED
    assert world.engine.stopped == []


def test_a_run_is_cancelled_once() -> None:
    world = RunWorld()
    run = world.start(TWO)
    cancel_run(run.run_id, CALLER, world.deps)
    world.clock.sleep(0.001)
    with pytest.raises(RunHasEndedError):
        cancel_run(run.run_id, CALLER, world.deps)
    assert world.engine.stopped == [run.run_id]


def test_another_tenants_run_is_not_found_and_goes_on() -> None:
    world = RunWorld()
    run = world.start(TWO)
    with pytest.raises(RunNotFoundError):
        cancel_run(run.run_id, STRANGER, world.deps)
    assert world.status(run) is RunStatus.PENDING
    assert world.engine.stopped == []


def test_a_run_is_found_under_its_own_workflow_only() -> None:
    world = RunWorld()
    run, other = world.start(TWO), world.define(TWO)
    with pytest.raises(RunNotFoundError):
        cancel_run(run.run_id, CALLER, world.deps, workflow_id=other.workflow_id)
    assert cancel_run(run.run_id, CALLER, world.deps, workflow_id=run.workflow_id).run.status is RunStatus.CANCELLED


def test_a_run_is_cancelled_also_while_step_functions_does_not_answer() -> None:
    world = RunWorld()
    run = world.start(TWO)
    world.engine.is_down = True
    assert cancel_run(run.run_id, CALLER, world.deps).run.status is RunStatus.CANCELLED
    assert world.logged[-1] == ("execution_not_stopped", {"run_id": str(run.run_id)})
    with pytest.raises(RunHasEndedError):
        world.do_task(run, "a")
