"""What a caller needs to have started a run: for a replayed start of it, and for its resume."""

from stepcall.domain.access import Caller
from stepcall.domain.procedure import procedure_name
from stepcall.domain.run import Run


def require_start(run: Run, caller: Caller) -> None:
    """The grant of its workflow; of a job that of its connection, or of its procedure. Raises NotGrantedError."""
    if run.job is None:
        caller.require_workflow(run.workflow_id)
    else:
        caller.require_source(run.job.connection, procedure_name(run.tenant, run.workflow_id))
