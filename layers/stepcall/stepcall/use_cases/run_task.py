"""Do one task of a run: everything around the work itself, for every task type."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from pydantic import BaseModel, Field

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, StepcallError, TaskError
from stepcall.domain.run import ErrorResult, Run, RunAttempt, RunStatus, StoredPayload, TaskStatus, is_same_execution
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_contract import TaskContext, TaskImplementation
from stepcall.domain.task_control import instance_ref, task_ref
from stepcall.domain.task_phases import PreparedEach, PreparedQuery, QueryEnd, TaskPhase
from stepcall.domain.waiting import PreparedWait
from stepcall.domain.workflow import Task, WorkflowDefinition
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, TaskNotRunningError
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.executed_run import ExecutedRun
from stepcall.use_cases.state_error import StateError, error_of_task
from stepcall.use_cases.task_values import is_wanted, read_element, render_input, scope_of_task, store_output

Prepared = PreparedQuery | PreparedWait | PreparedEach
Work = Callable[[], "StoredPayload | Prepared | Awaited | None"]
"""Gives the output, what is prepared, or None where the task is to be skipped. Raises TaskError."""
INTERNAL_MESSAGE = "The task failed by a fault of Stepcall's own; the operators find it in the log under the run's id."


class TaskInvocation(BaseModel):
    """What a task state sends to its worker."""

    run: ExecutedRun
    ref: str
    attempt: int
    phase: TaskPhase | None = None
    query: "QueryReport | None" = None
    error: StateError | None = None
    """Of the task that this is the fallback of."""
    token: str | None = Field(default=None, repr=False)
    """What the machine waits with until somebody's answer has ended the task, in the phase `PREPARE`."""
    index: int | None = None
    """Of the element that the task is done for."""
    each: "MapEnd | None" = None

    @property
    def instance_ref(self) -> str:
        """The ref of what is done, and of its record."""
        return self.ref if self.index is None else instance_ref(self.ref, self.index)


class MapEnd(BaseModel):
    """What the machine knows of a task's elements when they are done, or one has failed."""

    error: str | None = Field(default=None, alias="Error")


class NothingToAwaitError(StepcallError):
    """Nobody's answer will end the task: the machine must not wait for one."""


class QueryReport(BaseModel):
    """What the machine knows of a query when another service has run it, or has not."""

    statement: str
    execution: dict[str, str] | None = None
    error: dict[str, str] | None = None

    @property
    def end(self) -> QueryEnd:
        error = self.error or {}
        return QueryEnd(self.statement, (self.execution or {}).get("id"), error.get("Error"), error.get("Cause", ""))


def run_task(
    invocation: TaskInvocation,
    implementations: Mapping[str, TaskImplementation],
    remaining_seconds: Callable[[], float],
    deps: WorkerDependencies,
) -> Prepared | None:
    """Do the task and store its output. A task that is done already is left alone.

    In the phase `PREPARE` the task stays RUNNING, and what the machine is to do meanwhile is returned: have a query
    run, wait, or do it for each element; nothing where it waits already, for somebody's answer.

    Raises NothingToAwaitError where it would wait so and the task has ended, RunHasEndedError, LateAttemptError when
    the run goes on as another execution, and TaskError when the task failed, after its record says why.
    """
    version = deps.workflows.get_version(invocation.run.workflow_id, invocation.run.workflow_version)
    if version.custom_types:
        deps = replace(deps, catalog=version.catalog(deps.catalog))
    task = _task_of(invocation, version.definition)
    records = version.definition.records_of((task_ref(task.ref), *task.needs))
    found = deps.runs.get_for_work(invocation.run.run_id, records)
    _require_attempt(invocation.run, found.run)
    if _is_done(found, task.ref) or _needs_no_fallback(invocation, found, deps):
        return _leave_alone(invocation, found, task, deps)
    started_at = _begin(invocation, found, task, deps)
    context = _context_of(invocation, found.run, version.definition, remaining_seconds, started_at)
    work: Work = partial(_work, task, found, implementations[deps.catalog[task.type].implementation], context, deps)
    if _is_of_all_elements(invocation, task):
        work = _work_of_all(invocation, task, found, context, deps)
    prepared = _attempt(task, found, work, context, deps)
    if isinstance(prepared, Awaited):
        _await_end(prepared, found.run, invocation, deps)
        return None
    return prepared or _nothing_to_do(invocation, task, deps)


def _task_of(invocation: TaskInvocation, definition: WorkflowDefinition) -> Task:
    task = definition.task(invocation.ref)
    return task if invocation.index is None else task.instance(invocation.index)


def _is_of_all_elements(invocation: TaskInvocation, task: Task) -> bool:
    """Whether it is what goes before and after the work that is done for each element."""
    return task.for_each is not None and invocation.index is None


def _leave_alone(
    invocation: TaskInvocation, found: RunWithTasks, task: Task, deps: WorkerDependencies
) -> Prepared | None:
    if found.run.status is RunStatus.PENDING:
        deps.runs.begin_run(found.run, deps.now())  # an earlier attempt has done it
    return _nothing_to_do(invocation, task, deps)  # else delivered twice


def _begin(invocation: TaskInvocation, found: RunWithTasks, task: Task, deps: WorkerDependencies) -> datetime:
    """When it began. Raises RunHasEndedError."""
    if found.run.status.has_ended:
        raise RunHasEndedError(found.run.run_id, found.run.status)
    now = deps.now()
    if invocation.phase is not TaskPhase.COLLECT:  # it was begun when it was prepared
        deps.runs.begin_task(found.run, task.ref, attempt=invocation.attempt, now=now)
    return found.task(task.ref).started_at or now


def _work_of_all(
    invocation: TaskInvocation, task: Task, found: RunWithTasks, context: TaskContext, deps: WorkerDependencies
) -> Work:
    from stepcall.use_cases.run_each import run_each  # noqa: PLC0415 - few tasks have it

    return partial(run_each, task, found, context, deps, invocation.each.error if invocation.each else None)


def _attempt(
    task: Task, found: RunWithTasks, work: Work, context: TaskContext, deps: WorkerDependencies
) -> Prepared | Awaited | None:
    """Do it, and write what came of it. Raises TaskError."""
    try:
        output = work()
        if isinstance(output, Prepared | Awaited):
            return output
        if output is None:
            deps.runs.skip_task(found.run, context.ref, deps.now())
        else:
            deps.runs.complete_task(found.run, context.ref, output, deps.now())
    except TaskNotRunningError:
        _look_again(found.run, context, deps)
    except TaskError as error:
        _record_error(error, found.run, task, context, deps)
    except (RunHasEndedError, LateAttemptError):
        raise
    except Exception as exc:
        # ours or AWS's: a second attempt is safe, and often enough
        fault = RetryableTaskError(ErrorReason.INTERNAL_ERROR, INTERNAL_MESSAGE)
        fault.__cause__ = exc
        _record_error(fault, found.run, task, context, deps)
    return None


def _await_end(awaited: Awaited, run: Run, invocation: TaskInvocation, deps: WorkerDependencies) -> None:
    """From here on the task may be ended by somebody's answer. Raises NothingToAwaitError."""
    ref, token = invocation.instance_ref, invocation.token or ""
    try:
        deps.runs.await_task(run, ref, awaited._replace(begin=None), token=token, attempt=invocation.attempt)
    except TaskNotRunningError as exc:
        raise NothingToAwaitError(f"Another delivery has the task {ref}, or it has ended.") from exc
    if awaited.begin:
        awaited.begin()


def _needs_no_fallback(invocation: TaskInvocation, found: RunWithTasks, deps: WorkerDependencies) -> bool:
    """Whether the task that this is the fallback of was done after all; that it has failed is written, else."""
    task = found.task(task_ref(invocation.ref))
    if invocation.error is None or task.used_fallback or found.run.status.has_ended:
        return False
    if task.status not in {TaskStatus.PENDING, TaskStatus.RUNNING}:
        return task.status is not TaskStatus.FAILED
    try:
        deps.runs.fail_task(found.run, task.ref, error_of_task(invocation.error, task), deps.now())
    except TaskNotRunningError:
        return deps.runs.get_for_work(found.run.run_id, (task.ref,)).task(task.ref).status is not TaskStatus.FAILED
    return False


def _context_of(
    invocation: TaskInvocation,
    run: Run,
    definition: WorkflowDefinition,
    remaining_seconds: Callable[[], float],
    started_at: datetime,
) -> TaskContext:
    return TaskContext(
        run.run_id,
        run.tenant,
        invocation.instance_ref,
        invocation.attempt,
        remaining_seconds,
        run.provider_key,
        definition.connection,
        run.job.output_table if run.job else None,
        invocation.phase,
        invocation.query.end if invocation.query else None,
        run.run_attempt,
        started_at,
        run.deadline,
        invocation.index,
    )


def _require_attempt(invoked: RunAttempt, stored: RunAttempt) -> None:
    """Raises LateAttemptError."""
    if not is_same_execution(invoked, stored):
        raise LateAttemptError(stored.run_id)


def _is_done(found: RunWithTasks, ref: str) -> bool:
    """Whether the task is COMPLETED, or SKIPPED. Raises PermanentTaskError when it is FAILED."""
    task = found.task(ref)
    if task.status is TaskStatus.FAILED and task.error:
        raise PermanentTaskError(task.error.reason, task.error.message)
    return task.status in {TaskStatus.COMPLETED, TaskStatus.SKIPPED}


def _nothing_to_do(invocation: TaskInvocation, task: Task, deps: WorkerDependencies) -> Prepared | None:
    """The machine goes on to its query all the same, which fails at once, or to its wait, which ends at once: what
    comes after it finds the task done."""
    if invocation.phase is not TaskPhase.PREPARE:
        return None
    if _is_of_all_elements(invocation, task):
        return PreparedEach([], 0)
    if deps.catalog[task.type].is_awaited:
        raise NothingToAwaitError(f"The task {task.ref} has ended.")
    return PreparedWait.past(deps.now()) if deps.catalog[task.type].is_wait else PreparedQuery("")


def _look_again(run: RunAttempt, context: TaskContext, deps: WorkerDependencies) -> None:
    """The task was delivered twice, and the other delivery has ended it meanwhile: its end is ours."""
    deps.log("late_news_ignored", run_id=str(context.run_id), ref=context.ref)
    found = deps.runs.get_for_work(context.run_id, (context.ref,))
    _require_attempt(run, found.run)
    if not _is_done(found, context.ref):
        raise RetryableTaskError(ErrorReason.INTERNAL_ERROR, INTERNAL_MESSAGE)


def _work(
    task: Task, found: RunWithTasks, implementation: TaskImplementation, context: TaskContext, deps: WorkerDependencies
) -> StoredPayload | Prepared | Awaited | None:
    """None where the task is to be skipped."""
    contract = deps.catalog[task.type]
    scope = scope_of_task(task, found, deps)
    if context.index is None and not is_wanted(task, scope):
        return None
    if context.index is not None:
        scope = replace(scope, each={"item": read_element(task, scope, context.index), "index": context.index})
    output = implementation(contract.read_input(render_input(task, scope)), context)
    if context.phase is TaskPhase.PREPARE and isinstance(output, Prepared | Awaited):
        return output
    return store_output(task, found, contract.print_output(output), deps)


def _record_error(
    error: TaskError, run: RunAttempt, task: Task, context: TaskContext, deps: WorkerDependencies
) -> None:
    """Write what went wrong and raise it; unless another delivery has completed the task meanwhile.

    Of an element that is not tried again nobody else could say later that it was this one that failed.
    """
    result = ErrorResult(error.reason, error.location or task_ref(context.ref), error.message)
    is_last = context.index is not None and context.attempt + 1 >= task.attempts
    try:
        if error.retryable and not is_last:
            deps.runs.record_task_error(run, context.ref, result)
        else:
            deps.runs.fail_task(run, context.ref, result, deps.now())
    except TaskNotRunningError:
        _look_again(run, context, deps)
    else:
        raise error
