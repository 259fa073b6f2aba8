"""A task that is done for each element of an array: the test plays its Map."""

from typing import Any

import pytest

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import Run, StoredPayload, TaskRun, TaskStatus
from stepcall.domain.task_contract import TaskImplementation
from stepcall.domain.task_control import MAX_ELEMENTS
from stepcall.stores.payload_store import INLINE_LIMIT_BYTES, MAX_PAYLOAD_BYTES
from stepcall.stores.run_store import RunHasEndedError
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.run_task import TaskInvocation, run_task
from tests.sample_workflows import declare, transform, workflow
from tests.unit.run_world import RunWorld, hand_on, sent_by_the_machine
from tests.unit.test_run_task import failing

EACH = workflow(
    transform("twice", ["{{index}}", "{{item}}"]) | {"for_each": "{{input.all}}"}, inputs=[declare("all", "array")]
)


class EachWorld(RunWorld):
    """Its runs have one task, `twice`."""

    def invoke(self, run: Run, work: TaskImplementation = hand_on, **told: Any) -> Any:
        self.clock.sleep(1)
        sent = sent_by_the_machine(run) | {"ref": "twice", "attempt": 0} | told
        invocation = TaskInvocation.model_validate(sent)
        return run_task(invocation, dict.fromkeys(CATALOG, work), lambda: 60.0, self.deps)

    def collect(self, run: Run, error: str | None = None) -> None:
        self.invoke(run, phase="collect", each={"Error": error, "Cause": "x"} if error else {"done": True})

    def instance(self, run: Run, index: int) -> TaskRun:
        [found] = self.runs.list_instances(run.run_id, "twice", of_attempt=1, start=index, stop=index + 1)
        return found


def begun(*elements: Any) -> tuple[EachWorld, Run]:
    world = EachWorld()
    run = world.start(EACH, all=list(elements))
    prepared = world.invoke(run, phase="prepare")
    assert prepared._asdict() == {"indexes": [*range(len(elements))], "number": len(elements)}
    return world, run


def test_outputs_are_gathered_in_the_order_of_the_elements_whichever_was_done_first() -> None:
    world, run = begun("a", "b", "c")
    for index in (2, 0, 1):
        world.invoke(run, index=index)
    world.collect(run)
    task = world.task(run, "twice")
    assert (task.status, task.instances) == (TaskStatus.COMPLETED, 3)
    assert [output["result"] for output in world.value(task.output)] == [[0, "a"], [1, "b"], [2, "c"]]


def test_large_outputs_are_fetched_and_kept_whole() -> None:
    large = "x" * INLINE_LIMIT_BYTES
    world, run = begun(large, "small", large)
    for index in range(3):
        world.invoke(run, index=index)
    world.collect(run)
    outputs = world.value(world.task(run, "twice").output)
    assert [output["result"][1] for output in outputs] == [large, "small", large]


def test_an_element_that_is_delivered_twice_is_done_once() -> None:
    world, run = begun("a")
    world.invoke(run, index=0)
    world.invoke(run, failing(AssertionError("again")), index=0)
    assert world.instance(run, 0).status is TaskStatus.COMPLETED


def test_more_elements_than_a_task_is_done_for_fail_it() -> None:
    world = EachWorld()
    run = world.start(EACH, all=[0] * (MAX_ELEMENTS + 1))
    with pytest.raises(PermanentTaskError):
        world.invoke(run, phase="prepare")
    error = world.task(run, "twice").error
    assert error
    assert (error.reason, error.location) == (ErrorReason.RESOURCES_EXCEEDED, "twice")
    assert "10,001" in error.message


def test_the_lowest_element_that_failed_is_the_tasks_error() -> None:
    world, run = begun("a", "b", "c")
    for index in (2, 1):
        with pytest.raises(PermanentTaskError):
            world.invoke(run, failing(PermanentTaskError(ErrorReason.NOT_FOUND, f"no {index}")), index=index)
    with pytest.raises(PermanentTaskError):
        world.collect(run, "States.ExceedToleratedFailureThreshold")
    error = world.task(run, "twice").error
    assert error
    assert error.to_json() == {"reason": "notFound", "location": "twice[1]", "message": "Element 1: no 1"}


def test_an_error_that_may_pass_fails_an_element_at_its_last_attempt() -> None:
    world, run = begun("a", "b")
    busy = failing(RetryableTaskError(ErrorReason.BACKEND_ERROR, "busy"))
    for attempt in range(3):
        assert attempt == 0 or world.instance(run, 0).status is TaskStatus.RUNNING
        with pytest.raises(RetryableTaskError):
            world.invoke(run, busy, index=0, attempt=attempt)
    assert (world.instance(run, 0).status, world.instance(run, 0).attempts) == (TaskStatus.FAILED, 3)
    with pytest.raises(PermanentTaskError):
        world.collect(run, "RetryableTaskError")
    error = world.task(run, "twice").error
    assert error
    assert (error.reason, error.location) == (ErrorReason.BACKEND_ERROR, "twice[0]")


class DiedError(BaseException):
    """What no worker can catch."""


def test_where_no_worker_could_write_the_element_that_was_under_way_longest_is_named() -> None:
    world, run = begun("a", "b", "c", "d")
    world.invoke(run, index=0)
    for index in (2, 1):
        with pytest.raises(DiedError):
            world.invoke(run, failing(DiedError()), index=index)  # type: ignore[arg-type]
    with pytest.raises(PermanentTaskError):
        world.collect(run, "States.ExceedToleratedFailureThreshold")
    error = world.task(run, "twice").error
    assert error
    assert (error.reason, error.location) == (ErrorReason.INTERNAL_ERROR, "twice[2]")
    assert "1, 2" in error.message
    assert [world.instance(run, index).status for index in (1, 2)] == [TaskStatus.RUNNING, TaskStatus.FAILED]


@pytest.mark.parametrize(("error", "seconds"), [("States.Timeout", 1), ("States.TaskFailed", 3600)])
def test_an_element_that_took_too_long_is_told_so(error: str, seconds: float) -> None:
    world, run = begun("a")
    with pytest.raises(DiedError):
        world.invoke(run, failing(DiedError()), index=0)  # type: ignore[arg-type]
    world.clock.sleep(seconds)
    with pytest.raises(PermanentTaskError):
        world.collect(run, error)
    told = world.task(run, "twice").error
    assert told
    assert told.to_json() == {
        "reason": "timeout",
        "location": "twice[0]",
        "message": "Element 0 took longer than it may.",
    }


def test_a_map_that_failed_before_any_element_began_is_told_so() -> None:
    world, run = begun("a")
    with pytest.raises(PermanentTaskError):
        world.collect(run, "States.Runtime")
    error = world.task(run, "twice").error
    assert error
    assert (error.reason, error.location, "States.Runtime" in error.message) == ("internalError", "twice", True)


def test_outputs_that_are_too_large_together_fail_the_task_and_none_is_fetched() -> None:
    world, run = begun("a", "b")
    executed = world.found(run).run
    for ref in ("twice[0]", "twice[1]"):
        world.runs.begin_task(executed, ref, attempt=0, now=world.clock.now())
        large = StoredPayload(MAX_PAYLOAD_BYTES - 1, key="there is none")
        world.runs.complete_task(executed, ref, large, world.clock.now())
    with pytest.raises(PermanentTaskError):
        world.collect(run)
    error = world.task(run, "twice").error
    assert error
    assert error.reason is ErrorReason.RESOURCES_EXCEEDED


def test_no_element_begins_in_a_run_that_has_ended() -> None:
    world, run = begun("a", "b")
    world.finish(run, "States.Timeout")
    with pytest.raises(RunHasEndedError):
        world.invoke(run, index=1)
