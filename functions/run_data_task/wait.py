"""Flow.Wait."""

from collections.abc import Callable
from datetime import datetime, timedelta

from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.moment import read_moment
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.task_phases import TaskPhase
from stepcall.domain.times import print_time
from stepcall.domain.waiting import LONGEST_WAIT, PreparedWait
from stepcall.tasks.flow import WaitInput, WaitOutput


class Waiter:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def wait(self, task_input: WaitInput, context: TaskContext) -> WaitOutput | PreparedWait:
        """Both invocations read the same time from the task's record, however often each is delivered."""
        began = context.started_at or self._now()
        until = _end_of(task_input, began)
        if context.phase is not TaskPhase.PREPARE:
            return WaitOutput(until=print_time(until))
        _refuse_too_long(until, began, context.deadline)
        return PreparedWait.to(until)


def _end_of(task_input: WaitInput, began: datetime) -> datetime:
    match task_input.seconds, task_input.until:
        case int(seconds), None:
            return began + timedelta(seconds=seconds)
        case None, str(until):
            return read_moment(until)
    raise PermanentTaskError(ErrorReason.INVALID, "Flow.Wait needs either `seconds` or `until`: one of them, not both.")


def _refuse_too_long(until: datetime, began: datetime, deadline: datetime | None) -> None:
    """What can never end well fails at once, and not when all of it has been waited."""
    if until - began > LONGEST_WAIT:
        raise PermanentTaskError(ErrorReason.INVALID, "`until` is more than a year from now, and no run takes longer.")
    if deadline and until > deadline:
        message = f"The wait would end after the run's deadline, which is {print_time(deadline)}."
        raise PermanentTaskError(ErrorReason.TIMEOUT, message)
