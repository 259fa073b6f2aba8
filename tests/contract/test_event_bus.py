"""The bus of run events: what the tests' own does, and EventBridge as moto has it, with a queue that a rule fills."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from moto.events.models import EventPattern

from stepcall.aws.event_bus import EventBridgeBus
from stepcall.domain.ids import read_run_id
from stepcall.domain.run import Run, RunStatus, StoredPayload
from stepcall.domain.run_events import RunChange, RunEvent, RunEventType, event_of
from stepcall.use_cases.event_bus import EventBus, NotTaken
from tests.contract.conftest import AS_ON_AWS, nth_id
from tests.run_event_description import faults
from tests.unit.fake_event_bus import FakeEventBus

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

DOCUMENT = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
BUS, REGION = "run-events", "eu-central-1"
START = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
RUN = Run(
    run_id=nth_id(1),
    tenant="acme",
    principal="nightly",
    workflow_id=nth_id(100),
    workflow_version=3,
    workflow_name="Größe „messen“ 🌊",
    workflow_type="stepcall.workflow/run",
    content_hash="0" * 32,
    status=RunStatus.RUNNING,
    created_at=START,
    started_at=START + timedelta(seconds=1),
    input=StoredPayload(4, inline="true"),
)


def started(number: int) -> RunEvent:
    event = event_of(RunChange(replace(RUN, run_id=nth_id(number)), RunStatus.PENDING))
    assert event
    return event


@dataclass
class SpoilingClient:
    """Takes from some events what EventBridge needs, before it asks: those it does not take, and the others it does."""

    client: "EventBridgeClient"
    spoiled: set[UUID] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)
    """How many events each call had."""

    def put_events(self, Entries: Sequence[Any]) -> Any:  # noqa: N803 - boto3's own name
        self.asked.append(len(Entries))
        entries = [entry | ({"DetailType": ""} if self._is_spoiled(entry) else {}) for entry in Entries]
        return self.client.put_events(Entries=entries)

    def _is_spoiled(self, entry: Any) -> bool:
        return UUID(json.loads(entry["Detail"])["event_id"]) in self.spoiled


@dataclass
class World:
    bus: EventBus
    spoil: Callable[[RunEvent], None]
    """From now on the bus does not take it."""
    delivered: Callable[[], list[Any]]
    """The details that have arrived since it was asked last, in their order."""


@pytest.fixture
def client() -> "Iterator[SpoilingClient]":
    with mock_aws():
        events = boto3.client("events", region_name=REGION, config=AS_ON_AWS)
        events.create_event_bus(Name=BUS)
        yield SpoilingClient(events)


@pytest.fixture
def queue(client: SpoilingClient) -> Callable[[], list[Any]]:
    """What a rule for the source `stepcall` has delivered since it was asked last."""
    sqs = boto3.resource("sqs", region_name=REGION, config=AS_ON_AWS).create_queue(QueueName="told")
    client.client.put_rule(Name="told", EventBusName=BUS, EventPattern=json.dumps({"source": ["stepcall"]}))
    target = {"Id": "told", "Arn": sqs.attributes["QueueArn"]}
    client.client.put_targets(Rule="told", EventBusName=BUS, Targets=[target])  # type: ignore[list-item]

    def receive() -> list[Any]:
        received = []
        while messages := sqs.receive_messages(MaxNumberOfMessages=10):
            for message in messages:
                received.append(json.loads(message.body))
                message.delete()
        return received

    return receive


@pytest.fixture
def eventbridge(client: SpoilingClient) -> EventBridgeBus:
    return EventBridgeBus(client, BUS)  # type: ignore[arg-type] # all of it that is called


@pytest.fixture(params=("fake", "eventbridge"))
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return fake_world()
    client: SpoilingClient = request.getfixturevalue("client")
    receive = request.getfixturevalue("queue")
    return World(
        request.getfixturevalue("eventbridge"),
        lambda event: client.spoiled.add(event.event_id),
        lambda: [message["detail"] for message in receive()],
    )


def fake_world() -> World:
    bus = FakeEventBus()

    def delivered() -> list[Any]:
        taken, bus.taken = bus.taken, []
        return [event.to_json() for event in taken]

    return World(bus, lambda event: bus.refused.add(event.event_id), delivered)


@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 20, 25])
def test_every_event_is_taken_however_many_there_are(world: World, number: int) -> None:
    events = [started(n) for n in range(1, number + 1)]
    assert world.bus.put(events) is None
    arrived = world.delivered()
    assert arrived == [event.to_json() for event in events]
    assert [faults(detail) for detail in arrived] == [[]] * number


@pytest.mark.parametrize("spoiled", [0, 1, 9, 10, 17, 24])
def test_all_before_the_first_that_is_not_taken_has_arrived(world: World, spoiled: int) -> None:
    events = [started(n) for n in range(1, 26)]
    world.spoil(events[spoiled])
    refusal = world.bus.put(events)
    assert refusal
    assert refusal.position == spoiled
    arrived = [detail["event_id"] for detail in world.delivered()]
    assert arrived[:spoiled] == [str(event.event_id) for event in events[:spoiled]]
    assert str(events[spoiled].event_id) not in arrived


def test_of_two_that_are_not_taken_the_first_is_named(world: World) -> None:
    events = [started(n) for n in range(1, 9)]
    for spoiled in (6, 3):
        world.spoil(events[spoiled])
    refusal = world.bus.put(events)
    assert refusal
    assert refusal.position == 3


# --- EventBridge alone -----------------------------------------------------------------------------------------------


def test_events_go_ten_at_a_time_and_no_further_than_a_refusal(
    client: SpoilingClient, eventbridge: EventBridgeBus
) -> None:
    events = [started(n) for n in range(1, 36)]
    assert eventbridge.put(events) is None
    assert client.asked == [10, 10, 10, 5]
    client.asked.clear()
    client.spoiled = {events[12].event_id}
    assert eventbridge.put(events) == NotTaken(12, "InvalidArgument")
    assert client.asked == [10, 10]


def test_nothing_is_asked_for_no_events(client: SpoilingClient, eventbridge: EventBridgeBus) -> None:
    assert eventbridge.put([]) is None
    assert client.asked == []


def test_rules_see_source_type_and_time(eventbridge: EventBridgeBus, queue: Callable[[], list[Any]]) -> None:
    eventbridge.put([started(1)])
    [message] = queue()
    assert (message["source"], message["detail-type"]) == ("stepcall", "Run Started")
    assert message["time"] == "2026-03-04T05:06:08Z"


def failing(error: Exception, client: "EventBridgeClient") -> Any:
    """A client whose second call raises."""

    class FailingClient(SpoilingClient):
        def put_events(self, Entries: Sequence[Any]) -> Any:  # noqa: N803
            answer = super().put_events(Entries)
            if len(self.asked) == 2:
                raise error
            return answer

    return FailingClient(client)


def refused_with(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutEvents")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refused_with("ThrottlingException", 400), "ThrottlingException"),
        (refused_with("InternalException", 500), "InternalException"),
        (EndpointConnectionError(endpoint_url="events"), "EndpointConnectionError"),
    ],
)
def test_an_outage_is_a_refusal_of_what_was_not_put_yet(client: SpoilingClient, error: Exception, code: str) -> None:
    bus = EventBridgeBus(failing(error, client.client), BUS)
    assert bus.put([started(n) for n in range(1, 26)]) == NotTaken(10, code)


def test_what_is_our_own_fault_is_raised(client: SpoilingClient) -> None:
    error = refused_with("AccessDeniedException", 400)
    with pytest.raises(ClientError, match="AccessDenied"):
        EventBridgeBus(failing(error, client.client), BUS).put([started(n) for n in range(1, 26)])


# --- What docs/events.md says ----------------------------------------------------------------------------------------


def test_the_documents_event_is_one_and_its_rule_takes_it_and_no_start() -> None:
    told_of_runs, _, _ = DOCUMENT.partition("## Start a run by an event")
    example, rule = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", told_of_runs, re.DOTALL))
    detail = example["detail"]
    assert faults(detail) == []
    assert detail["event_id"] == str(uuid5(UUID(detail["run_id"]), detail["status"]))
    run_ids = {read_run_id(detail[name]) for name in ("run_id", "execution_id", "externalId")}
    assert run_ids == {UUID(detail["run_id"])}
    pattern = EventPattern.load(json.dumps(rule))
    assert pattern.matches_event(example)
    assert not pattern.matches_event(example | {"detail-type": "Run Started"})
    assert not pattern.matches_event(example | {"detail": detail | {"tenant": "other"}})


def test_the_document_names_every_type_of_event() -> None:
    assert [name for name in RunEventType if f"`{name}`" not in DOCUMENT] == []
