"""Write that a task has failed while its run goes on: what a machine calls for a task whose author has said so."""

from pydantic import BaseModel

from stepcall.domain.run import RunStatus, is_same_execution
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, TaskNotRunningError
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.executed_run import ExecutedRun
from stepcall.use_cases.state_error import StateError, error_of_task, record_ref


class TaskFailure(BaseModel):
    """What the state after a failed task sends."""

    run: ExecutedRun
    ref: str
    error: StateError


def record_failure(failure: TaskFailure, deps: WorkerDependencies) -> None:
    """A task that is FAILED already stays as it is, and one that is COMPLETED after all.

    Raises RunHasEndedError, LateAttemptError: then its machine must not go on.
    """
    found = deps.runs.get_for_end(failure.run.run_id)
    if not is_same_execution(found.run, failure.run):
        raise LateAttemptError(found.run.run_id)
    if found.run.status.has_ended:
        raise RunHasEndedError(found.run.run_id, found.run.status)
    if found.run.status is RunStatus.PENDING:
        deps.runs.begin_run(found.run, deps.now())  # its first task has never begun
    task = found.task(failure.ref)
    try:
        deps.runs.fail_task(found.run, record_ref(task), error_of_task(failure.error, task), deps.now())
    except TaskNotRunningError:
        deps.log("task_already_ended", run_id=str(found.run.run_id), ref=failure.ref)
