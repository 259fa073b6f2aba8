"""What `make redrive` makes of events that were not delivered, and of those that can start nothing."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from stepcall.aws.invalid_event_queue import SqsInvalidEvents
from stepcall.domain.errors import Problem
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.use_cases.invalid_events import Reason
from tools.dead_letters.functions import Functions
from tools.dead_letters.queue import Letter
from tools.dead_letters.replays import NotReplayedError, ReplayEvents, ShowInvalidEvents

EVENTS = Path(__file__).parents[2] / "events"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
STARTER = "stepcall-start-triggered-run"


class LambdaClient:
    """Of boto3's client: keeps what it was asked, and answers that it is done."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803 - AWS's names
        self.asked.append((FunctionName, json.loads(Payload)))
        return {"Payload": BytesIO()}


class Queue:
    """Of boto3's client: what was sent to it."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803 - AWS's names
        self.sent.append(MessageBody)


def letter(body: str) -> Letter:
    return Letter("a-message", "a-receipt", NOW, body)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("start_triggered_run", "Execute Workflow of com.example.orders, id 6a7e8feb-b491-4cf7-a9f1-bf3703467718"),
        ("start_triggered_run.rule", "Object Created of aws.s3, id 17793124-05d4-b198-2fde-7ededc63b103"),
        ("start_triggered_run.schedule", "Scheduled Event of aws.scheduler, id 2026-11-21T09:15:00Z"),
    ],
)
def test_an_event_that_was_not_delivered_is_handed_over_as_it_is(name: str, told: str) -> None:
    client, body = LambdaClient(), (EVENTS / f"{name}.json").read_text()
    replay = ReplayEvents(Functions(client, frozenset({STARTER})), lambda: STARTER)
    assert replay.describe(letter(body)) == told
    assert replay.play(letter(body)) == "handed over"
    assert client.asked == [(STARTER, json.loads(body))]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"id": "1", "detail-type": "Object Created", "source": "aws.s3"}'])
def test_what_the_function_would_not_know_is_not_handed_over(body: str) -> None:
    client = LambdaClient()
    with pytest.raises(NotReplayedError):
        ReplayEvents(Functions(client, frozenset({STARTER})), lambda: STARTER).play(letter(body))
    assert client.asked == []


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"id": "e-1"}, "event e-1"),
        ({"trigger": {}, "event": {"id": "e-2"}}, "event e-2"),
        ({"id": "x" * 300_000}, "invalid-event"),
    ],
)
def test_an_event_that_can_start_nothing_is_shown_with_all_that_was_wrong_and_stays(
    event: dict[str, Any], named: str
) -> None:
    queue, show = Queue(), ShowInvalidEvents()
    problems = [
        Problem("/detail/tenant", "invalid_value", "This must be another."),
        Problem("/detail", "missing", "No."),
    ]
    kept = SqsInvalidEvents(queue, "https://queue", MemoryPayloadStore())
    kept.keep(event, Reason("invalid-event", "Nothing was started.", problems, NOW))
    [body] = queue.sent
    assert len(body) <= 256 * 1024
    told = show.describe(letter(body))
    assert named in told
    assert told.endswith("invalid-event, Nothing was started.; /detail/tenant: This must be another.; /detail: No.")
    with pytest.raises(NotReplayedError, match="then delete the message"):
        show.play(letter(body))
