"""A queue that a rule fills from the deployment's bus of run events, as docs/events.md tells its reader to make one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

RULE = "tell-the-test"
PATIENCE_SECONDS = 20


class RunEventQueue:
    """What has arrived since it was made, in its order."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._arrived: list[dict[str, Any]] = []

    def of_run(self, run_id: str, number: int) -> list[dict[str, Any]]:
        """A run's events, once there are so many."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            self._receive()
            of_run = [event for event in self._arrived if event["detail"]["run_id"] == run_id]
            if len(of_run) >= number or time.monotonic() > until:
                return of_run
            time.sleep(0.02)

    def _receive(self) -> None:
        while messages := self._queue.receive_messages(MaxNumberOfMessages=10):
            for message in messages:
                self._arrived.append(json.loads(message.body))
                message.delete()


@contextmanager
def queue_on(bus: str) -> Iterator[RunEventQueue]:
    events, queue = boto3.client("events"), boto3.resource("sqs").create_queue(QueueName=RULE)
    events.put_rule(Name=RULE, EventBusName=bus, EventPattern=json.dumps({"source": ["stepcall"]}))
    arn = queue.attributes["QueueArn"]
    events.put_targets(Rule=RULE, EventBusName=bus, Targets=[{"Id": RULE, "Arn": arn}])
    try:
        yield RunEventQueue(queue)
    finally:
        events.remove_targets(Rule=RULE, EventBusName=bus, Ids=[RULE])
        events.delete_rule(Name=RULE, EventBusName=bus)
        queue.delete()
