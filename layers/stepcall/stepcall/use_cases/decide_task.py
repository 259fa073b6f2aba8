"""Take somebody's decision about a task that awaits one: one transaction, and its machine hears of it by the stream."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.approval import FLOW_APPROVAL, problems_of_data
from stepcall.domain.decision_errors import (
    InvalidDecisionError,
    TaskDecidedError,
    TaskNotAwaitingError,
    TaskNotFoundError,
)
from stepcall.domain.errors import ErrorReason, shorten
from stepcall.domain.json_text import write_canonical_json
from stepcall.domain.run import ErrorResult, Run, TaskEnd, TaskRun, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_control import whole_ref
from stepcall.domain.times import print_time
from stepcall.domain.workflow import Task
from stepcall.stores.payload_store import PayloadGoneError
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, RunMoveRefusedError, TaskNotRunningError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run
from stepcall.use_cases.require_start import require_start
from stepcall.use_cases.task_values import output_name


class PlaceOfTask(NamedTuple):
    """Which task of which run is decided. `ref` is that of an instance, such as `X[17]`, where there is one for each
    element."""

    workflow_id: UUID
    run_id: UUID
    ref: str


@dataclass(frozen=True, slots=True)
class Decision:
    """COMPLETED with data, or FAILED with a message."""

    status: TaskStatus
    data: Any = None
    message: str = ""


def decide_task(place: PlaceOfTask, decision: Decision, caller: Caller, deps: FaceDependencies) -> TaskRun:
    """The task as it was decided. The same decision once more, whoever makes it, is answered as the first.

    Raises RunNotFoundError, NotGrantedError, TaskNotFoundError, TaskDecidedError, RunHasEndedError,
    TaskNotAwaitingError, InvalidDecisionError, PayloadTooLargeError.
    """
    run = find_run(place.run_id, caller, deps, place.workflow_id).run
    require_start(run, caller)
    task = _task_of(run, place.ref, deps)  # before its record is looked for: a ref may be anything
    found = deps.runs.get_for_work(place.run_id, (place.ref,))
    if decided := _decided_before(found, place.ref, decision, deps):
        return decided
    _require_awaiting(found, place.ref)
    if decision.status is TaskStatus.COMPLETED and (problems := problems_of_data(decision.data, task.input)):
        raise InvalidDecisionError(problems)
    end = _end_of(decision, found, place.ref, caller, deps)
    try:
        deps.runs.settle_task(found.run, place.ref, end)
    except (TaskNotRunningError, RunMoveRefusedError, LateAttemptError):
        return _look_again(place, decision, deps)
    deps.log("task_decided", run_id=str(place.run_id), ref=place.ref, status=end.status, decided_by=caller.principal)
    return deps.runs.get_for_work(place.run_id, (place.ref,)).task(place.ref)


def _task_of(run: Run, ref: str, deps: FaceDependencies) -> Task:
    """Raises TaskNotFoundError, TaskNotAwaitingError."""
    definition = deps.workflows.get_version(run.workflow_id, run.workflow_version).definition
    task = next((task for task in definition.tasks if task.ref == whole_ref(ref)), None)
    if task is None:
        raise TaskNotFoundError(f"The execution has no task `{shorten(ref)}`.")
    if task.type != FLOW_APPROVAL:
        raise TaskNotAwaitingError(f"`{task.ref}` is no `{FLOW_APPROVAL}`: it ends by itself.")
    return task


def _decided_before(found: RunWithTasks, ref: str, decision: Decision, deps: FaceDependencies) -> TaskRun | None:
    """The task, where somebody has made this decision; None where nobody has decided. Raises TaskDecidedError."""
    task = found.tasks.get(ref)
    if task is None or task.decided_by is None:
        return None
    if not _is_same(task, decision, deps):
        when = f" at {print_time(task.completed_at)}" if task.completed_at else ""
        what = "completed" if task.status is TaskStatus.COMPLETED else "failed"
        raise TaskDecidedError(f"`{task.decided_by}` has {what} it{when}, and not so: what is decided stays decided.")
    return task


def _is_same(task: TaskRun, decision: Decision, deps: FaceDependencies) -> bool:
    if task.status is not decision.status:
        return False
    if task.output is None:
        return bool(task.error and task.error.message == _error(task.ref, decision).message)
    try:
        before = deps.payloads.get(task.output)["data"]
        return write_canonical_json(before) == write_canonical_json(decision.data)
    except PayloadGoneError:
        return False


def _require_awaiting(found: RunWithTasks, ref: str) -> None:
    """Raises RunHasEndedError, TaskNotAwaitingError."""
    if found.run.status.has_ended:
        raise RunHasEndedError(found.run.run_id, found.run.status)
    task = found.task(ref)
    if task.status is TaskStatus.RUNNING and task.awaited:
        return
    if task.status is TaskStatus.FAILED and task.error:
        raise TaskNotAwaitingError(f"The task has FAILED. {task.error.message}")
    raise TaskNotAwaitingError(f"The task is {task.status}, and asks for no decision now.")


def _look_again(place: PlaceOfTask, decision: Decision, deps: FaceDependencies) -> TaskRun:
    """Something else has come first: the same decision, another, the end of its time, or of the run."""
    found = deps.runs.get_for_work(place.run_id, (place.ref,))
    if decided := _decided_before(found, place.ref, decision, deps):
        return decided
    _require_awaiting(found, place.ref)
    raise TaskNotAwaitingError("The task is asked for anew at this moment: look at it, and decide again.")


def _end_of(decision: Decision, found: RunWithTasks, ref: str, caller: Caller, deps: FaceDependencies) -> TaskEnd:
    now, who = deps.now(), caller.principal
    if decision.status is TaskStatus.FAILED:
        return TaskEnd(decision.status, now, error=_error(ref, decision), decided_by=who)
    output = deps.payloads.put(output_name(found.run, ref), {"data": decision.data, "decided_by": who})
    return TaskEnd(decision.status, now, output=output, decided_by=who)


def _error(ref: str, decision: Decision) -> ErrorResult:
    """A person has stopped it: no fault of anybody's, and another attempt would ask the same."""
    return ErrorResult(ErrorReason.STOPPED, ref, decision.message)
