"""Gives the slots of runs that have ended back and starts those that wait for them, from the runs table's stream."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import logs_invocation
from stepcall.runtime.run_stream import StreamBatch, failures_from
from stepcall.runtime.wiring import start_dependencies
from stepcall.use_cases.start_waiting_runs import start_waiting_runs


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Which record the stream has to go on from, if not after the last."""
    changes = list(StreamBatch.model_validate(event).changes())
    return failures_from(start_waiting_runs(changes, start_dependencies()))
