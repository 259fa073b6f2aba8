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
from stepcall.domain.instances import STOPPED
from stepcall.domain.json_text import write_canonical_json
from stepcall.domain.model_problems import Suggester
from stepcall.domain.run import RESUMABLE, ErrorResult, Run, TaskEnd, TaskRun, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_control import is_instance, whole_ref
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
    found = _read(place, deps)
    if decided := _decided_before(found, place.ref, decision, deps):
        return decided
    _require_awaiting(found, place.ref, task)
    if decision.status is TaskStatus.COMPLETED and (problems := problems_of_data(decision.data, task.input)):
        raise InvalidDecisionError(problems)
    end = _end_of(decision, found, place.ref, caller, deps)
    try:
        deps.runs.settle_task(found.run, place.ref, end)
    except (TaskNotRunningError, RunMoveRefusedError, LateAttemptError):
        return _look_again(place, task, decision, deps)
    deps.log("task_decided", run_id=str(place.run_id), ref=place.ref, status=end.status, decided_by=caller.principal)
    return deps.runs.get_for_work(place.run_id, (place.ref,)).task(place.ref)


def _read(place: PlaceOfTask, deps: FaceDependencies) -> RunWithTasks:
    """With the task that it is of, where it is done for one element."""
    return deps.runs.get_for_work(place.run_id, {place.ref, whole_ref(place.ref)})


def _task_of(run: Run, ref: str, deps: FaceDependencies) -> Task:
    """Raises TaskNotFoundError, TaskNotAwaitingError."""
    definition = deps.workflows.get_version(run.workflow_id, run.workflow_version).definition
    tasks = {task.ref: task for task in definition.tasks}
    task = tasks.get(whole_ref(ref))
    if task is None:
        raise TaskNotFoundError(f"The execution has no task `{shorten(ref)}`{Suggester()(ref, tasks)}")
    if task.type != FLOW_APPROVAL:
        raise TaskNotAwaitingError(f"`{task.ref}` is no `{FLOW_APPROVAL}`: it ends by itself.")
    return task


def _decided_before(found: RunWithTasks, ref: str, decision: Decision, deps: FaceDependencies) -> TaskRun | None:
    """The task, where somebody has made this decision; None where nobody has decided. Raises TaskDecidedError."""
    task = found.tasks.get(ref)
    if task is None or task.decided_by is None:
        return None
    if (how := _how_otherwise(task, decision, deps)) is not None:
        when = f" at {print_time(task.completed_at)}" if task.completed_at else ""
        what = "completed" if task.status is TaskStatus.COMPLETED else "refused"
        raise TaskDecidedError(f"`{task.decided_by}` has {what} it{when}{how}: what is decided stays decided.")
    return task


def _how_otherwise(task: TaskRun, decision: Decision, deps: FaceDependencies) -> str | None:
    """What the decision was that is not this one, as far as it was one of its kind; None where it was the same."""
    if task.status is not decision.status:
        return ""
    if task.output is None:
        is_same = task.error and task.error.message == _error(task.ref, decision).message
        return None if is_same else ", with another message"
    try:
        before = deps.payloads.get(task.output)["data"]
    except PayloadGoneError:
        return ", with data that is kept no more"
    return None if write_canonical_json(before) == write_canonical_json(decision.data) else ", with other data"


def _require_awaiting(found: RunWithTasks, ref: str, said: Task) -> None:
    """Raises RunHasEndedError, TaskNotAwaitingError."""
    task, whole = found.task(ref), found.task(whole_ref(ref))
    if found.run.status.has_ended:
        raise RunHasEndedError(found.run.run_id, found.run.status, _why_too_late(task, found.run))
    if is_instance(ref) != (said.for_each is not None):
        raise TaskNotAwaitingError(_other_ref(said))
    if task.status is whole.status is TaskStatus.RUNNING and task.awaited:
        return
    if whole.status in STOPPED and task.status is TaskStatus.RUNNING:
        raise TaskNotAwaitingError(f"`{whole.ref}` is {whole.status}, and with it what it was still to be done for.")
    if task.status is TaskStatus.FAILED and task.error:
        raise TaskNotAwaitingError(f"The task has FAILED. {task.error.message}")
    raise TaskNotAwaitingError(f"The task is {task.status}, and asks for no decision now.")


def _why_too_late(task: TaskRun, run: Run) -> str:
    """Of a run that has ended: whether the task has, for nobody has decided in its time."""
    error = task.error
    if error is None or error.reason is not ErrorReason.TIMEOUT or error.location != task.ref:
        return ""
    advice = " Resume the execution, and it asks again." if run.status in RESUMABLE else ""
    return f"{error.message}{advice}"


def _other_ref(task: Task) -> str:
    if task.for_each is None:
        return f"`{task.ref}` is done once, and not for each element: decide `{task.ref}` itself."
    return (
        f"It is done for each element: decide `{task.ref}[0]` (in an address `{task.ref}%5B0%5D`); "
        f"`…/tasks/{task.ref}/instances` lists what waits."
    )


def _look_again(place: PlaceOfTask, task: Task, decision: Decision, deps: FaceDependencies) -> TaskRun:
    """Something else has come first: the same decision, another, the end of its time, or of the run."""
    found = _read(place, deps)
    if decided := _decided_before(found, place.ref, decision, deps):
        return decided
    _require_awaiting(found, place.ref, task)
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
