"""Which changes of a run are told, and what is said of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.domain.json_text import write_json
from stepcall.domain.run import (
    RESUMABLE,
    RUN_MOVES,
    ErrorResult,
    Run,
    RunEnd,
    RunStatus,
    StoredPayload,
    TableClaim,
)
from stepcall.domain.run_events import RunChange, RunEvent, RunEventType, event_of
from stepcall.domain.run_mode import RunMode
from stepcall.stores.dynamo_items import run_key, run_values, task_key, write_values
from stepcall.stores.dynamo_run_changes import read_change
from stepcall.stores.dynamo_table_claims import put_claim
from stepcall.use_cases.measure_runs import measure_runs
from stepcall.use_cases.metrics import Measured, Metric
from stepcall.use_cases.publish_run_events import StreamedChange, TellWebhooks, publish_run_events
from tests.run_event_description import SCHEMA, faults
from tests.unit.fake_event_bus import FakeEventBus

CREATED = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
STARTED, ENDED = CREATED + timedelta(seconds=1), CREATED + timedelta(seconds=3)
ERROR = ErrorResult(ErrorReason.BACKEND_ERROR, "page", "example.com answered 503.")
SECRET = "nobody else's business"
PENDING = Run(
    run_id=UUID("01a1fd64-0a87-7afb-b908-fd2cd89523af"),
    tenant="acme",
    principal="nightly",
    workflow_id=UUID("01a1fd63-b6c9-7b32-a1d4-5f0c6e7a8b90"),
    workflow_version=3,
    workflow_name="Brief mich",
    workflow_type="stepcall.workflow/run",
    content_hash="0" * 32,
    status=RunStatus.PENDING,
    created_at=CREATED,
    input=StoredPayload(24, f'"{SECRET}"'),
)
RUNNING = replace(PENDING, status=RunStatus.RUNNING, started_at=STARTED)
ENDS = {
    RunStatus.COMPLETED: RunEnd(RunStatus.COMPLETED, ENDED, output=StoredPayload(24, f'"{SECRET}"')),
    RunStatus.FAILED: RunEnd(RunStatus.FAILED, ENDED, error=ERROR),
    RunStatus.CANCELLED: RunEnd(RunStatus.CANCELLED, ENDED, error=replace(ERROR, reason=ErrorReason.STOPPED)),
}
TYPES = {
    RunStatus.RUNNING: RunEventType.STARTED,
    RunStatus.COMPLETED: RunEventType.COMPLETED,
    RunStatus.FAILED: RunEventType.FAILED,
    RunStatus.CANCELLED: RunEventType.CANCELLED,
}
MOVES = [(before, after) for before, allowed in RUN_MOVES.items() for after in sorted(allowed)]


def run_of(status: RunStatus, before: RunStatus | None = RunStatus.RUNNING) -> Run:
    """The run as the move from there leaves it."""
    if status not in ENDS:
        return RUNNING if status is RunStatus.RUNNING else PENDING
    end, begun = ENDS[status], RUNNING if before is RunStatus.RUNNING else PENDING
    return replace(begun, status=status, completed_at=end.completed_at, output=end.output, error=end.error)


def event(status: RunStatus, before: RunStatus | None = RunStatus.RUNNING) -> RunEvent:
    found = event_of(RunChange(run_of(status, before), before))
    assert found
    return found


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_every_move_of_a_run_is_an_event(before: RunStatus, after: RunStatus) -> None:
    told = event(after, before)
    assert (told.type, told.time) == (TYPES[after], STARTED if after is RunStatus.RUNNING else ENDED)
    detail = told.to_json()
    assert faults(detail) == []
    assert detail["status"] == after
    assert ("started_at" in detail) is (RunStatus.RUNNING in {before, after})


@pytest.mark.parametrize("status", ENDS)
def test_a_run_that_was_put_already_ended_has_ended_and_never_started(status: RunStatus) -> None:
    told = event(status, None)
    assert (told.type, told.to_json()["sequence"]) == (TYPES[status], 2)
    assert "started_at" not in told.to_json()
    assert faults(told.to_json()) == []


def test_that_a_run_was_accepted_is_not_told() -> None:
    assert event_of(RunChange(PENDING, None)) is None


@pytest.mark.parametrize("status", RunStatus)
def test_a_write_that_leaves_the_status_is_not_told(status: RunStatus) -> None:
    assert event_of(RunChange(run_of(status), status)) is None


def test_an_event_has_the_same_id_whenever_it_is_heard_of_and_no_other_has_it() -> None:
    other = replace(PENDING, run_id=UUID(int=PENDING.run_id.int + 1))
    told = [
        event_of(RunChange(replace(run, status=status), RunStatus.PENDING))
        for _, run, status in product(range(2), (PENDING, other), TYPES)
    ]
    ids = [one.event_id for one in told if one]
    assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]
    assert len(set(ids)) == 2 * len(TYPES)
    # what receivers have kept: a change of these makes them take old events for new ones
    assert str(event(RunStatus.RUNNING, RunStatus.PENDING).event_id) == "2dc15e10-aea4-50cf-85c4-441534d9f0a6"


def test_an_event_says_whose_run_of_what_it_is_and_how_it_ended() -> None:
    detail = event(RunStatus.FAILED).to_json()
    assert read_run_id(detail["execution_id"]) == read_run_id(detail["externalId"]) == PENDING.run_id
    assert read_workflow_id(detail["workflow_id"]) == PENDING.workflow_id
    del detail["execution_id"], detail["externalId"], detail["workflow_id"], detail["event_id"]
    assert detail == {
        "sequence": 2,
        "tenant": "acme",
        "run_id": str(PENDING.run_id),
        "workflow_version": 3,
        "workflow_name": "Brief mich",
        "workflow_type": "stepcall.workflow/run",
        "run_mode": "full",
        "run_attempt": 1,
        "trigger_depth": 0,
        "trigger_ids": [],
        "status": "FAILED",
        "created_at": "2026-03-04T05:06:07.891Z",
        "started_at": "2026-03-04T05:06:08.891Z",
        "completed_at": "2026-03-04T05:06:10.891Z",
        "error": {"reason": "backendError", "location": "page", "message": "example.com answered 503."},
    }


@pytest.mark.parametrize("status", TYPES)
def test_an_attempt_after_the_first_has_events_of_its_own_behind_those_before(status: RunStatus) -> None:
    attempts = [replace(run_of(status), run_attempt=number) for number in (1, 2, 3)]
    told = [event_of(RunChange(run, RunStatus.PENDING)) for run in attempts]
    details = [one.to_json() for one in told if one]
    assert [faults(detail) for detail in details] == [[], [], []]
    assert [detail["run_attempt"] for detail in details] == [1, 2, 3]
    assert [detail["sequence"] for detail in details] == ([1, 3, 5] if status is RunStatus.RUNNING else [2, 4, 6])
    assert len({detail["event_id"] for detail in details}) == 3
    assert details[1]["event_id"] == str(uuid5(PENDING.run_id, f"{status}.2"))


@pytest.mark.parametrize("before", sorted(RESUMABLE))
def test_that_a_run_is_resumed_is_not_told(before: RunStatus) -> None:
    assert event_of(RunChange(replace(PENDING, run_attempt=2), before)) is None


@pytest.mark.parametrize("status", TYPES)
def test_an_event_carries_neither_input_nor_output_nor_key(status: RunStatus) -> None:
    run = replace(run_of(status), provider_key=SECRET.encode())
    told = event_of(RunChange(run, RunStatus.PENDING))
    assert told
    assert SECRET not in write_json(told.to_json())


@pytest.mark.parametrize("mode", RunMode)
def test_an_event_of_part_of_a_workflow_says_of_which(mode: RunMode) -> None:
    told = event_of(RunChange(replace(RUNNING, run_mode=mode), RunStatus.PENDING))
    assert told
    assert told.to_json()["run_mode"] == mode
    assert faults(told.to_json()) == []


def test_the_schema_knows_the_statuses_and_reasons_that_there_are() -> None:
    assert set(SCHEMA["properties"]["status"]["enum"]) == set(TYPES)
    assert set(SCHEMA["properties"]["error"]["properties"]["reason"]["enum"]) == set(ErrorReason)
    assert set(SCHEMA["properties"]["run_mode"]["enum"]) == set(RunMode)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sequence": 1},
        {"status": "PENDING"},
        {"completed_at": None},
        {"error": None},
        {"run_id": "ex-1"},
        {"created_at": "2026-03-04"},
        {"secret": 1},
    ],
)
def test_the_schema_refuses_what_no_event_says(wrong: dict[str, object]) -> None:
    assert faults(event(RunStatus.FAILED).to_json() | wrong)


def test_the_largest_event_leaves_room_for_nine_others() -> None:
    """EventBridge takes ten at once, and 256 KB together."""
    message = "\x01" * 2000
    run = replace(run_of(RunStatus.FAILED), tenant="t" * 64, workflow_name="\x01" * 256, workflow_type="ü" * 128)
    largest = event_of(RunChange(replace(run, error=ErrorResult(ErrorReason.INVALID, "r" * 64, message)), None))
    assert largest
    assert len(write_json(largest.to_json()).encode()) + len("stepcall" + largest.type) + 14 < 16_000


# --- What the stream says --------------------------------------------------------------------------------------------

IMAGE = write_values(run_values(RUNNING))
PENDING_IMAGE = write_values(run_values(PENDING))


def test_a_change_is_read_from_the_images_before_and_after() -> None:
    assert read_change(None, PENDING_IMAGE) == RunChange(PENDING, None)
    change = read_change(PENDING_IMAGE, IMAGE | write_values({"started_at": "2026-03-04T05:06:08.891234Z"}))
    assert change == RunChange(RUNNING, RunStatus.PENDING)


def test_what_is_no_run_is_no_change_of_one() -> None:
    claim = TableClaim(
        tenant="acme", table="t", run_id=PENDING.run_id, fingerprint="f", workflow_version=1, claimed_at=CREATED
    )
    task = task_key(PENDING.run_id, "page") | write_values({"status": "RUNNING"})
    key = write_values({"run_id": "START#acme#key_1#00", "item": "KEY", "owner": "acme"})
    for item in (task, put_claim("runs", claim, None)["Item"], key, task_key(PENDING.run_id, "page")):
        assert read_change(None, item) is None
        assert read_change(item, item) is None


def test_a_run_that_was_deleted_is_no_change() -> None:
    assert read_change(IMAGE, None) is None


def test_the_callers_key_is_not_read() -> None:
    # Lambda spells bytes as base64 text
    change = read_change(None, PENDING_IMAGE | {"provider_key": {"B": "c2VjcmV0"}})
    assert change == RunChange(PENDING, None)


def test_an_image_that_is_no_whole_run_is_not_taken_for_one() -> None:
    with pytest.raises(KeyError):
        read_change(None, run_key(PENDING.run_id) | write_values({"status": "RUNNING"}))


# --- What is told of it ----------------------------------------------------------------------------------------------


class Told:
    """A bus, what was logged, and changes put to both; each change's place in the stream is its number."""

    def __init__(self) -> None:
        self.bus = FakeEventBus()
        self.logged: list[tuple[str, dict[str, str]]] = []
        self.tell_webhooks: TellWebhooks = lambda _: None
        self.measured: list[Measured] = []

    def publish(self, *changes: RunChange) -> str | None:
        streamed = [StreamedChange(str(place), change) for place, change in enumerate(changes)]
        return publish_run_events(
            streamed,
            self.bus,
            self.tell_webhooks,
            lambda name, /, **facts: self.logged.append((name, facts)),
            self.measured.append,
        )


def life_of(*statuses: RunStatus, run: Run = PENDING) -> list[RunChange]:
    """Accepted, and then each of these."""
    moves = [(None, RunStatus.PENDING), *pairwise((RunStatus.PENDING, *statuses))]
    return [RunChange(replace(run_of(after, before), run_id=run.run_id), before) for before, after in moves]


def test_a_life_is_told_in_order_and_logged() -> None:
    told = Told()
    assert told.publish(*life_of(RunStatus.RUNNING, RunStatus.COMPLETED)) is None
    assert [one.type for one in told.bus.taken] == ["Run Started", "Run Completed"]
    assert [name for name, _ in told.logged] == ["run_event_published"] * 2
    assert told.logged[0][1] == {
        "type": "Run Started",
        "event_id": str(told.bus.taken[0].event_id),
        "run_id": str(PENDING.run_id),
        "tenant": "acme",
        "correlation_id": PENDING.correlation_id,
    }


def test_nothing_to_tell_is_told_at_once() -> None:
    told = Told()
    assert told.publish() is None
    assert told.publish(RunChange(PENDING, None), RunChange(RUNNING, RunStatus.RUNNING)) is None
    assert (told.bus.taken, told.logged) == ([], [])


def test_the_stream_goes_on_from_the_first_change_that_was_not_taken() -> None:
    told, changes = Told(), life_of(RunStatus.RUNNING, RunStatus.FAILED)
    told.bus.refused = {event(RunStatus.FAILED).event_id}
    assert told.publish(*changes) == "2"
    assert [(name, facts["type"]) for name, facts in told.logged] == [
        ("run_event_published", "Run Started"),
        ("run_event_not_taken", "Run Failed"),
    ]
    assert told.logged[1][1]["code"] == "ThrottlingException"
    told.bus.refused = set()
    assert told.publish(*changes[2:]) is None
    assert [one.type for one in told.bus.taken] == ["Run Started", "Run Failed"]


@pytest.mark.parametrize(
    ("of_webhooks", "refused", "place"), [(0, False, "1"), (1, False, "2"), (1, True, "1"), (0, True, "1")]
)
def test_the_stream_goes_on_from_the_first_change_that_bus_or_webhooks_were_not_told(
    of_webhooks: int, refused: bool, place: str
) -> None:
    told = Told()
    heard: list[RunEvent] = []

    def tell_webhooks(events: Sequence[RunEvent]) -> int:
        heard.extend(events)
        return of_webhooks

    told.tell_webhooks = tell_webhooks
    told.bus.refused = {event(RunStatus.RUNNING, RunStatus.PENDING).event_id} if refused else set()
    assert told.publish(*life_of(RunStatus.RUNNING, RunStatus.COMPLETED)) == place
    assert [one.type for one in heard] == ["Run Started", "Run Completed"]  # whatever the bus has taken
    assert len(told.bus.taken) == (0 if refused else 2)


def test_a_batch_whose_first_event_is_not_taken_comes_again_from_there() -> None:
    told = Told()
    told.bus.refused = {event(RunStatus.RUNNING, RunStatus.PENDING).event_id}
    assert told.publish(*life_of(RunStatus.RUNNING, RunStatus.COMPLETED)) == "1"
    assert told.bus.taken == []


def test_a_start_that_comes_after_its_end_is_told_as_the_start_it_is() -> None:
    told, (_, start, end) = Told(), life_of(RunStatus.RUNNING, RunStatus.COMPLETED)
    assert told.publish(end, start, end) is None
    said = [(one.type, one.to_json()["sequence"]) for one in told.bus.taken]
    assert said == [("Run Completed", 2), ("Run Started", 1), ("Run Completed", 2)]
    assert told.bus.taken[0] == told.bus.taken[2]


@st.composite
def lives(draw: st.DrawFn) -> list[RunChange]:
    """All that is written to a run: its moves, and writes between them that leave its status."""
    statuses = []
    now = RunStatus.PENDING
    for _ in range(draw(st.integers(0, 2))):
        if RUN_MOVES[now]:
            now = draw(st.sampled_from(sorted(RUN_MOVES[now])))
            statuses.append(now)
    written = []
    put_ended = draw(st.sampled_from([None, None, *ENDS]))
    for change in [RunChange(run_of(put_ended, None), None)] if put_ended else life_of(*statuses):
        written += [change, *[RunChange(change.run, change.run.status)] * draw(st.integers(0, 2))]
    return written


@given(lives(), st.data())
def test_of_any_life_exactly_its_moves_are_told_in_order_however_often_it_is_delivered(
    changes: list[RunChange], data: st.DataObject
) -> None:
    moves = [TYPES[run.status] for run, before in changes if run.status in TYPES and run.status is not before]
    told = Told()
    for _ in range(data.draw(st.integers(1, 3))):  # all of it, or what a failure left over, again
        assert told.publish(*changes[data.draw(st.integers(0, len(changes))) :]) is None
    assert told.publish(*changes) is None
    assert [one.type for one in told.bus.taken[len(told.bus.taken) - len(moves) :]] == moves
    first_heard = {one.event_id: one for one in reversed(told.bus.taken)}
    assert sorted(one.to_json()["sequence"] for one in first_heard.values()) == [
        2 if kind is not RunEventType.STARTED else 1 for kind in moves
    ]
    assert all(faults(one.to_json()) == [] for one in told.bus.taken)


def test_runs_that_are_told_of_together_keep_to_their_own_ids() -> None:
    other = replace(PENDING, run_id=UUID(int=PENDING.run_id.int + 1))
    told = Told()
    both = zip(life_of(RunStatus.RUNNING), life_of(RunStatus.CANCELLED, run=other), strict=True)
    assert told.publish(*(change for pair in both for change in pair)) is None
    assert [(one.run.run_id, one.type) for one in told.bus.taken] == [
        (PENDING.run_id, "Run Started"),
        (other.run_id, "Run Cancelled"),
    ]


def test_what_was_told_is_measured_and_the_rest_is_when_it_comes_again() -> None:
    told, changes = Told(), life_of(RunStatus.RUNNING, RunStatus.FAILED)
    told.bus.refused = {event(RunStatus.FAILED).event_id}
    told.publish(*changes)
    latency, duration = ((STARTED - CREATED) / timedelta(milliseconds=1), (ENDED - STARTED) / timedelta(milliseconds=1))
    assert told.measured == [{Metric.RUNS_STARTED: [1], Metric.START_LATENCY: [latency]}]
    told.bus.refused = set()
    told.publish(changes[-1])
    assert told.measured[1:] == [{Metric.RUNS_FAILED: [1], Metric.RUN_DURATION: [duration]}]


@pytest.mark.parametrize(
    ("status", "metric"),
    [(RunStatus.COMPLETED, Metric.RUNS_COMPLETED), (RunStatus.CANCELLED, Metric.RUNS_CANCELLED)],
)
def test_each_end_is_counted_as_what_it_is(status: RunStatus, metric: Metric) -> None:
    assert measure_runs([event(status), event(status)])[metric] == [2]


def test_a_run_that_never_began_has_an_end_and_no_duration() -> None:
    never_begun = event_of(RunChange(replace(run_of(RunStatus.CANCELLED), started_at=None), RunStatus.PENDING))
    assert never_begun is not None
    assert measure_runs([never_begun]) == {Metric.RUNS_CANCELLED: [1]}


def test_hosts_whose_clocks_differ_make_no_time_below_nothing() -> None:
    early = event_of(RunChange(replace(RUNNING, started_at=CREATED - timedelta(seconds=1)), RunStatus.PENDING))
    assert early is not None
    assert measure_runs([early])[Metric.START_LATENCY] == [0]


def test_a_resumed_run_has_waited_since_it_was_resumed() -> None:
    resumed_at = CREATED + timedelta(days=3)
    begun = replace(RUNNING, run_attempt=2, resumed_at=resumed_at, started_at=resumed_at + timedelta(seconds=2))
    resumed = event_of(RunChange(begun, RunStatus.PENDING))
    assert resumed is not None
    assert measure_runs([resumed])[Metric.START_LATENCY] == [2000]
