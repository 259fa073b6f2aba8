"""Starts runs that were accepted and never started, ends those that ended unseen or are late, settles triggers.

Every minute.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.background_wiring import sweep_dependencies, trigger_sweep_dependencies
from stepcall.runtime.observability import logs_invocation
from stepcall.use_cases.sweep_runs import sweep_runs
from stepcall.use_cases.sweep_triggers import sweep_triggers

MARGIN_SECONDS = 15  # for a call that AWS leaves without an answer, and that its client repeats
TRIGGER_SECONDS = 5  # that runs leave to triggers, however many wait


@logs_invocation
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> None:
    runs = sweep_runs(_seconds_left(context) - TRIGGER_SECONDS, sweep_dependencies())
    triggers = sweep_triggers(_seconds_left(context), trigger_sweep_dependencies())
    if faults := (*runs.faults, *triggers.faults):
        raise ExceptionGroup("Some runs or triggers could not be swept; the log says which.", faults)


def _seconds_left(context: LambdaContext) -> float:
    return context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
