"""A run's end: on the good road, on the bad one, late, twice."""

from collections.abc import Callable
from typing import Any

import pytest

from stepcall.domain.errors import BRANCH_FAILED, ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import ErrorResult, RunEnd, RunStatus, StoredPayload, TaskStatus
from stepcall.domain.task_contract import TaskContext, TaskImplementation
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.stores.run_store import RunHasEndedError
from stepcall.tasks.data import TransformInput, TransformOutput
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.finish_run import RunFailedError
from tests.sample_workflows import declare, give, transform, workflow
from tests.unit.run_world import CALLER, RunWorld

TWO = workflow(transform("a", "{{input.n}}"), transform("b", "{{refs.a.output.result}}"), inputs=[declare("n")])


def raising(error: Exception) -> TaskImplementation:
    def work(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
        raise error

    return work


def error_of(world: RunWorld, run: Any) -> ErrorResult:
    error = world.found(run).run.error
    assert error is not None
    return error


def test_a_run_whose_tasks_are_done_is_completed_with_its_outputs() -> None:
    world = RunWorld()
    document = workflow(
        transform("a", {"list": [1, {"x": None}], "text": "t"}),
        inputs=[declare("n", "integer")],
        outputs=[
            give("whole", "{{refs.a.output.result}}", "object"),
            give("deep", "{{refs.a.output.result.list[0]}}", "integer"),
            give("nothing", "{{refs.a.output.result.list[1].x}}"),
            give("text", "n = {{input.n}}"),
            give("tree", {"n": "{{input.n}}", "fixed": [True, "{{{{"]}, "object"),
        ],
    )
    run = world.start(document, n=3)
    world.do_task(run, "a")
    world.finish(run)
    ended = world.found(run).run
    assert (ended.status, ended.completed_at, ended.error) == (RunStatus.COMPLETED, world.clock.now(), None)
    assert world.output(run) == {
        "whole": {"list": [1, {"x": None}], "text": "t"},
        "deep": 1,
        "nothing": None,
        "text": "n = 3",
        "tree": {"n": 3, "fixed": [True, "{{"]},
    }


def test_a_workflow_without_outputs_completes_with_an_empty_object() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    world.finish(run)
    assert world.output(run) == {}


def test_an_end_that_is_delivered_twice_is_written_once() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    world.finish(run)
    before = world.found(run)
    world.finish(run)
    world.finish(run, error="States.Timeout")
    assert world.found(run) == before
    assert world.events().count("run_ended") == 1


def test_a_late_success_does_not_reopen_a_failed_run() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.finish(run, error="States.Timeout")
    world.finish(run)
    assert world.status(run) is RunStatus.FAILED


def test_a_permanent_error_ends_the_run_with_the_tasks_own_words() -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    with pytest.raises(PermanentTaskError):
        world.do_task(run, "a", raising(PermanentTaskError(ErrorReason.NOT_FOUND, "The page answered 404.")))
    world.finish(run, error="PermanentTaskError")
    assert world.status(run) is RunStatus.FAILED
    assert error_of(world, run) == ErrorResult(ErrorReason.NOT_FOUND, "a", "The page answered 404.")
    assert [world.task(run, ref).status for ref in ("a", "b")] == [TaskStatus.FAILED, TaskStatus.PENDING]


def test_retries_that_run_out_end_the_run_with_the_last_reason() -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    for attempt in range(3):
        with pytest.raises(RetryableTaskError):
            world.do_task(run, "a", raising(RetryableTaskError(ErrorReason.BACKEND_ERROR, f"503, {attempt}")), attempt)
    assert world.task(run, "a").status is TaskStatus.RUNNING
    world.finish(run, error="RetryableTaskError")
    task = world.task(run, "a")
    assert (task.status, task.attempts, task.completed_at) == (TaskStatus.FAILED, 3, world.clock.now())
    assert error_of(world, run) == task.error == ErrorResult(ErrorReason.BACKEND_ERROR, "a", "503, 2")


@pytest.mark.parametrize("name", ["States.Timeout", "Sandbox.Timedout"])
def test_a_task_that_takes_too_long_is_a_timeout_and_not_its_last_error(name: str) -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    with pytest.raises(RetryableTaskError):
        world.do_task(run, "a", raising(RetryableTaskError(ErrorReason.BACKEND_ERROR, "503")))
    world.finish(run, error=name)
    assert (error_of(world, run).reason, error_of(world, run).location) == (ErrorReason.TIMEOUT, "a")
    assert world.task(run, "a").error == error_of(world, run)


@pytest.mark.parametrize("name", ["Runtime.ExitError", "Lambda.Unknown", "States.TaskFailed", "MemoryError"])
def test_a_worker_that_dies_ends_its_run_with_the_task_under_way(name: str) -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    world.do_task(run, "a")

    def die(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
        raise SystemExit

    with pytest.raises(SystemExit):
        world.do_task(run, "b", die)
    assert world.task(run, "b").status is TaskStatus.RUNNING
    world.finish(run, error=name)
    error = error_of(world, run)
    assert (error.reason, error.location) == (ErrorReason.INTERNAL_ERROR, "b")
    assert name in error.message
    assert [world.task(run, ref).status for ref in ("a", "b")] == [TaskStatus.COMPLETED, TaskStatus.FAILED]


def test_a_worker_that_cannot_be_called_at_all_ends_its_run_at_the_first_task_not_begun() -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    world.do_task(run, "a")
    world.finish(run, error="Lambda.ResourceNotFoundException")
    assert error_of(world, run).location == "b"
    assert world.task(run, "b").status is TaskStatus.FAILED


def test_a_run_whose_first_task_never_began_can_end() -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    world.finish(run, error="Lambda.TooManyRequestsException")
    assert (world.status(run), error_of(world, run).location) == (RunStatus.FAILED, "a")


def test_the_cause_that_step_functions_passes_is_never_shown() -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    world.finish(run, error="Runtime.ExitError")
    shown = str(world.found(run))
    assert "arn:" not in shown
    assert "Traceback" not in shown


def test_an_error_after_all_tasks_were_done_is_the_ends_own() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    world.finish(run, error="States.Timeout")
    assert world.status(run) is RunStatus.FAILED
    assert (error_of(world, run).reason, error_of(world, run).location) == (ErrorReason.INTERNAL_ERROR, "output")
    assert world.task(run, "only").status is TaskStatus.COMPLETED


OUTPUTS_THAT_FAIL: dict[str, tuple[Any, Any, str]] = {
    "a field that is not there": ("{{refs.only.output.result.x}}", {"y": 1}, "has no field `x`"),
    "another type": ("{{refs.only.output.result}}", 5, "The output `o` must be of type string, not a number."),
    "an array": ("{{refs.only.output.result}}", ["x"], "must be of type string, not an array of 1"),
}


@pytest.mark.parametrize("name", OUTPUTS_THAT_FAIL)
def test_an_output_that_cannot_be_rendered_fails_the_run_and_its_machine(name: str) -> None:
    template, result, message = OUTPUTS_THAT_FAIL[name]
    world = RunWorld()
    run = world.start(workflow(transform("only", result), outputs=[give("o", template)]))
    world.do_task(run, "only")
    with pytest.raises(RunFailedError):
        world.finish(run)
    error = error_of(world, run)
    assert (world.status(run), error.reason, error.location) == (RunStatus.FAILED, ErrorReason.INVALID, "output")
    assert message in error.message
    before = world.found(run)
    world.finish(run, error="RunFailedError")  # as the machine's Catch does next
    assert world.found(run) == before


def test_outputs_of_more_than_100_megabytes_together_fail_the_run() -> None:
    world = RunWorld()
    large = "x" * 40_000_000
    run = world.start(
        workflow(transform("only"), outputs=[give(name, "{{refs.only.output.result}}") for name in ("o", "p", "q")])
    )
    world.do_task(run, "only", lambda _input, _context: TransformOutput(result=large))
    with pytest.raises(RunFailedError):
        world.finish(run)
    assert "at most 104,857,600" in error_of(world, run).message


def test_a_large_output_of_the_run_goes_to_the_bucket() -> None:
    world = RunWorld()
    run = world.start(workflow(transform("only"), outputs=[give("o", "{{refs.only.output.result}}")]))
    world.do_task(run, "only", lambda _input, _context: TransformOutput(result="x" * 300_000))
    world.finish(run)
    output = world.found(run).run.output
    assert output
    assert output.key
    assert world.output(run) == {"o": "x" * 300_000}


def test_a_cancelled_run_stays_cancelled_whatever_its_machine_says_next() -> None:
    world = RunWorld()
    run = world.start(TWO, n="x")
    world.do_task(run, "a")
    cancel_run(run.run_id, CALLER, world.deps)
    before = world.found(run)
    with pytest.raises(RunHasEndedError):
        world.do_task(run, "b")
    world.finish(run, error="RunHasEndedError")
    world.finish(run)
    assert world.found(run) == before


class WatchedPayloads(MemoryPayloadStore):
    """Tells somebody of every value before it keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.watcher: Callable[[], None] = lambda: None

    def put(self, name: str, value: Any) -> StoredPayload:
        self.watcher()
        return super().put(name, value)


def test_a_run_that_is_cancelled_while_its_end_is_being_written_stays_cancelled() -> None:
    payloads = WatchedPayloads()
    world = RunWorld(payloads=payloads)
    run = world.start(workflow())
    world.do_task(run, "only")
    payloads.watcher = lambda: world.runs.end(run, RunEnd(RunStatus.CANCELLED, world.clock.now()))
    world.finish(run)
    assert world.status(run) is RunStatus.CANCELLED
    assert world.found(run).run.output is None


def test_of_several_tasks_under_way_the_one_that_its_branch_names_has_failed() -> None:
    """Nobody else could know: a worker that died has written nothing."""
    world = RunWorld()
    run = world.start(workflow(transform("a"), transform("b"), transform("c")) | {"order": "graph"})
    for ref in ("a", "b"):
        world.runs.begin_task(world.found(run).run, ref, attempt=0, now=world.clock.now())
    world.finish(run, error=BRANCH_FAILED, cause="b States.Timeout")
    assert error_of(world, run) == ErrorResult(ErrorReason.TIMEOUT, "b", "`b` took longer than it may.")
    statuses = [world.found(run).task(ref).status for ref in "abc"]
    assert statuses == [TaskStatus.CANCELLED, TaskStatus.FAILED, TaskStatus.PENDING]


def test_a_branch_that_names_no_task_is_no_reason_to_lose_the_runs_end() -> None:
    world = RunWorld()
    run = world.start(workflow(transform("a")))
    world.runs.begin_task(world.found(run).run, "a", attempt=0, now=world.clock.now())
    world.finish(run, error=BRANCH_FAILED, cause="")
    assert error_of(world, run).location == "a"
