"""End a run whose execution has ended without writing its end: how Step Functions tells it is how the run ends.

Whoever hears of it: the status event of EventBridge, or the sweep.
"""

from collections.abc import Mapping
from types import MappingProxyType

from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import CALL_LOCATION, ErrorResult, RunAttempt, RunEnd, RunStatus
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, RunNotFoundError
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.engine import ExecutionStatus

ENDS: Mapping[ExecutionStatus, tuple[RunStatus, ErrorReason, str]] = MappingProxyType(
    {
        ExecutionStatus.ABORTED: (
            RunStatus.CANCELLED,
            ErrorReason.STOPPED,
            "The execution was stopped in Step Functions.",
        ),
        ExecutionStatus.TIMED_OUT: (
            RunStatus.FAILED,
            ErrorReason.TIMEOUT,
            "The execution took longer than it may: than its workflow's `timeout_seconds`, or than a year.",
        ),
        ExecutionStatus.FAILED: (
            RunStatus.FAILED,
            ErrorReason.INTERNAL_ERROR,
            "The execution failed in Step Functions before it could write why.",
        ),
        ExecutionStatus.SUCCEEDED: (
            RunStatus.FAILED,
            ErrorReason.INTERNAL_ERROR,
            "The execution ended in Step Functions, and what came of it was not written.",
        ),
        ExecutionStatus.MISSING: (
            RunStatus.FAILED,
            ErrorReason.INTERNAL_ERROR,
            "Step Functions does not know the execution any more, and what came of it was not written.",
        ),
    }
)
"""How a run ends, by how its execution has. One that is RUNNING ends none."""


def end_unseen_run(run: RunAttempt, execution: ExecutionStatus, deps: WorkerDependencies) -> bool:
    """Whether this has ended the run: one that has ended or was resumed stays as it is, and no run's is nobody's."""
    status, reason, message = ENDS[execution]
    try:
        deps.runs.end(run, RunEnd(status, deps.now(), error=ErrorResult(reason, CALL_LOCATION, message)))
    except (RunHasEndedError, RunNotFoundError):
        return False
    except LateAttemptError:
        deps.log("late_news_ignored", run_id=str(run.run_id), run_attempt=str(run.run_attempt))
        return False
    deps.log("run_ended_unseen", run_id=str(run.run_id), status=status, execution_status=execution)
    return True
