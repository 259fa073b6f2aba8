"""What a state machine knows of an error, and what of it the run's record says."""

from pydantic import BaseModel, Field

from stepcall.domain.errors import BRANCH_FAILED, ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import ErrorResult, TaskRun
from stepcall.domain.task_control import fallback_ref

TIMEOUTS = frozenset({"States.Timeout", "Sandbox.Timedout"})
IN_RECORD = "The run's record says why."
"""The cause of an error that a machine is told: Step Functions keeps it in the execution's history."""
RAISED_BY_WORKERS = frozenset({RetryableTaskError.__name__, PermanentTaskError.__name__})


class StateError(BaseModel):
    """What a state's Catch keeps of an error. Its Cause is never shown: it may hold an ARN or a traceback."""

    name: str = Field(alias="Error")
    cause: str = Field(default="", alias="Cause")

    def of_task(self) -> "tuple[StateError, str | None]":
        """The error of the task that failed, and its ref where that was said: where several run at once."""
        if self.name != BRANCH_FAILED:
            return self, None
        ref, _, name = self.cause.partition(" ")
        return StateError(Error=name), ref


def error_of_task(error: StateError, task: TaskRun) -> ErrorResult:
    """What its worker has written, or what can be said without it."""
    return task.error if task.error and error.name in RAISED_BY_WORKERS else _stopped_short(error, task)


def record_ref(task: TaskRun) -> str:
    """Whose record says how a task goes on: its own, or that of its fallback once that was tried."""
    return fallback_ref(task.ref) if task.used_fallback else task.ref


def _stopped_short(error: StateError, task: TaskRun) -> ErrorResult:
    if error.name in TIMEOUTS:
        return ErrorResult(ErrorReason.TIMEOUT, task.ref, f"`{task.ref}` took longer than it may.")
    message = f"`{task.ref}` stopped before it could say why ({error.name}): its worker died, or could not be called."
    return ErrorResult(ErrorReason.INTERNAL_ERROR, task.ref, message)
