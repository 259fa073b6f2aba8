"""End a run that has not ended by its deadline, waiting or under way: its record first, then its execution."""

from datetime import datetime, timedelta

from stepcall.domain.errors import ErrorReason, count
from stepcall.domain.run import CALL_LOCATION, failed_end
from stepcall.domain.times import print_time
from stepcall.stores.run_store import LateAttemptError, OpenRun, RunMoveRefusedError, RunNotFoundError
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.stop_execution import stop_execution


def end_late_run(late: OpenRun, deadline: datetime, deps: StartDependencies) -> bool:
    """Whether this has ended the run: one that has ended meanwhile stays as it is."""
    message = _spell(late, deadline)
    try:
        deps.runs.end(late, failed_end(deps.now(), ErrorReason.TIMEOUT, CALL_LOCATION, message))
    except (RunMoveRefusedError, RunNotFoundError, LateAttemptError):
        return False
    stop_execution(late, message, deps)
    return True


def _spell(late: OpenRun, deadline: datetime) -> str:
    hours = round((deadline - late.accepted_at) / timedelta(hours=1))
    return f"The run took longer than it may: it had {count(hours, 'hour')}, until {print_time(deadline)}."
