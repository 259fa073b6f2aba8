"""Resume: the same run once more, with what its finished tasks have given."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit, SourceGrant
from stepcall.domain.errors import ErrorReason, InvalidParametersError, PermanentTaskError
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.procedure import procedure_name
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import JobCall, Run, RunStatus, TaskStatus
from stepcall.domain.task_contract import TaskContext
from stepcall.stores.run_store import LateAttemptError, RunNotFoundError
from stepcall.stores.workflow_store import VersionNotFoundError, WorkflowNotFoundError
from stepcall.tasks.data import TransformInput, TransformOutput
from stepcall.use_cases.cancel_run import cancel_run, stop_run
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.end_unseen_run import end_unseen_run
from stepcall.use_cases.engine import ExecutionStatus
from stepcall.use_cases.read_run import read_run
from stepcall.use_cases.resume_errors import ResumeRefusedError
from stepcall.use_cases.resume_run import MAX_ATTEMPTS, ResumedRun, ResumeRun, resume_run
from stepcall.use_cases.start_once import start_once
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import Document, declare, give, transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld, hand_on

LARGE = "x" * 20_000
THREE = workflow(
    transform("a", "{{input.text}}"),
    transform("b", "{{refs.a.output.result}}"),
    transform("c", "{{refs.b.output.result}}"),
    inputs=[declare("text", default="hello")],
    outputs=[give("o", "{{refs.c.output.result}}")],
)


def failing(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
    raise PermanentTaskError(ErrorReason.BACKEND_ERROR, "The other side did not answer.")


def working_again(_task_input: TransformInput, _context: TaskContext) -> TransformOutput:
    raise AssertionError("worked again")


def failed_at(world: RunWorld, ref: str, document: Document = THREE, **parameters: Any) -> Run:
    """A run whose tasks before that one have worked."""
    run = world.start(document, **parameters)
    for task in document["tasks"]:
        if task["ref"] == ref:
            break
        world.do_task(run, task["ref"])
    with pytest.raises(PermanentTaskError):
        world.do_task(run, ref, failing)
    world.finish(run, "PermanentTaskError")
    return world.found(run).run


def resume(world: RunWorld, run: Run, version: int | None = None, **more: Any) -> ResumedRun:
    world.clock.sleep(1)
    return resume_run(ResumeRun(run.run_id, run.workflow_id, version, **more), CALLER, world.deps)


def plan_of(resumed: ResumedRun) -> dict[str, tuple[str, str]]:
    return {task.ref: (task.resume.value, task.reason) for task in resumed.plan}


HAS_OUTPUT = ("reused", "It has its output.")
NO_OUTPUT = ("run again", "It has no output.")


def uses(ref: str) -> tuple[str, str]:
    return "run again", f"It uses `{ref}`, which runs again."


def test_a_failed_run_goes_on_from_its_first_task_without_output_as_the_same_run() -> None:
    world = RunWorld()
    run = failed_at(world, "c")
    resumed = resume(world, run)
    assert plan_of(resumed) == {"a": HAS_OUTPUT, "b": HAS_OUTPUT, "c": NO_OUTPUT}
    again = world.found(run).run
    assert again == resumed.view.run
    assert (again.status, again.run_attempt, again.resumed_at) == (RunStatus.PENDING, 2, world.clock.now())
    assert (again.created_at, again.started_at, again.completed_at, again.error) == (run.created_at, None, None, None)
    assert world.engine.names == [str(run.run_id), f"{run.run_id}-2"]
    for ref, work in {"a": working_again, "b": working_again, "c": hand_on}.items():
        world.do_task(again, ref, work)
    world.finish(again)
    assert (world.status(run), world.output(run)) == (RunStatus.COMPLETED, {"o": "hello"})


def test_a_resumed_run_begins_when_its_machine_does_also_where_no_task_works() -> None:
    """Its outputs could not be rendered: with another version they can."""
    world = RunWorld()
    broken = workflow(transform("a", {"n": 1}), outputs=[give("o", "{{refs.a.output.result.n}}")])
    run = world.start(broken)
    world.do_task(run, "a")
    with pytest.raises(Exception, match="could not be rendered"):
        world.finish(run)
    mended = broken | {"output": [give("o", "{{refs.a.output.result.n}}", "integer")]}
    update_workflow(run.workflow_id, mended, CALLER, world.deps)
    resumed = resume(world, run, 2)
    assert plan_of(resumed) == {"a": HAS_OUTPUT}
    world.do_task(resumed.view.run, "a", working_again)
    begun = world.found(run).run
    assert (begun.status, begun.started_at) == (RunStatus.RUNNING, world.clock.now())
    world.finish(resumed.view.run)
    assert (world.status(run), world.output(run)) == (RunStatus.COMPLETED, {"o": 1})


def test_a_cancelled_run_goes_on_too_and_what_was_under_way_runs_again() -> None:
    world = RunWorld()
    run = world.start(THREE)
    world.do_task(run, "a")
    world.runs.begin_task(world.found(run).run, "b", attempt=0, now=world.clock.now())
    cancel_run(run.run_id, CALLER, world.deps)
    resumed = resume(world, run)
    assert plan_of(resumed) == {"a": HAS_OUTPUT, "b": NO_OUTPUT, "c": NO_OUTPUT}
    assert resumed.view.run.cancelled_from is None
    assert [task.status for task in resumed.view.tasks] == [TaskStatus.COMPLETED, *[TaskStatus.PENDING] * 2]
    assert resumed.view == read_run(run.run_id, CALLER, world.deps)


def test_a_task_that_runs_again_is_shown_as_of_its_new_attempt_only() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    again = resume(world, run).view.run
    world.do_task(again, "a", working_again)
    assert world.task(again, "b").status is TaskStatus.PENDING
    world.do_task(again, "b")
    task = world.task(again, "b")
    assert (task.status, task.attempts, task.error, task.run_attempt) == (TaskStatus.COMPLETED, 1, None, 2)
    assert task.started_at == world.clock.now()


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING, RunStatus.COMPLETED])
def test_only_failed_and_cancelled_runs_are_resumed_and_others_say_what_they_are(status: RunStatus) -> None:
    world = RunWorld()
    run = world.start(workflow())
    if status is not RunStatus.PENDING:
        world.do_task(run, "only")
    if status is RunStatus.COMPLETED:
        world.finish(run)
    before = world.found(run)
    instead = "Start a new one" if status is RunStatus.COMPLETED else "Wait for its end, or cancel it first"
    with pytest.raises(ResumeRefusedError, match=rf"is {status}\. .*{instead}\.$"):
        resume(world, run)
    assert (world.found(run), len(world.engine.names)) == (before, 1)


def test_a_run_is_resumed_once_and_again_after_it_has_failed_again() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    again = resume(world, run).view.run
    with pytest.raises(ResumeRefusedError, match="is PENDING"):
        resume(world, run)
    world.do_task(again, "a", working_again)
    with pytest.raises(PermanentTaskError):
        world.do_task(again, "b", failing)
    world.finish(again, "PermanentTaskError")
    third = resume(world, run)
    assert (third.view.run.run_attempt, plan_of(third)["a"]) == (3, HAS_OUTPUT)
    for ref in ("a", "b", "c"):
        world.do_task(third.view.run, ref, working_again if ref == "a" else hand_on)
    world.finish(third.view.run)
    assert (world.status(run), world.engine.names[-1]) == (RunStatus.COMPLETED, f"{run.run_id}-3")


def test_of_two_resumes_at_once_the_other_is_told_what_the_run_is_now() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    get = world.runs.get

    def resumed_between(tenant: str, run_id: Any) -> Any:
        found = get(tenant, run_id)
        world.runs.get = get  # type: ignore[method-assign]
        resume(world, run)
        return found

    world.runs.get = resumed_between  # type: ignore[method-assign]
    with pytest.raises(ResumeRefusedError, match="is PENDING"):
        resume(world, run)
    assert world.found(run).run.run_attempt == 2
    assert world.engine.names == [str(run.run_id), f"{run.run_id}-2"]


def test_a_run_that_was_executed_a_hundred_times_is_resumed_no_more() -> None:
    world = RunWorld()
    run = failed_at(world, "a")
    for _ in range(MAX_ATTEMPTS - 1):
        world.finish(resume(world, run).view.run, "States.Runtime")
    with pytest.raises(ResumeRefusedError, match="100 times"):
        resume(world, run)
    assert world.found(run).run.run_attempt == MAX_ATTEMPTS


def test_another_tenants_run_is_not_found_and_one_that_is_not_granted_is_refused() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    command = ResumeRun(run.run_id, run.workflow_id)
    with pytest.raises(RunNotFoundError):
        resume_run(command, STRANGER, world.deps)
    with pytest.raises(RunNotFoundError):
        resume_run(replace(command, workflow_id=world.define(THREE).workflow_id), CALLER, world.deps)
    for caller in (replace(CALLER, grants=Grants(frozenset())), replace(CALLER, run_id=run.run_id)):
        with pytest.raises(NotGrantedError):
            resume_run(command, caller, world.deps)
    assert world.found(run).run == run


def test_a_job_is_resumed_by_who_may_call_its_procedure_and_nobody_else() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    job = JobCall(query="CALL it()", connection="warehouse", connection_id=run.run_id, location="eu")
    vars(world.runs)["_runs"][run.run_id] = replace(world.found(run), run=replace(run, job=job))
    source = procedure_name(run.tenant, run.workflow_id)
    command, workflows = ResumeRun(run.run_id, run.workflow_id), frozenset({run.workflow_id})
    for sources in ((), (SourceGrant("another", source),)):
        with pytest.raises(NotGrantedError, match="other sources"):
            resume_run(command, replace(CALLER, grants=Grants(workflows, sources)), world.deps)
    assert world.found(run).run.run_attempt == 1
    granted = Grants(workflows, (SourceGrant("warehouse", source),))
    assert resume_run(command, replace(CALLER, grants=granted), world.deps).view.run.run_attempt == 2


def test_a_resume_counts_as_a_start() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    caller = Caller("acme", "ci", "key", rate_limit=RateLimit(1, 1))
    start_run(StartRun(run.workflow_id, {}), caller, world.deps)
    with pytest.raises(RateLimitedError):
        resume_run(ResumeRun(run.run_id, run.workflow_id), caller, world.deps)
    assert world.found(run).run == run


def test_a_run_of_a_deleted_workflow_is_not_resumed() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    delete_workflow(run.workflow_id, CALLER, world.deps)
    with pytest.raises(WorkflowNotFoundError):
        resume(world, run)
    assert world.found(run).run == run


def test_while_step_functions_is_down_the_run_waits_and_the_sweep_starts_its_attempt() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    world.clock.sleep(24 * 60 * 60)
    world.engine.is_down = True
    again = resume(world, run).view.run
    world.engine.is_down = False
    world.sweep(after=30)
    assert world.engine.names == [str(run.run_id)], "the request that has resumed it may yet be about to start it"
    world.sweep(after=31)
    assert world.engine.names == [str(run.run_id), again.execution_name]
    world.do_task(again, "a", working_again)
    assert world.status(run) is RunStatus.RUNNING


def test_the_sweep_ends_a_resumed_run_by_its_own_execution() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    world.engine.ended[run.run_id] = ExecutionStatus.FAILED  # the first execution has
    again = resume(world, run).view.run
    world.sweep(after=600)
    assert world.status(run) is RunStatus.PENDING
    world.engine.ended[run.run_id] = ExecutionStatus.ABORTED
    world.sweep()
    assert (world.status(run), world.found(run).run.run_attempt) == (RunStatus.CANCELLED, again.run_attempt)


def test_a_key_of_the_callers_own_goes_with_the_attempt_that_it_was_sent_with() -> None:
    asking = workflow(transform("only"), {"ref": "s", "type": "OpenAI.Text.Summarize", "input": {"text": "A text."}})
    world = RunWorld()
    version = world.define(asking)
    run = start_run(StartRun(version.workflow_id, {}, provider_key="sk-first"), CALLER, world.deps)
    stop_run(run, world.deps)
    assert resume(world, run).view.run.provider_key is None
    stop_run(world.found(run).run, world.deps)
    again = resume(world, run, provider_key="sk-second").view.run
    assert again.provider_key
    assert world.found(run).run.provider_key == again.provider_key


def test_a_deadline_is_as_far_away_as_it_was() -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    timed = replace(run, run_id=world.deps.new_id(), deadline=run.created_at + timedelta(minutes=10))
    world.runs.put(timed)
    world.clock.sleep(3600)
    again = resume(world, timed).view.run
    assert again.deadline == world.clock.now() + timedelta(minutes=10)


def test_a_start_that_is_sent_again_is_answered_as_the_start_it_was() -> None:
    world = RunWorld()
    version = world.define(THREE)
    command = StartRun(version.workflow_id, {}, once=StartOnce("key", "fingerprint"))
    run = start_once(start_run, command, CALLER, world.deps).run
    stop_run(run, world.deps)
    resume(world, run)
    replayed = start_once(start_run, command, CALLER, world.deps)
    as_answered = replace(replayed.run, deadline=run.deadline)  # no answer shows it, and the resume has put it off
    assert (as_answered, replayed.is_replayed) == (run, True)


# --- Late news of an earlier attempt


LATE: dict[str, Callable[[RunWorld, Run], None]] = {
    "its task": lambda world, run: world.do_task(run, "b", working_again),
    "its finished task": lambda world, run: world.do_task(run, "a", working_again),
    "its end": lambda world, run: world.finish(run),
    "its failure": lambda world, run: world.finish(run, "States.Timeout"),
    "its abort": lambda world, run: _end_unseen(world, run, ExecutionStatus.ABORTED),
    "its time-out": lambda world, run: _end_unseen(world, run, ExecutionStatus.TIMED_OUT),
}


def _end_unseen(world: RunWorld, run: Run, execution: ExecutionStatus) -> None:
    assert not end_unseen_run(run, execution, world.deps)


@pytest.mark.parametrize("is_running", [False, True], ids=["pending", "running"])
@pytest.mark.parametrize("kind", LATE)
def test_what_an_earlier_attempt_does_late_changes_nothing(kind: str, is_running: bool) -> None:
    world = RunWorld()
    run = failed_at(world, "b")
    again = resume(world, run).view.run
    if is_running:
        world.do_task(again, "a", working_again)
    before, logged = world.found(run), len(world.logged)
    try:
        LATE[kind](world, run)
    except LateAttemptError:
        assert "task" in kind
    else:
        assert "task" not in kind
        assert world.events()[logged:] == ["late_news_ignored"]
    assert world.found(run) == before


def test_a_worker_of_the_first_attempt_that_is_still_at_work_changes_nothing_of_the_second() -> None:
    world = RunWorld()
    run = world.start(THREE)
    world.do_task(run, "a")

    def overtaken(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        """While it works the run is cancelled, resumed, and the second attempt does the same task."""
        cancel_run(run.run_id, CALLER, world.deps)
        again = resume(world, run).view.run
        world.do_task(again, "a", working_again)
        world.do_task(again, "b", lambda given, _: TransformOutput(result=f"second {given.data}"))
        return hand_on(task_input, context)

    with pytest.raises(LateAttemptError):
        world.do_task(run, "b", overtaken)
    assert world.result(run, "b") == "second hello"
    again = world.found(run).run
    world.do_task(again, "c")
    world.finish(again)
    assert world.output(run) == {"o": "second hello"}


@pytest.mark.parametrize("error", [None, ErrorReason.BACKEND_ERROR])
def test_a_worker_that_ends_between_the_resume_and_the_tasks_new_beginning_changes_nothing(
    error: ErrorReason | None,
) -> None:
    world = RunWorld()
    run = world.start(THREE)
    world.do_task(run, "a")

    def overtaken(task_input: TransformInput, context: TaskContext) -> TransformOutput:
        cancel_run(run.run_id, CALLER, world.deps)
        resume(world, run)
        if error:
            raise PermanentTaskError(error, "late")
        return hand_on(task_input, context)

    with pytest.raises(PermanentTaskError if error else LateAttemptError):  # to the machine of the first attempt
        world.do_task(run, "b", overtaken)
    world.finish(run, "PermanentTaskError")
    again = world.found(run).run
    assert (again.status, world.task(again, "b").status) == (RunStatus.PENDING, TaskStatus.PENDING)
    world.do_task(again, "a", working_again)
    world.do_task(again, "b")
    assert world.task(again, "b").run_attempt == 2


def test_a_cancel_that_was_read_before_a_resume_cancels_the_new_attempt() -> None:
    world = RunWorld()
    run = world.start(THREE)
    read_before = world.found(run).run
    stop_run(run, world.deps)
    again = resume(world, run).view.run
    cancelled = stop_run(read_before, world.deps)
    assert (cancelled.run_attempt, cancelled.status) == (again.run_attempt, RunStatus.CANCELLED)
    assert world.found(run).run == cancelled


# --- What is kept


def test_outputs_in_the_bucket_are_kept_30_days_less_one_and_others_as_long_as_the_run() -> None:
    large = workflow(
        transform("large", "{{input.text}}"),
        transform("small", 7),
        transform("broken", "{{refs.small.output.result}}"),
        inputs=[declare("text")],
    )
    for days, expected in ((28, HAS_OUTPUT), (29, ("run again", "Its output is kept no more."))):
        world = RunWorld()
        run = failed_at(world, "broken", large, text=LARGE)
        world.clock.sleep(days * 24 * 60 * 60)
        assert plan_of(resume(world, run)) == {"large": expected, "small": HAS_OUTPUT, "broken": NO_OUTPUT}


def test_an_input_that_lies_in_the_bucket_is_kept_for_another_30_days() -> None:
    world = RunWorld()
    run = failed_at(world, "b", text=LARGE)
    again = resume(world, run).view.run
    assert again.input.key
    assert again.input.key != run.input.key
    assert world.payloads.get(again.input) == {"text": LARGE}
    assert world.found(run).run.input == again.input


def test_a_run_whose_input_is_gone_is_not_resumed() -> None:
    world = RunWorld()
    run = failed_at(world, "b", text=LARGE)
    vars(world.payloads)["_texts"].pop(run.input.key)
    with pytest.raises(ResumeRefusedError, match="input is kept no more"):
        resume(world, run)
    assert world.found(run).run == run


# --- Another version


def with_version(world: RunWorld, run: Run, **changes: Any) -> int:
    return update_workflow(run.workflow_id, THREE | changes, CALLER, world.deps).version.version


def test_a_task_whose_definition_changed_runs_again_and_so_does_what_uses_it() -> None:
    world = RunWorld()
    run = failed_at(world, "c")
    tasks = [THREE["tasks"][0], transform("b", "{{refs.a.output.result}}!"), THREE["tasks"][2]]
    number = with_version(world, run, tasks=tasks)
    resumed = resume(world, run, number)
    assert plan_of(resumed) == {
        "a": HAS_OUTPUT,
        "b": ("run again", "Its definition changed in version 2."),
        "c": NO_OUTPUT,
    }
    again = resumed.view.run
    assert (again.workflow_version, world.found(run).run.workflow_version) == (2, 2)
    for ref in "abc":
        world.do_task(again, ref, working_again if ref == "a" else hand_on)
    world.finish(again)
    assert world.output(run) == {"o": "hello!"}


def test_a_version_may_have_new_tasks_and_others_no_more() -> None:
    world = RunWorld()
    run = failed_at(world, "c")
    tasks = [transform("new", 1), *THREE["tasks"][:1], transform("c", "{{refs.a.output.result}}")]
    resumed = resume(world, run, with_version(world, run, tasks=tasks))
    assert plan_of(resumed) == {"new": ("run again", "It is new in version 2."), "a": HAS_OUTPUT, "c": NO_OUTPUT}
    assert [task.ref for task in resumed.view.tasks] == ["new", "a", "c"]
    stop_run(resumed.view.run, world.deps)
    # what the first version had counts no more: it was not kept
    assert plan_of(resume(world, run, 1))["b"] == ("run again", "It is new in version 1.")


def test_what_uses_a_task_that_runs_again_runs_again_whatever_it_has() -> None:
    world = RunWorld()
    run = failed_at(world, "c")
    tasks = [transform("a", "{{input.text}}?"), *THREE["tasks"][1:]]
    assert plan_of(resume(world, run, with_version(world, run, tasks=tasks)))["b"] == uses("a")


@pytest.mark.parametrize(("value", "expected"), [("hello", HAS_OUTPUT), ("other", None)])
def test_a_task_that_uses_an_input_with_another_value_runs_again(value: str, expected: tuple[str, str] | None) -> None:
    world = RunWorld()
    optional = workflow(
        transform("a", "{{input.text}}"), transform("b"), inputs=[declare("text", required=False), declare("n")]
    )
    run = failed_at(world, "b", optional, text="hello" if value == "hello" else None, n="n")
    update_workflow(run.workflow_id, optional | {"input": [declare("text", default=value)]}, CALLER, world.deps)
    resumed = resume(world, run, 2)
    changed = ("run again", "It uses the input `text`, which changed in version 2.")
    assert plan_of(resumed)["a"] == (expected or changed)
    assert world.payloads.get(resumed.view.run.input) == {"text": value}


def test_numbers_and_booleans_of_one_value_are_not_the_same_definition() -> None:
    world = RunWorld()
    one = workflow(transform("a", 1), transform("b"))
    run = failed_at(world, "b", one)
    update_workflow(run.workflow_id, workflow(transform("a", True), transform("b")), CALLER, world.deps)
    assert plan_of(resume(world, run, 2))["a"][0] == "run again"


def test_an_input_that_a_version_needs_and_the_run_does_not_have_is_a_problem_in_its_place() -> None:
    world = RunWorld()
    run = failed_at(world, "c")
    inputs = [declare("text", "integer"), declare("more")]
    document = workflow(transform("a", "{{input.text}}"), inputs=inputs)
    update_workflow(run.workflow_id, document, CALLER, world.deps)
    with pytest.raises(InvalidParametersError) as raised:
        resume(world, run, 2)
    problems = [(problem.location, problem.code) for problem in raised.value.problems]
    assert problems == [("/input/text", "wrong_type"), ("/input/more", "missing")]
    assert all("takes no inputs: choose a version" in problem.message for problem in raised.value.problems)
    assert world.found(run).run == run


def test_a_version_that_is_not_there_is_not_found() -> None:
    world = RunWorld()
    run = failed_at(world, "c")
    with pytest.raises(VersionNotFoundError):
        resume(world, run, 2)
    assert world.found(run).run == run
