"""What the runs table's stream says of runs, read as Lambda hands it on: whatever the store writes, moto streams it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.events.models import EventPattern

from local.moto_world.atomic_calls import atomic_calls
from stepcall.domain.errors import ErrorReason, StepcallError
from stepcall.domain.run import ErrorResult, Run, RunEnd, RunStatus, StoredPayload, TableClaim, TaskStatus, failed_end
from stepcall.domain.run_events import RunEvent
from stepcall.runtime.run_stream import StreamBatch
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.use_cases.publish_run_events import publish_run_events
from tests.contract.conftest import AS_ON_AWS, RETENTION, TABLE_PROPERTIES, nth_id
from tests.run_event_description import faults
from tests.template.sam_template import read_template
from tests.unit.fake_event_bus import FakeEventBus

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

EVENT_FILE = Path(__file__).parents[2] / "events" / "publish_run_events.json"
TABLE, REGION = "RunsTable", "eu-central-1"
START = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
LATER = START + timedelta(seconds=5)
OUTPUT = StoredPayload(4, inline="true")
ERROR = ErrorResult(ErrorReason.BACKEND_ERROR, "page", "example.com answered 503 — später 🙂")
NUMBERS = count(1)


class Stream:
    """The runs table's, from where it was read last."""

    def __init__(self) -> None:
        self._read = 0

    def read(self) -> dict[str, Any]:
        """What has been written since, as Lambda sends it."""
        # not by GetRecords: moto's iterators do not outlive a transaction that was refused
        shard = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[TABLE].stream_shard
        assert shard
        records = shard.items
        new, self._read = records[self._read :], len(records)
        sent: dict[str, Any] = json.loads(json.dumps({"Records": [record.to_json() for record in new]}, default=str))
        return sent


@pytest.fixture(scope="module")
def client() -> "Iterator[DynamoDBClient]":
    with mock_aws(), atomic_calls():
        client = boto3.client("dynamodb", region_name=REGION, config=AS_ON_AWS)
        written = read_template()["Resources"][TABLE]["Properties"]
        properties: dict[str, Any] = {key: written[key] for key in TABLE_PROPERTIES if key in written}
        specification: Any = {"StreamEnabled": True, **written["StreamSpecification"]}
        client.create_table(TableName=TABLE, StreamSpecification=specification, **properties)
        yield client
        client.delete_table(TableName=TABLE)


@pytest.fixture
def store(client: "DynamoDBClient") -> DynamoRunStore:
    return DynamoRunStore(client, TABLE, RETENTION)


@pytest.fixture
def stream(client: "DynamoDBClient") -> Stream:
    """From here on."""
    opened = Stream()
    opened.read()
    return opened


def new_run() -> Run:
    return Run(
        run_id=nth_id(next(NUMBERS)),
        tenant="acme",
        principal="nightly",
        workflow_id=nth_id(1_000_000),
        workflow_version=3,
        workflow_name="Measure",
        workflow_type="stepcall.workflow/run",
        content_hash="0" * 32,
        status=RunStatus.PENDING,
        created_at=START,
        input=StoredPayload(12, inline='{"number":1}'),
    )


def told(sent: dict[str, Any]) -> list[RunEvent]:
    """The events of what Lambda sends."""
    bus = FakeEventBus()
    changes = StreamBatch.model_validate(sent).changes()
    assert publish_run_events(changes, bus, lambda _: None, lambda _, /, **__: None, lambda _: None) is None
    assert [faults(event.to_json()) for event in bus.taken] == [[]] * len(bus.taken)
    return bus.taken


def types_of(events: list[RunEvent]) -> list[str]:
    return [event.type.value for event in events]


def test_a_life_in_the_table_is_told(store: DynamoRunStore, stream: Stream) -> None:
    run = replace(new_run(), provider_key=b"\x00\xffencrypted")
    store.put(run)
    store.begin_task(run, "page", attempt=0, now=START + timedelta(seconds=1))
    store.complete_task(run, "page", OUTPUT, LATER)
    store.end(run, RunEnd(RunStatus.COMPLETED, LATER, output=OUTPUT))
    started, completed = told(stream.read())
    assert (started.type, completed.type) == ("Run Started", "Run Completed")
    assert completed.run == replace(store.get_for_end(run.run_id).run, provider_key=None)
    assert started.run.started_at == completed.run.started_at == START + timedelta(seconds=1)


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.FAILED])
def test_a_run_put_already_ended_has_its_end_alone(store: DynamoRunStore, stream: Stream, status: RunStatus) -> None:
    error = ERROR if status is RunStatus.FAILED else None
    store.put(replace(new_run(), status=status, completed_at=START, error=error, reused_run_id=nth_id(1)))
    [event] = told(stream.read())
    assert (event.run.status, event.run.error) == (status, error)


def test_a_run_with_a_claim_to_its_table_is_told_once_it_moves(store: DynamoRunStore, stream: Stream) -> None:
    run = new_run()
    claim = TableClaim(
        tenant="acme", table="t", run_id=run.run_id, fingerprint="f", workflow_version=1, claimed_at=START
    )
    store.put_with_claim(run, claim, seen=None)
    assert told(stream.read()) == []
    store.abandon(run, failed_end(LATER, ErrorReason.BACKEND_ERROR, "query", "Not taken."))
    assert types_of(told(stream.read())) == ["Run Failed"]


def test_a_run_that_is_deleted_by_its_age_is_not_told_again(
    store: DynamoRunStore, stream: Stream, client: "DynamoDBClient"
) -> None:
    run = new_run()
    store.put(run)
    store.end(run, RunEnd(RunStatus.CANCELLED, LATER, error=ERROR))
    assert types_of(told(stream.read())) == ["Run Cancelled"]
    client.delete_item(TableName=TABLE, Key={"run_id": {"S": str(run.run_id)}, "item": {"S": "RUN"}})
    sent = stream.read()
    assert [record["eventName"] for record in sent["Records"]] == ["REMOVE"]
    assert told(sent) == []


Step = Callable[[DynamoRunStore, Run], None]
STEPS: dict[str, Step] = {
    "begin": lambda store, run: store.begin_task(_as_it_is(store, run), "page", attempt=0, now=LATER),
    "begin late": lambda store, run: store.begin_task(run, "other", attempt=1, now=LATER),
    "done": lambda store, run: store.complete_task(run, "page", OUTPUT, LATER),
    "again": lambda store, run: store.record_task_error(run, "page", ERROR),
    "broken": lambda store, run: store.fail_task(run, "page", ERROR, LATER),
    "give up": lambda store, run: store.abandon(run, RunEnd(RunStatus.FAILED, LATER, error=ERROR)),
    "complete": lambda store, run: store.end(run, RunEnd(RunStatus.COMPLETED, LATER, output=OUTPUT)),
    "fail": lambda store, run: store.end(run, RunEnd(RunStatus.FAILED, LATER, error=ERROR)),
    "cancel": lambda store, run: store.end(run, RunEnd(RunStatus.CANCELLED, LATER, error=ERROR)),
    "put again": lambda store, run: store.put(run),
    "resume": lambda store, run: _resume(store, _as_it_is(store, run)),
}
TYPES = {"RUNNING": "Run Started", "COMPLETED": "Run Completed", "FAILED": "Run Failed", "CANCELLED": "Run Cancelled"}


def _resume(store: DynamoRunStore, seen: Run) -> None:
    again = replace(seen, status=RunStatus.PENDING, run_attempt=seen.run_attempt + 1, resumed_at=LATER)
    store.resume(seen, again, table=None)


def _as_it_is(store: DynamoRunStore, run: Run) -> Run:
    return store.get_for_end(run.run_id).run


def live(store: DynamoRunStore, steps: list[str]) -> tuple[Run, list[str]]:
    """A run that all of this happens to, refused or not, and the moves that it has made."""
    run, moves = new_run(), list[str]()
    store.put(run)
    for step in steps:
        before = _as_it_is(store, run).status
        try:
            STEPS[step](store, run)
        except StepcallError:
            assert _as_it_is(store, run).status is before
        after = _as_it_is(store, run).status
        moves += [after.value] if after is not before else []
    return run, moves


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=8), again=st.integers(0, 3))
def test_of_any_life_exactly_its_moves_are_told_in_order_with_the_same_ids_each_time(
    store: DynamoRunStore, stream: Stream, steps: list[str], again: int
) -> None:
    run, moves = live(store, steps)
    sent = stream.read()
    first = told(sent)
    told_moves = [move for move in moves if move != RunStatus.PENDING]
    assert types_of(first) == [TYPES[move] for move in told_moves]
    assert {event.run.run_id for event in first} <= {run.run_id}
    sequences = [event.to_json()["sequence"] for event in first]
    assert sequences == sorted(set(sequences))
    assert [number % 2 == 1 for number in sequences] == [move == RunStatus.RUNNING for move in told_moves]
    assert [(number + 1) // 2 for number in sequences] == [event.run.run_attempt for event in first]
    # the same records once more, from any of them on
    left = {"Records": sent["Records"][again:]}
    ids = [event.event_id for event in first]
    assert [event.event_id for event in told(left)] == ids[len(ids) - len(told(left)) :]
    assert len(set(ids)) == len(ids)


def test_records_that_come_in_another_order_are_the_same_events(store: DynamoRunStore, stream: Stream) -> None:
    live(store, ["begin", "done", "complete"])
    sent = stream.read()
    in_order, reordered = told(sent), told({"Records": sent["Records"][::-1] * 2})
    assert reordered == in_order[::-1] * 2


def passed(sent: dict[str, Any]) -> dict[str, Any]:
    """What the filter of the template's mapping leaves of it."""
    [mapping] = read_template()["Resources"]["PublishRunEventsFunction"]["Properties"]["Events"].values()
    patterns = [EventPattern.load(one["Pattern"]) for one in mapping["Properties"]["FilterCriteria"]["Filters"]]
    records = sent["Records"]
    return {"Records": [record for record in records if any(pattern.matches_event(record) for pattern in patterns)]}


def test_the_mappings_filter_leaves_the_writes_to_runs_and_nothing_else(
    store: DynamoRunStore, stream: Stream, client: "DynamoDBClient"
) -> None:
    run, _ = live(store, ["begin", "done", "complete"])
    client.delete_item(TableName=TABLE, Key={"run_id": {"S": str(run.run_id)}, "item": {"S": "RUN"}})
    sent = stream.read()
    left = [record["dynamodb"]["NewImage"]["status"]["S"] for record in passed(sent)["Records"]]
    assert left == ["PENDING", "RUNNING", "COMPLETED"]
    assert told(passed(sent)) == told(sent)


def test_the_event_file_is_a_tasks_record_between_those_of_its_runs_start_and_end() -> None:
    sent = json.loads(EVENT_FILE.read_text())
    keys = [record["dynamodb"]["Keys"]["item"]["S"] for record in sent["Records"]]
    assert keys == ["RUN", "TASK#page", "RUN"]
    started, completed = told(sent)
    assert (started.type, completed.type) == ("Run Started", "Run Completed")
    assert started.run.run_id == UUID("01a1fd64-0a87-7afb-b908-fd2cd89523af")
    assert {record["dynamodb"]["NewImage"]["status"]["S"] for record in sent["Records"]} == {
        RunStatus.RUNNING,
        TaskStatus.COMPLETED,
    }


def test_the_event_files_images_are_as_the_store_writes_them(store: DynamoRunStore, stream: Stream) -> None:
    run = new_run()
    store.put(replace(run, principal_id="key_0"))
    store.begin_task(run, "page", attempt=0, now=LATER)
    store.complete_task(run, "page", OUTPUT, LATER)
    store.end(run, RunEnd(RunStatus.COMPLETED, LATER, output=OUTPUT))
    streamed = [_shape_of(record) for record in stream.read()["Records"]]
    for record in json.loads(EVENT_FILE.read_text())["Records"]:
        assert _shape_of(record) in streamed


def _shape_of(record: Any) -> Any:
    """Which attributes of which types each image has."""
    images = {name: record["dynamodb"].get(name, {}) for name in ("Keys", "OldImage", "NewImage")}
    return {name: {key: list(value) for key, value in image.items()} for name, image in images.items()}
