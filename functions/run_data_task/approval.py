"""Flow.Approval."""

from collections.abc import Callable
from datetime import datetime, timedelta

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import ErrorReason, PermanentTaskError, count
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.task_phases import TaskPhase
from stepcall.tasks.flow import ApprovalInput


class Asker:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def ask(self, task_input: ApprovalInput, context: TaskContext) -> Awaited:
        """What somebody is asked. In the second invocation there was no answer in time, and it fails."""
        if context.phase is not TaskPhase.PREPARE:
            message = f"Nobody decided within {count(task_input.expires_in, 'second')}."
            raise PermanentTaskError(ErrorReason.TIMEOUT, message)
        expires_at = (context.started_at or self._now()) + timedelta(seconds=task_input.expires_in)
        return Awaited(task_input.message, min(expires_at, context.deadline or expires_at))
