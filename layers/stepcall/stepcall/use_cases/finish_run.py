"""Write a run's end: what a machine's last state calls, on the good road and on the bad one."""

from typing import Any

from pydantic import BaseModel

from stepcall.domain.declared_value import OutputValue
from stepcall.domain.errors import (
    ErrorReason,
    StepcallError,
    shorten,
)
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.model_problems import Suggester
from stepcall.domain.render_template import RenderError, render
from stepcall.domain.run import (
    OUTPUT_LOCATION,
    ErrorResult,
    RunEnd,
    RunStatus,
    StoredPayload,
    TaskRun,
    TaskStatus,
    is_same_execution,
)
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.type_check import faults_of
from stepcall.domain.types import describe_value, is_of_type
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.payload_store import PayloadGoneError, PayloadTooLargeError
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, TaskNotRunningError
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.executed_run import ExecutedRun
from stepcall.use_cases.read_scope import read_scope
from stepcall.use_cases.state_error import RAISED_BY_WORKERS, StateError, error_of_task, record_ref


class RunEnding(BaseModel):
    """What the last states of a machine send; `error` is there on the bad road only."""

    run: ExecutedRun
    error: StateError | None = None


class RunFailedError(StepcallError):
    """The run has just been ended as FAILED on the good road: its machine must not end as a success."""


def finish_run(ending: RunEnding, deps: WorkerDependencies) -> None:
    """End the run, once: a run that has ended, or goes on as another execution, stays as it is.

    Raises RunFailedError when its outputs cannot be rendered; the run is FAILED then.
    """
    version = deps.workflows.get_version(ending.run.workflow_id, ending.run.workflow_version)
    found = deps.runs.get_for_end(ending.run.run_id)
    if not is_same_execution(found.run, ending.run):
        deps.log("late_news_ignored", run_id=str(ending.run.run_id), run_attempt=str(ending.run.run_attempt))
        return
    if found.run.status.has_ended:
        return
    end = _failed(ending.error, version, found, deps) if ending.error else _completed(version, found, deps)
    try:
        deps.runs.end(ending.run, end)
    except (RunHasEndedError, LateAttemptError):
        return  # cancelled in this very moment, and maybe resumed
    deps.log("run_ended", run_id=str(ending.run.run_id), status=end.status)
    if end.status is RunStatus.FAILED and ending.error is None:
        raise RunFailedError("The run's outputs could not be rendered.")


def _completed(version: WorkflowVersion, found: RunWithTasks, deps: WorkerDependencies) -> RunEnd:
    now = deps.now()
    try:
        output = _render_output(version, found, deps)
    except (RenderError, NotJsonError, PayloadTooLargeError, PayloadGoneError) as exc:
        return RunEnd(RunStatus.FAILED, now, error=ErrorResult(ErrorReason.INVALID, OUTPUT_LOCATION, str(exc)))
    return RunEnd(RunStatus.COMPLETED, now, output=output)


def _render_output(version: WorkflowVersion, found: RunWithTasks, deps: WorkerDependencies) -> StoredPayload:
    """Null is what needs the output of a task that the run mode left out."""
    definition = version.definition
    given = definition.outputs_in(found.run.run_mode)
    scope = read_scope(found, definition.needs_of(given), deps)
    for declared in definition.output:
        value = render(declared.template, scope) if declared.name in given else None
        _check_type(declared, value)
        scope.results[declared.name] = value
    return deps.payloads.put(f"{found.run.execution_name}/output", scope.results)


def _check_type(declared: OutputValue, value: Any) -> None:
    """Null fits any type. Raises RenderError."""
    if value is None:
        return
    if not is_of_type(value, declared.type):
        raise RenderError(f"The output `{declared.name}` must be of type {declared.type}, not {describe_value(value)}.")
    if declared.json_schema is not None:
        for fault in faults_of(value, declared.schema_of_value, Suggester(), limit=1):
            place = shorten(fault.at("").location) or "/"
            raise RenderError(f"The output `{declared.name}` does not fit its schema at `{place}`: {fault.message}")


def _failed(error: StateError, version: WorkflowVersion, found: RunWithTasks, deps: WorkerDependencies) -> RunEnd:
    now = deps.now()
    error, ref = error.of_task()
    task = _failed_task(error, ref, version, found)
    if task is None:
        message = f"The run's end could not be written in time ({error.name})."
        return RunEnd(RunStatus.FAILED, now, error=ErrorResult(ErrorReason.INTERNAL_ERROR, OUTPUT_LOCATION, message))
    result = error_of_task(error, task)
    try:
        deps.runs.fail_task(found.run, record_ref(task), result, now)
    except TaskNotRunningError:
        deps.log("task_already_failed", run_id=str(found.run.run_id), ref=task.ref)
    return RunEnd(RunStatus.FAILED, now, error=result)


def _failed_task(error: StateError, ref: str | None, version: WorkflowVersion, found: RunWithTasks) -> TaskRun | None:
    """The one that is named, else the one that failed, else one that was under way, else the first that never began;
    None when there is none."""
    tasks = found.tasks_of(version.definition)
    if named := next((task for task in tasks if task.ref == ref), None):
        return named
    # what a worker raises has a record behind it: a task that never began cannot be meant
    never_begun = () if error.name in RAISED_BY_WORKERS else (TaskStatus.PENDING,)
    statuses = (TaskStatus.FAILED, TaskStatus.RUNNING, *never_begun)
    return next((task for status in statuses for task in tasks if task.status is status), None)
