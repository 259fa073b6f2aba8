"""A task that has failed while its run goes on: what is written of it, and when its machine must not go on."""

import pytest

from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.run import ErrorResult, Run, RunStatus, TaskStatus
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.record_failure import TaskFailure, record_failure
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, RunWorld, sent_by_the_machine
from tests.unit.test_finish_run import raising

ONE = workflow(transform("a") | {"on_error": "continue"})


def record(world: RunWorld, run: Run, name: str, **changed: object) -> None:
    told = sent_by_the_machine(run) | {"ref": "a", "error": {"Error": name, "Cause": "arn:aws:lambda:x Traceback"}}
    told["run"] = told["run"] | changed
    record_failure(TaskFailure.model_validate(told), world.deps)


def test_what_its_worker_has_written_stays() -> None:
    world = RunWorld()
    run = world.start(ONE)
    with pytest.raises(PermanentTaskError):
        world.do_task(run, "a", raising(PermanentTaskError(ErrorReason.INVALID, "It is so.")))
    before = world.found(run).task("a")
    record(world, run, "PermanentTaskError")
    assert world.found(run).task("a") == before
    assert before.error == ErrorResult(ErrorReason.INVALID, "a", "It is so.")


@pytest.mark.parametrize(
    ("name", "reason"), [("States.Timeout", ErrorReason.TIMEOUT), ("Lambda.Unknown", ErrorReason.INTERNAL_ERROR)]
)
def test_of_a_worker_that_wrote_nothing_it_is_said_what_is_known(name: str, reason: ErrorReason) -> None:
    world = RunWorld()
    run = world.start(ONE)
    world.runs.begin_task(world.found(run).run, "a", attempt=0, now=world.clock.now())
    record(world, run, name)
    task = world.found(run).task("a")
    assert task.error is not None
    assert (task.status, task.error.reason, task.error.location) == (TaskStatus.FAILED, reason, "a")
    assert "arn:" not in task.error.message


def test_a_run_whose_first_task_never_began_goes_on_all_the_same() -> None:
    world = RunWorld()
    run = world.start(ONE)
    record(world, run, "Lambda.TooManyRequestsException")
    assert (world.found(run).run.status, world.found(run).task("a").status) == (RunStatus.RUNNING, TaskStatus.FAILED)
    world.finish(run)
    assert world.found(run).run.status is RunStatus.COMPLETED


def test_a_task_that_was_done_after_all_stays_completed() -> None:
    """Its answer to the machine was lost."""
    world = RunWorld()
    run = world.start(ONE)
    world.do_task(run, "a")
    record(world, run, "States.Timeout")
    assert world.found(run).task("a").status is TaskStatus.COMPLETED


def test_the_machine_of_a_run_that_has_ended_does_not_go_on() -> None:
    world = RunWorld()
    run = world.start(ONE)
    cancel_run(run.run_id, CALLER, world.deps)
    with pytest.raises(RunHasEndedError):
        record(world, run, "RunHasEndedError")


def test_the_machine_of_an_earlier_attempt_does_not_go_on() -> None:
    world = RunWorld()
    run = world.start(ONE)
    with pytest.raises(LateAttemptError):
        record(world, run, "States.Timeout", run_attempt=7)
