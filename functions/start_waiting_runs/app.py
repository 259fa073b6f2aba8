"""Gives the slots of runs that have ended back and starts those that wait for them, from the runs table's stream."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import logs_invocation
from stepcall.runtime.run_stream import StreamBatch, failures_from
from stepcall.runtime.wiring import start_dependencies
from stepcall.use_cases.start_waiting_runs import start_waiting_runs

MARGIN_MILLISECONDS = 15_000  # for a call that AWS leaves without an answer, and that its client repeats


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Which record the stream has to go on from, if not after the last."""
    changes = list(StreamBatch.model_validate(event).changes())
    return failures_from(
        start_waiting_runs(
            changes, start_dependencies(), lambda: context.get_remaining_time_in_millis() > MARGIN_MILLISECONDS
        )
    )
