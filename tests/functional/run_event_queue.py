"""A queue that a rule fills from the deployment's bus of run events, as docs/events.md tells its reader to make one."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import boto3

RULE = "tell-the-test"
PATIENCE_SECONDS = 20


class RunEventQueue:
    """What has arrived since it was made, in its order."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._arrived = defaultdict[str, list[dict[str, Any]]](list)

    def of_run(self, run_id: str, number: int) -> list[dict[str, Any]]:
        """A run's events, once there are so many."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            of_run = list(self.arrived().get(run_id, ()))
            if len(of_run) >= number or time.monotonic() > until:
                return of_run
            time.sleep(0.02)

    def arrived(self) -> Mapping[str, Sequence[dict[str, Any]]]:
        """All events so far, by the id of their run."""
        while messages := self._queue.receive_messages(MaxNumberOfMessages=10):
            for message in messages:
                event = json.loads(message.body)
                self._arrived[event["detail"]["run_id"]].append(event)
            received = [(str(place), message.receipt_handle) for place, message in enumerate(messages)]
            self._queue.delete_messages(Entries=[{"Id": place, "ReceiptHandle": of} for place, of in received])
        return self._arrived


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
