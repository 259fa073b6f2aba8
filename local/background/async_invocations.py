"""Lambda's queue of asynchronous invocations: tried again twice, then given to the function's failure destination.

Source: docs.aws.amazon.com/lambda, "How Lambda handles errors and retries with asynchronous invocation".
"""

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from local.background.agenda import Agenda
from local.background.calls import Call
from local.event_times import spell_time
from local.lambda_runtime import Invocation

RETRY_AFTER_SECONDS = (60.0, 120.0)
LOG = logging.getLogger(__name__)
SendToQueue = Callable[[str, str], None]
"""The ARN of the queue, and the text of the message."""


class AsyncSettings(NamedTuple):
    """Of a function, by AWS::Lambda::EventInvokeConfig. `on_failure` is the ARN of a queue."""

    retries: int = 2
    max_age_seconds: float = 21_600
    on_failure: str | None = None


class AcceptedEvent(NamedTuple):
    function: str
    payload: str
    request_id: str
    accepted_at: float


class AsyncInvocations:
    """`settings` by the ARN of the function."""

    def __init__(
        self, agenda: Agenda, call: Call, send_to_queue: SendToQueue, settings: Mapping[str, AsyncSettings]
    ) -> None:
        self._agenda = agenda
        self._call = call
        self._send_to_queue = send_to_queue
        self._settings = settings

    def invoke(self, function: str, payload: str) -> None:
        """Take over an event for the function of this ARN."""
        self._attempt(AcceptedEvent(function, payload, str(uuid4()), self._agenda.now()), number=1)

    def _attempt(self, event: AcceptedEvent, number: int) -> None:
        self._call(event.function, event.payload, partial(self._end_attempt, event, number))

    def _end_attempt(self, event: AcceptedEvent, number: int, done: Invocation) -> None:
        if not done.failed:
            return
        settings = self._settings.get(event.function, AsyncSettings())
        LOG.warning("%s failed at an event, attempt %d: %s", event.function, number, done.payload)
        if number > settings.retries:
            self._give_up(event, number, done, "RetriesExhausted", settings)
            return
        delay = RETRY_AFTER_SECONDS[number - 1]
        if self._agenda.now() + delay - event.accepted_at > settings.max_age_seconds:
            self._give_up(event, number, done, "EventAgeExceeded", settings)
            return
        self._agenda.after(delay, partial(self._attempt, event, number + 1))

    def _give_up(
        self, event: AcceptedEvent, attempts: int, done: Invocation, condition: str, settings: AsyncSettings
    ) -> None:
        LOG.error("%s is not tried again at an event: %s.", event.function, condition)
        if settings.on_failure is not None:
            record = failure_record(event, attempts, done, condition, self._agenda.now())
            self._send_to_queue(settings.on_failure, json.dumps(record))


def failure_record(event: AcceptedEvent, attempts: int, done: Invocation, condition: str, now: float) -> dict[str, Any]:
    """Source: docs.aws.amazon.com/lambda, "Capturing records of Lambda asynchronous invocations"."""
    return {
        "version": "1.0",
        "timestamp": spell_time(now),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{event.function}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(event.payload),
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": json.loads(done.payload),
    }
