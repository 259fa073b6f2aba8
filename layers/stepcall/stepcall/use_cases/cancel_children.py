"""Cancel what runs for a task that waits for it no more: with its parent, or when its time is up."""

from collections.abc import Callable
from uuid import UUID

from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import spell_execution
from stepcall.domain.run import CALL_LOCATION, ErrorResult, Run, RunEnd, RunStatus
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, RunMoveRefusedError, RunNotFoundError
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.stop_execution import stop_execution

ABANDONED = "The execution was cancelled before it began, as the task that was to wait for it does not."


def cancel_children(parent: Run, deps: StartDependencies, has_time: Callable[[], bool]) -> bool:
    """Of a run that has ended otherwise than COMPLETED. Whether that was all of them: else it has to be asked again."""
    message = f"The execution was cancelled as `{spell_execution(parent.run_id)}`, which had started it, had ended."
    for run_id in deps.runs.list_children(parent):
        if not has_time():
            return False
        with deps.about(parent):
            cancel_child(run_id, message, deps)
    return True


def cancel_child(run_id: UUID, message: str, deps: StartDependencies) -> None:
    """One that has ended, or that a person has resumed since, stays as it is; whose parent it has, forgets it."""
    child = _read(run_id, deps)
    while child and child.runs_for_parent and not child.status.has_ended and not _cancel(child, message, deps):
        child = _read(run_id, deps)  # it has begun since, or was moved to another machine
    if child and child.parent:
        deps.runs.forget_child(child.parent, run_id)


def _read(run_id: UUID, deps: StartDependencies) -> Run | None:
    try:
        return deps.runs.get_for_end(run_id).run
    except RunNotFoundError:
        return None


def _cancel(child: Run, message: str, deps: StartDependencies) -> bool:
    """Whether it has ended now."""
    error = ErrorResult(ErrorReason.STOPPED, CALL_LOCATION, message)
    try:
        deps.runs.cancel(child, RunEnd(RunStatus.CANCELLED, deps.now(), error=error))
    except RunHasEndedError:
        return True
    except (RunMoveRefusedError, LateAttemptError):
        return False
    deps.log("child_run_cancelled", run_id=str(child.run_id), tenant=child.tenant, cancelled_from=child.status)
    stop_execution(child, message, deps)
    return True
