"""Cancel what runs for a task that waits for it no more: with its parent, or when its time is up."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import spell_execution
from stepcall.domain.run import CALL_LOCATION, ErrorResult, Run, RunEnd, RunStatus
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, RunMoveRefusedError, RunNotFoundError
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.stop_execution import stop_execution

NOT_AWAITED = (
    "The execution was cancelled, as the task that had started it has failed: its time was up, or it was stopped."
)
ABANDONED = "The execution was cancelled before it began, as the task that was to wait for it does not."


CANCELLERS = 10
"""Children that are cancelled at once: as many connections as AWS's clients keep."""


def cancel_children(parent: Run, deps: StartDependencies, has_time: Callable[[], bool]) -> bool:
    """Of a run that has ended. Whether that was all of them: else it has to be asked again."""
    message = f"The execution was cancelled as `{spell_execution(parent.run_id)}`, which had started it, had ended."
    return _cancel_all(deps.runs.list_children(parent), message, deps, has_time)


def cancel_children_of_task(parent: Run, ref: str, deps: StartDependencies, has_time: Callable[[], bool]) -> bool:
    """Of a task that has failed, done for each element, as `cancel_children` does."""
    return _cancel_all(deps.runs.list_children(parent, ref), NOT_AWAITED, deps, has_time)


def _cancel_all(run_ids: Iterable[UUID], message: str, deps: StartDependencies, has_time: Callable[[], bool]) -> bool:
    """A call to AWS takes some 10 ms and each child a handful: many at once, as the shard waits."""

    def cancel(run_id: UUID) -> bool:
        if has_time():
            cancel_child(run_id, message, deps)
            return True
        return False

    with ThreadPoolExecutor(CANCELLERS) as cancellers:
        return all([*cancellers.map(cancel, run_ids)])


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
