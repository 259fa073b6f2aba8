"""Starts runs that were accepted and never started, ends those that ended unseen or are late: every minute."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.background_wiring import sweep_dependencies
from stepcall.runtime.observability import logs_invocation
from stepcall.use_cases.sweep_runs import sweep_runs

MARGIN_SECONDS = 15  # for a call that AWS leaves without an answer, and that its client repeats


@logs_invocation
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> None:
    result = sweep_runs(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS, sweep_dependencies())
    result.raise_faults()
