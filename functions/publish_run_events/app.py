"""Puts an event onto the bus for every change of a run, from the runs table's stream."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import log_fact, logger
from stepcall.runtime.run_stream import StreamBatch, failures_from
from stepcall.runtime.wiring import event_bus
from stepcall.use_cases.publish_run_events import publish_run_events


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Which record the stream has to go on from, if not after the last.

    One that cannot be read fails its batch before anything of it is told: Lambda halves the batch until it is alone.
    """
    changes = list(StreamBatch.model_validate(event).changes())
    return failures_from(publish_run_events(changes, event_bus(), log_fact))
