"""Cancel a run: its record first, so that no worker of it begins anything more, then its execution."""

from dataclasses import replace
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import CALL_LOCATION, ErrorResult, Run, RunEnd, RunStatus
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, RunMoveRefusedError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import RunView, read_run
from stepcall.use_cases.stop_execution import stop_execution

WHILE_PENDING = "The run was cancelled while it was PENDING: none of its tasks had begun."
WHILE_PENDING_AGAIN = "The run was cancelled while it was PENDING, resumed and not yet begun again."
WHILE_RUNNING = "The run was cancelled while it was RUNNING."


def cancel_run(run_id: UUID, caller: Caller, deps: FaceDependencies, *, workflow_id: UUID | None = None) -> RunView:
    """The cancelled run. Raises RunNotFoundError, RunHasEndedError."""
    view = read_run(run_id, caller, deps, workflow_id=workflow_id)
    stop_run(view.run, deps)
    return read_run(run_id, caller, deps, workflow_id=workflow_id)


def stop_run(run: Run, deps: FaceDependencies) -> Run:
    """End a run that the caller may cancel: the run as it has ended. Raises RunHasEndedError.

    It is cancelled as what it was read as; when it has begun or was resumed since, it is read again.
    """
    while not (cancelled := _cancel(run, deps)):
        run = deps.runs.get(run.tenant, run.run_id).run
    deps.log("run_cancelled", run_id=str(run.run_id), tenant=run.tenant, cancelled_from=run.status)
    stop_execution(run, message_of(run), deps)
    return cancelled


def _cancel(run: Run, deps: FaceDependencies) -> Run | None:
    """The run as it has ended; None when it is no longer as it was read. Raises RunHasEndedError."""
    error = ErrorResult(ErrorReason.STOPPED, CALL_LOCATION, message_of(run))
    end = RunEnd(RunStatus.CANCELLED, deps.now(), error=error)
    try:
        deps.runs.cancel(run, end)
    except RunHasEndedError:
        raise
    except (RunMoveRefusedError, LateAttemptError):
        return None
    return replace(
        run, status=end.status, completed_at=end.completed_at, error=error, cancelled_from=run.status, provider_key=None
    )


def message_of(run: Run) -> str:
    """What every face says of a run that is cancelled as it is."""
    if run.status is not RunStatus.PENDING:
        return WHILE_RUNNING
    return WHILE_PENDING if run.run_attempt == 1 else WHILE_PENDING_AGAIN
