"""Tell machines how tasks have ended that they wait for, as the runs table's stream has them.

Telling twice is fine: a machine that was told, or has given up, says so. One that is never told gives up by itself when
its time is up, and then its worker reads in the task's record how it has ended: late, and nothing is lost.
"""

import traceback
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.errors import PermanentTaskError
from stepcall.domain.run import TaskStatus
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.engine import AwaitingMachines
from stepcall.use_cases.state_error import IN_RECORD


class StreamedEnd(NamedTuple):
    """`place` is where in the stream the task's end is, `token` what its machine waits with: no log has it."""

    place: str
    token: str
    run_id: str
    status: TaskStatus
    child_run_id: UUID | None = None
    """The run whose end the task has waited for."""


class StreamedFailure(NamedTuple):
    """Of a task that was done for each element. `place` is where in the stream it is."""

    place: str
    run_id: UUID
    run_attempt: int
    ref: str


def tell_machines(ends: Iterable[StreamedEnd], machines: AwaitingMachines, log: Log) -> str | None:
    """The place of the first end that could not be told: from there on all have to come again. None when all is told.

    What is wrong with one stops no other.
    """
    untold = [end.place for end in ends if not _tell(end, machines, log)]
    return untold[0] if untold else None


def _tell(end: StreamedEnd, machines: AwaitingMachines, log: Log) -> bool:
    try:
        if end.status is TaskStatus.FAILED:
            machines.fail_task(end.token, PermanentTaskError.__name__, IN_RECORD)
        else:
            machines.succeed_task(end.token)
    except Exception:  # whatever it is, it comes again
        # a service that does not like what it is sent may repeat it
        log("machine_not_told", run_id=end.run_id, error=traceback.format_exc().replace(end.token, "…"))
        return False
    log("machine_told", run_id=end.run_id, status=end.status)
    return True
