"""Cancel a run: its record first, so that no worker of it begins anything more, then its execution."""

from dataclasses import replace
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import CALL_LOCATION, ErrorResult, Run, RunEnd, RunStatus
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.read_run import RunView, read_run

MESSAGE = "The run was cancelled."


def cancel_run(run_id: UUID, caller: Caller, deps: FaceDependencies, *, workflow_id: UUID | None = None) -> RunView:
    """The cancelled run. Raises RunNotFoundError, RunHasEndedError."""
    view = read_run(run_id, caller, deps, workflow_id=workflow_id)
    stop_run(view.run, deps)
    return read_run(run_id, caller, deps, workflow_id=workflow_id)


def stop_run(run: Run, deps: FaceDependencies) -> Run:
    """End a run that the caller may cancel: the run as it has ended. Raises RunHasEndedError."""
    end = RunEnd(RunStatus.CANCELLED, deps.now(), error=ErrorResult(ErrorReason.STOPPED, CALL_LOCATION, MESSAGE))
    deps.runs.end(run.run_id, end)
    deps.log("run_cancelled", run_id=str(run.run_id), tenant=run.tenant)
    try:
        deps.engine.stop(run.run_id, run.content_hash, MESSAGE)
    except EngineUnavailableError:
        # the run is CANCELLED all the same: its execution ends at its next task, which refuses to begin
        deps.log("execution_not_stopped", run_id=str(run.run_id))
    return replace(run, status=end.status, completed_at=end.completed_at, error=end.error)
