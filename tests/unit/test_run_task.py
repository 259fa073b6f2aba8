"""One task of a run: everything around the work itself."""

from datetime import timedelta
from typing import Any

import pytest

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import ErrorResult, RunEnd, RunStatus, TaskStatus
from stepcall.domain.task_contract import TaskContext
from stepcall.stores.payload_store import INLINE_LIMIT_BYTES, MAX_PAYLOAD_BYTES
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError
from stepcall.tasks.ai import SummarizeUsage
from stepcall.tasks.data import TransformInput, TransformOutput
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import declare, give, transform, workflow
from tests.unit.run_world import CALLER, RunWorld, hand_on

THREE = workflow(
    transform("a", {"n": "{{input.n}}"}),
    transform("b", ["{{refs.a.output.result.n}}", "n = {{refs.a.output.result.n}}", "{{refs.a.output}}"]),
    transform("c", "{{refs.b.output.result[1]}} {{refs.a.output.result}}"),
    inputs=[declare("n", "integer")],
    outputs=[give("o", "{{refs.c.output.result}}")],
)


def failing(error: Exception) -> Any:
    def work(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
        raise error

    return work


def test_a_tasks_record_follows_its_work() -> None:
    world = RunWorld()
    run, created = world.start(THREE, n=7), world.clock.now()
    world.do_task(run, "a")
    task = world.task(run, "a")
    assert (task.status, task.attempts, task.error) == (TaskStatus.COMPLETED, 1, None)
    assert task.started_at == task.completed_at == created + timedelta(seconds=1)
    assert world.status(run) is RunStatus.RUNNING
    assert world.found(run).run.started_at == task.started_at
    assert world.task(run, "b").status is TaskStatus.PENDING


def test_tasks_hand_values_on_with_their_types_or_as_text() -> None:
    world = RunWorld()
    run = world.start(THREE, n=7)
    for ref in ("a", "b", "c"):
        world.do_task(run, ref)
    assert world.result(run, "b") == [7, "n = 7", {"result": {"n": 7}}]
    assert world.result(run, "c") == 'n = 7 {"n":7}'


def test_the_work_is_told_what_it_may_know() -> None:
    world, told = RunWorld(remaining_seconds=12.5), list[TaskContext]()
    run = world.start(workflow())

    def work(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        told.append(context)
        return hand_on(task_input, context)

    world.do_task(run, "only", work, attempt=2)
    [context] = told
    assert (context.run_id, context.tenant, context.ref, context.attempt) == (run.run_id, "acme", "only", 2)
    assert context.remaining_seconds() == 12.5
    assert context.provider_key is None
    assert world.task(run, "only").attempts == 3


def test_the_work_is_given_the_callers_key_as_it_is_stored() -> None:
    world, told = RunWorld(), list[TaskContext]()
    asking = workflow(transform("only"), {"ref": "s", "type": "OpenAI.Text.Summarize", "input": {"text": "A text."}})
    command = StartRun(world.define(asking).workflow_id, {}, provider_key="sk-caller")
    run = start_run(command, CALLER, world.deps)

    def work(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        told.append(context)
        return hand_on(task_input, context)

    world.do_task(run, "only", work)
    [context] = told
    assert context.provider_key == run.provider_key
    assert "provider_key" not in repr(context)
    assert context.provider_key


def test_a_task_that_is_delivered_twice_does_not_work_twice() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    before = world.found(run)
    world.do_task(run, "only", failing(AssertionError("worked again")))
    assert world.found(run) == before


def test_a_task_that_is_done_stays_done_also_when_it_is_delivered_after_the_runs_end() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    world.finish(run)
    world.do_task(run, "only", failing(AssertionError("worked again")))
    assert world.status(run) is RunStatus.COMPLETED


@pytest.mark.parametrize("status", [RunStatus.CANCELLED, RunStatus.FAILED])
def test_a_worker_refuses_to_begin_for_a_run_that_has_ended(status: RunStatus) -> None:
    world = RunWorld()
    run = world.start(THREE, n=7)
    world.do_task(run, "a")
    world.runs.end(run, RunEnd(status, world.clock.now()))
    with pytest.raises(RunHasEndedError) as raised:
        world.do_task(run, "b", failing(AssertionError("worked")))
    assert raised.value.status is status
    assert "b" not in world.found(run).tasks


def test_a_run_that_is_cancelled_while_pending_never_begins() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.runs.end(run, RunEnd(RunStatus.CANCELLED, world.clock.now()))
    with pytest.raises(RunHasEndedError):
        world.do_task(run, "only", failing(AssertionError("worked")))
    assert world.found(run).tasks == {}
    assert world.found(run).run.started_at is None


def test_work_that_ends_after_its_run_was_cancelled_does_not_reopen_it() -> None:
    world = RunWorld()
    run = world.start(workflow())

    def work(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        world.runs.end(run, RunEnd(RunStatus.CANCELLED, world.clock.now()))
        return hand_on(task_input, context)

    world.do_task(run, "only", work)
    world.finish(run)
    assert world.status(run) is RunStatus.CANCELLED
    assert world.found(run).run.output is None


def test_output_that_comes_after_the_task_was_given_up_is_ignored_and_the_machine_told() -> None:
    world = RunWorld()
    run = world.start(workflow())
    error = ErrorResult(ErrorReason.TIMEOUT, "only", "Too slow.")

    def work(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        world.runs.fail_task(run, "only", error, world.clock.now())
        return hand_on(task_input, context)

    with pytest.raises(PermanentTaskError, match="Too slow"):
        world.do_task(run, "only", work)
    task = world.task(run, "only")
    assert (task.status, task.error, task.output) == (TaskStatus.FAILED, error, None)
    assert "late_news_ignored" in world.events()


def test_of_two_deliveries_at_once_one_output_counts() -> None:
    world = RunWorld()
    run = world.start(workflow(transform("only", "first")))

    def slow(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        world.do_task(run, "only")
        return TransformOutput(result="second")

    world.do_task(run, "only", slow)
    assert world.result(run, "only") == "first"
    assert "late_news_ignored" in world.events()


def test_an_error_of_one_delivery_does_not_undo_the_output_of_the_other() -> None:
    world = RunWorld()
    run = world.start(workflow(transform("only", "first")))

    def fail_after_the_other(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
        world.do_task(run, "only")
        raise PermanentTaskError(ErrorReason.NOT_FOUND, "404")

    world.do_task(run, "only", fail_after_the_other)
    assert world.result(run, "only") == "first"


def test_an_output_that_is_not_of_the_contract_is_a_fault_of_ours() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(RetryableTaskError) as raised:
        world.do_task(run, "only", lambda *_: SummarizeUsage(prompt_tokens=1, completion_tokens=1, total_tokens=2))
    assert isinstance(raised.value.__cause__, TypeError)


def test_a_retryable_error_leaves_the_task_running_with_its_reason() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(RetryableTaskError):
        world.do_task(run, "only", failing(RetryableTaskError(ErrorReason.RATE_LIMIT_EXCEEDED, "Slow down.")))
    task = world.task(run, "only")
    assert (task.status, task.attempts) == (TaskStatus.RUNNING, 1)
    assert task.error == ErrorResult(ErrorReason.RATE_LIMIT_EXCEEDED, "only", "Slow down.")


def test_a_task_that_succeeds_at_last_keeps_no_error_and_its_first_start() -> None:
    world = RunWorld()
    run = world.start(workflow())
    for attempt in range(2):
        with pytest.raises(RetryableTaskError):
            world.do_task(run, "only", failing(RetryableTaskError(ErrorReason.BACKEND_ERROR, "503")), attempt)
    started_at = world.task(run, "only").started_at
    world.do_task(run, "only", attempt=2)
    task = world.task(run, "only")
    assert (task.status, task.attempts, task.error, task.started_at) == (TaskStatus.COMPLETED, 3, None, started_at)


def test_a_permanent_error_fails_the_task_at_once() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(PermanentTaskError):
        world.do_task(run, "only", failing(PermanentTaskError(ErrorReason.NOT_FOUND, "404")))
    task = world.task(run, "only")
    assert (task.status, task.completed_at) == (TaskStatus.FAILED, world.clock.now())
    assert task.error == ErrorResult(ErrorReason.NOT_FOUND, "only", "404")
    assert world.status(run) is RunStatus.RUNNING, "the run ends by its machine's last state"


def test_a_permanent_error_after_a_retryable_one_is_the_one_that_counts() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(RetryableTaskError):
        world.do_task(run, "only", failing(RetryableTaskError(ErrorReason.BACKEND_ERROR, "503")))
    with pytest.raises(PermanentTaskError):
        world.do_task(run, "only", failing(PermanentTaskError(ErrorReason.ACCESS_DENIED, "bad key")), attempt=1)
    task = world.task(run, "only")
    assert (task.status, task.attempts) == (TaskStatus.FAILED, 2)
    assert task.error == ErrorResult(ErrorReason.ACCESS_DENIED, "only", "bad key")


def test_a_task_that_has_failed_for_good_is_not_begun_again() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(PermanentTaskError):
        world.do_task(run, "only", failing(PermanentTaskError(ErrorReason.NOT_FOUND, "404")))
    with pytest.raises(PermanentTaskError, match="404"):
        world.do_task(run, "only", failing(AssertionError("worked again")), attempt=1)


def test_a_bug_is_retried_and_its_text_stays_inside() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(RetryableTaskError) as raised:
        world.do_task(run, "only", failing(KeyError("arn:aws:secret password=hunter2")))
    assert isinstance(raised.value.__cause__, KeyError)
    error = world.task(run, "only").error
    assert error
    assert error.reason is ErrorReason.INTERNAL_ERROR
    assert "hunter2" not in error.message
    assert "hunter2" not in str(raised.value)


def test_an_error_that_comes_after_the_task_was_given_up_is_ignored() -> None:
    world = RunWorld()
    run = world.start(workflow())
    first = ErrorResult(ErrorReason.TIMEOUT, "only", "Too slow.")

    def work(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
        world.runs.fail_task(run, "only", first, world.clock.now())
        raise PermanentTaskError(ErrorReason.NOT_FOUND, "404")

    with pytest.raises(PermanentTaskError):
        world.do_task(run, "only", work)
    assert world.task(run, "only").error == first
    assert "late_news_ignored" in world.events()


def test_a_reference_that_leads_nowhere_fails_its_task_and_says_where() -> None:
    world = RunWorld()
    run = world.start(workflow(transform("a", {"x": 1}), transform("b", "{{refs.a.output.result.y[0]}}")))
    world.do_task(run, "a")
    with pytest.raises(PermanentTaskError, match=r"`refs\.a\.output\.result` has no field `y`"):
        world.do_task(run, "b")
    assert world.task(run, "b").status is TaskStatus.FAILED


def test_an_input_that_does_not_fit_its_type_fails_the_task_with_each_problem() -> None:
    world = RunWorld()
    download = {"ref": "page", "type": "Web.Download", "input": {"url": "{{refs.a.output.result}}"}}
    run = world.start(workflow(transform("a", 5), download))
    world.do_task(run, "a")
    with pytest.raises(PermanentTaskError, match=r"does not fit Web\.Download\. /url: This must be text, not a number"):
        world.do_task(run, "page")


def test_numbers_are_not_turned_into_text_or_back() -> None:
    world, seen = RunWorld(), list[Any]()

    def work(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        seen.append(task_input.data)
        return hand_on(task_input, context)

    data = {"big": 10**300, "float": 0.1, "whole": 2.0, "text": "5", "null": None}
    run = world.start(workflow(transform("a", data), transform("b", "{{refs.a.output.result}}")))
    world.do_task(run, "a", work)
    world.do_task(run, "b", work)
    assert seen == [data, data]
    assert [type(value) for value in seen[1].values()] == [int, float, float, str, type(None)]


def test_templates_in_what_a_task_put_out_are_left_alone() -> None:
    world = RunWorld()
    run = world.start(
        workflow(transform("a"), transform("b", "<{{refs.a.output.result}}>"), inputs=[declare("secret")]),
        secret="hunter2",
    )
    hostile = "{{input.secret}} {{{{"
    world.do_task(run, "a", lambda _input, _context: TransformOutput(result=hostile))
    world.do_task(run, "b")
    assert world.result(run, "b") == f"<{hostile}>"


def test_an_output_of_20_megabytes_is_handed_on_through_the_bucket() -> None:
    world = RunWorld()
    page = "<p>größe</p>" * 1_600_000
    run = world.start(workflow(transform("a"), transform("b", {"page": "{{refs.a.output.result}}"})))
    world.do_task(run, "a", lambda _input, _context: TransformOutput(result=page))
    world.do_task(run, "b")
    first, second = (world.task(run, ref).output for ref in ("a", "b"))
    assert first
    assert second
    assert (first.inline, second.inline) == (None, None)
    assert first.size > 20_000_000
    assert first.key != second.key
    assert world.result(run, "b") == {"page": page}


@pytest.mark.parametrize(("size", "inline"), [(INLINE_LIMIT_BYTES, True), (INLINE_LIMIT_BYTES + 1, False)])
def test_readers_cannot_tell_a_value_in_the_record_from_one_in_the_bucket(size: int, inline: bool) -> None:
    world = RunWorld()
    text = "x" * (size - len('{"result":""}'))
    run = world.start(workflow(transform("a"), transform("b", "{{refs.a.output.result}}")))
    world.do_task(run, "a", lambda _input, _context: TransformOutput(result=text))
    world.do_task(run, "b")
    output = world.task(run, "a").output
    assert output
    assert (output.size, output.key is None) == (size, inline)
    assert world.result(run, "b") == text


def test_an_output_of_more_than_100_megabytes_fails_its_task() -> None:
    world = RunWorld()
    run = world.start(workflow())
    large = ["x" * 1_048_576] * (MAX_PAYLOAD_BYTES // 1_048_576)
    with pytest.raises(PermanentTaskError, match="at most 104,857,600 can be handed on"):
        world.do_task(run, "only", lambda _input, _context: TransformOutput(result=large))
    error = world.task(run, "only").error
    assert error
    assert error.reason is ErrorReason.RESOURCES_EXCEEDED


@pytest.mark.parametrize("value", [{"n": {1, 2}}, "\ud800"])
def test_an_output_that_json_cannot_say_fails_its_task(value: Any) -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(PermanentTaskError, match="output cannot be stored"):
        world.do_task(run, "only", lambda _input, _context: TransformOutput(result=value))
    assert world.task(run, "only").status is TaskStatus.FAILED


def test_a_run_nobody_knows_is_not_worked_for() -> None:
    world = RunWorld()
    run = world.start(workflow())
    other = RunWorld(workflows=world.workflows)
    with pytest.raises(RunNotFoundError):
        other.do_task(run, "only")
