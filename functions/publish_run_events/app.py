"""Puts an event onto the bus for every change of a run, and tells webhooks, from the runs table's stream."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.background_wiring import event_bus, metrics
from stepcall.runtime.delivery_wiring import fan_out_dependencies
from stepcall.runtime.observability import log_fact, logs_invocation
from stepcall.runtime.run_stream import StreamBatch, failures_from
from stepcall.use_cases.publish_run_events import publish_run_events
from stepcall.use_cases.tell_webhooks import tell_webhooks

MARGIN_MS = 25_000  # for one event's webhooks, and a call that AWS leaves without an answer


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Which record the stream has to go on from, if not after the last.

    One that cannot be read fails its batch before anything of it is told: Lambda halves the batch until it is alone.
    """
    changes = list(StreamBatch.model_validate(event).changes())
    place = publish_run_events(
        changes,
        event_bus(),
        lambda events: tell_webhooks(
            events, fan_out_dependencies(), lambda: context.get_remaining_time_in_millis() > MARGIN_MS
        ),
        log_fact,
        metrics(),
    )
    return failures_from(place)
