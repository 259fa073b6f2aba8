"""Stop the execution of a run whose record has ended already."""

from stepcall.domain.run import Run
from stepcall.stores.run_store import OpenRun
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.engine import EngineUnavailableError


def stop_execution(run: Run | OpenRun, cause: str, deps: StartDependencies) -> None:
    try:
        deps.engine.stop(run.execution_name, run.content_hash, cause)
    except EngineUnavailableError:
        # the run has ended all the same: its execution ends at its next task, which refuses to begin
        deps.log("execution_not_stopped", run_id=str(run.run_id))
