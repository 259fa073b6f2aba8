"""End the task that has started a run as the run has ended."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import spell_execution
from stepcall.domain.json_text import write_json
from stepcall.domain.run import ErrorResult, Run, RunStatus, StoredPayload, TaskEnd, TaskStatus
from stepcall.stores.payload_store import PayloadGoneError, PayloadTooLargeError
from stepcall.stores.run_store import LateAttemptError, RunMoveRefusedError, RunNotFoundError, TaskNotRunningError
from stepcall.use_cases.child_bond import Bond, bond_of
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.task_values import output_name


class ChildError(NamedTuple):
    """Why a task fails that has executed another workflow."""

    reason: ErrorReason
    message: str


def settle_parent(child: Run, deps: WorkerDependencies) -> None:
    """`child` has ended, or was resumed since and is its parent's no more.

    A task that does not wait for it any more stays as it is, and so it does the second time.
    """
    parent = child.parent
    if parent is None or bond_of(child, deps) is not Bond.AWAITED:
        return
    run = deps.runs.get_for_work(parent.run_id, ()).run
    end = _end_of(child, output_name(run, parent.ref), deps)
    try:
        deps.runs.settle_task(run, parent.ref, end)
    except (TaskNotRunningError, RunMoveRefusedError, LateAttemptError, RunNotFoundError):
        deps.log("late_news_ignored", run_id=str(parent.run_id), ref=parent.ref)
    else:
        deps.log("parent_settled", run_id=str(parent.run_id), ref=parent.ref, child_run_id=str(child.run_id))


def _end_of(child: Run, name: str, deps: WorkerDependencies) -> TaskEnd:
    now = deps.now()
    if child.runs_for_parent and child.status is RunStatus.COMPLETED and child.output:
        try:
            output = _output_of(child.run_id, child.output, name, deps)
        except PayloadGoneError:
            error = ChildError(ErrorReason.NOT_FOUND, "What the execution has given is kept 30 days, and was deleted.")
        except PayloadTooLargeError as exc:
            error = ChildError(ErrorReason.RESOURCES_EXCEEDED, f"The execution's output cannot be handed on. {exc}")
        else:
            return TaskEnd(TaskStatus.COMPLETED, now, output)
    else:
        error = error_of(child)
    location = child.parent.ref if child.parent else ""
    return TaskEnd(TaskStatus.FAILED, now, error=ErrorResult(error.reason, location, error.message))


def error_of(child: Run) -> ChildError:
    """Of one that has ended otherwise than COMPLETED, or was resumed."""
    spelled = f"The execution `{spell_execution(child.run_id)}`"
    if not child.runs_for_parent:
        return ChildError(ErrorReason.STOPPED, f"{spelled} had ended, and was resumed by somebody: not for this task.")
    if child.status is RunStatus.CANCELLED:
        return ChildError(ErrorReason.STOPPED, f"{spelled} was cancelled.")
    if child.error is None:
        return ChildError(ErrorReason.INTERNAL_ERROR, f"{spelled} failed, and does not say why.")
    return ChildError(child.error.reason, f"{spelled} failed at `{child.error.location}`: {child.error.message}")


def _output_of(run_id: UUID, output: StoredPayload, name: str, deps: WorkerDependencies) -> StoredPayload:
    """`{execution_id, output}`: the text of the child's output is copied, and never read, however large it is."""
    head = f'{{"execution_id":{write_json(spell_execution(run_id))},"output":'
    return deps.payloads.put_around(name, head, output, "}")
