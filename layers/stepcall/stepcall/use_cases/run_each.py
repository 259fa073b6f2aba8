"""A task that is done for each element of an array, as a whole: for which elements, and what they have given.

Of its elements the records say what came of them: the error of a Map does not say which of its items it was, nor that
of a Map of executions what has happened. Imported when there is such a task.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.run import ErrorResult, StoredPayload, TaskRun, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_contract import TaskContext, TaskKind
from stepcall.domain.task_control import MAX_ELEMENTS, index_of
from stepcall.domain.task_phases import PreparedEach, TaskPhase
from stepcall.domain.workflow import Task
from stepcall.stores.payload_store import MAX_PAYLOAD_BYTES, PayloadGoneError
from stepcall.stores.run_store import TaskNotRunningError
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.state_error import TIMEOUTS
from stepcall.use_cases.task_values import count_elements, is_wanted, scope_of_task, store_output

READERS = 10
"""Outputs that are fetched at once: as many connections as AWS's client keeps to S3."""
MAX_NAMED = 10
"""Elements that a message names."""


def run_each(
    task: Task, found: RunWithTasks, context: TaskContext, deps: WorkerDependencies, map_error: str | None
) -> StoredPayload | PreparedEach | None:
    """In the phase `PREPARE` for which elements it is to be done, or its output where there are none; then its output.

    None where it is to be skipped. `map_error` is what stopped its elements, None for nothing. Raises TaskError.
    """
    if context.phase is TaskPhase.COLLECT:
        return _collect(task, found, deps, map_error)  # whether it is wanted was asked before
    scope = scope_of_task(task, found, deps)
    if not is_wanted(task, scope):
        return None
    count = count_elements(task, scope)
    if count > MAX_ELEMENTS:
        message = f"`for_each` has {count:,} elements, and a task is done for {MAX_ELEMENTS:,} at most."
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)
    deps.runs.set_instances(found.run, task.ref, count)
    return PreparedEach([*range(count)], count) if count else store_output(task, found, [], deps)


def _collect(task: Task, found: RunWithTasks, deps: WorkerDependencies, map_error: str | None) -> StoredPayload:
    count = found.task(task.ref).instances or 0
    instances = deps.runs.list_instances(
        found.run.run_id, task.ref, of_attempt=found.run.run_attempt, start=0, stop=count
    )
    if failed := next((each for each in instances if each.status is TaskStatus.FAILED and each.error), None):
        _raise_of(failed.ref, failed.error)
    outputs = [each.output for each in instances if each.status is TaskStatus.COMPLETED and each.output]
    if len(outputs) < count:
        _raise_of_unfinished(task, found, instances, deps, map_error)
    if (size := sum(output.size for output in outputs)) > MAX_PAYLOAD_BYTES:
        message = f"The elements' outputs have {size:,} bytes together; {MAX_PAYLOAD_BYTES:,} can be handed on."
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)
    return store_output(task, found, _fetch(outputs, deps), deps)


def _fetch(outputs: Sequence[StoredPayload], deps: WorkerDependencies) -> list[Any]:
    """In their order. Those in the bucket take some 20 ms each: many at once."""
    try:
        if all(output.key is None for output in outputs):
            return [deps.payloads.get(output) for output in outputs]
        with ThreadPoolExecutor(READERS) as readers:
            return [*readers.map(deps.payloads.get, outputs)]
    except PayloadGoneError as exc:
        message = "What its elements have given is kept 30 days, and has been deleted."
        raise PermanentTaskError(ErrorReason.NOT_FOUND, message) from exc


def _raise_of(ref: str, error: ErrorResult | None) -> NoReturn:
    """The error of an element as the task's."""
    reason, said = (error.reason, error.message) if error else (ErrorReason.INTERNAL_ERROR, "It failed.")
    own = f"`{ref}` "  # what a worker could not say itself begins with the name of what has failed: the element
    told = f" {said.removeprefix(own)}" if said.startswith(own) else f": {said}"
    raise PermanentTaskError(reason, f"Element {index_of(ref)}{told}", location=ref)


def _raise_of_unfinished(
    task: Task,
    found: RunWithTasks,
    instances: Sequence[TaskRun],
    deps: WorkerDependencies,
    map_error: str | None,
) -> NoReturn:
    """Nobody has written why: of those under way the one that has been longest is taken to be it."""
    under_way = [each for each in instances if each.status is TaskStatus.RUNNING and each.started_at]
    if not under_way:
        message = f"`{task.ref}` stopped before its elements were done, and none of them was under way ({map_error})."
        raise PermanentTaskError(ErrorReason.INTERNAL_ERROR, message)
    longest = min(under_way, key=lambda each: str(each.started_at))
    took_too_long = map_error in TIMEOUTS or _has_used_its_time(task, longest, deps)
    error = _stopped_short(longest.ref, [index_of(each.ref) for each in under_way], took_too_long=took_too_long)
    try:
        deps.runs.fail_task(found.run, longest.ref, error, deps.now())
    except TaskNotRunningError:
        deps.log("task_already_ended", run_id=str(found.run.run_id), ref=longest.ref)
    _raise_of(longest.ref, error)


def _has_used_its_time(task: Task, instance: TaskRun, deps: WorkerDependencies) -> bool:
    """What a Map of executions does not say: the first attempt began longer ago than one may take."""
    contract = deps.catalog[task.type]
    if contract.kind is not TaskKind.WORK or instance.attempts > 1 or instance.started_at is None:
        return False
    limit = min(task.timeout_seconds or contract.timeout_seconds, contract.timeout_seconds)
    return (deps.now() - instance.started_at).total_seconds() >= limit


def _stopped_short(ref: str, under_way: Sequence[int], *, took_too_long: bool) -> ErrorResult:
    others = ""
    if len(under_way) > 1:
        more = " and others" if len(under_way) > MAX_NAMED else ""
        named = ", ".join(map(str, under_way[:MAX_NAMED]))
        others = f" It was under way longest of the elements {named}{more}: it may have been another of them."
    if took_too_long:
        return ErrorResult(ErrorReason.TIMEOUT, ref, f"`{ref}` took longer than it may.{others}")
    message = (
        f"`{ref}` stopped before it could say why: its worker died, took too long, or could not be called.{others}"
    )
    return ErrorResult(ErrorReason.INTERNAL_ERROR, ref, message)
