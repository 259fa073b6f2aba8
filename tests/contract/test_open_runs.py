"""What a sweep reads and moves: the same tests over memory and over DynamoDB."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.run import RunStatus
from stepcall.stores.dynamo_items import run_key
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.run_store import (
    LateAttemptError,
    OpenRun,
    RunHasEndedError,
    RunMoveRefusedError,
    RunNotFoundError,
    RunStore,
)
from tests.contract.conftest import RETENTION, in_parallel, nth_id
from tests.contract.test_run_store import ENDS, PENDING, RUN_ID, START, bring_to, numbered

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

EARLIER, HASH = PENDING.content_hash, "1" * 32


def open_ids(store: RunStore, limit: int) -> list[UUID]:
    """The list to its end, page by page."""
    ids, after = list[UUID](), None
    for _ in range(200):
        page = store.list_open(limit=limit, after=after)
        assert len(page.runs) <= limit
        ids += [run.run_id for run in page.runs]
        if (after := page.next_run_id) is None:
            return ids
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_runs_of_every_tenant_that_have_not_ended_are_listed_oldest_first(run_store: RunStore, limit: int) -> None:
    for number in (5, 2, 4, 1, 3, 6):
        run_store.put(numbered(number, tenant="other" if number % 2 else "acme"))
    run_store.begin_task(numbered(2), "first", attempt=0, now=START)
    for number, status in ((3, RunStatus.FAILED), (6, RunStatus.CANCELLED)):
        run_store.end(numbered(number), ENDS[status])
    assert open_ids(run_store, limit) == [nth_id(number) for number in (1, 2, 4, 5)]


def test_an_open_run_says_what_a_sweep_decides_by(run_store: RunStore) -> None:
    run_store.put(PENDING)
    assert run_store.list_open(limit=9, after=None).runs == (
        OpenRun(RUN_ID, PENDING.tenant, RunStatus.PENDING, START, EARLIER),
    )
    run_store.begin_task(PENDING, "first", attempt=0, now=START)
    [run] = run_store.list_open(limit=9, after=None).runs
    assert run.status is RunStatus.RUNNING


def test_where_no_run_is_open_the_list_is_empty(run_store: RunStore) -> None:
    assert run_store.list_open(limit=9, after=None) == ((), None)
    bring_to(run_store, RunStatus.COMPLETED)
    assert run_store.list_open(limit=9, after=None) == ((), None)
    assert run_store.list_open(limit=9, after=RUN_ID) == ((), None)


def test_more_runs_than_dynamodb_reads_at_once_are_one_page(run_store: RunStore) -> None:
    for number in range(1, 131):
        run_store.put(numbered(number))
    page = run_store.list_open(limit=120, after=None)
    assert [run.run_id for run in page.runs] == [nth_id(number) for number in range(1, 121)]
    assert page.next_run_id == nth_id(120)


def test_a_run_that_ends_while_it_is_listed_is_left_out(dynamodb: "DynamoDBClient") -> None:
    """The index is behind the table for a moment."""
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    for number in (1, 2):
        store.put(numbered(number))

    class EndsMeanwhile:
        def batch_get_item(self, **request: Any) -> Any:
            store.end(numbered(1), ENDS[RunStatus.FAILED])
            return dynamodb.batch_get_item(**request)

        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

    behind = DynamoRunStore(EndsMeanwhile(), "RunsTable", RETENTION)  # type: ignore[arg-type]
    assert [run.run_id for run in behind.list_open(limit=9, after=None).runs] == [nth_id(2)]


def test_listing_open_runs_reads_no_inputs(dynamodb: "DynamoDBClient") -> None:
    asked = list[Any]()

    class Noting:
        def batch_get_item(self, **request: Any) -> Any:
            asked.append(answer := dynamodb.batch_get_item(**request))
            return answer

        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

    store = DynamoRunStore(Noting(), "RunsTable", RETENTION)  # type: ignore[arg-type]
    store.put(PENDING)
    store.list_open(limit=9, after=None)
    [[item]] = [answer["Responses"]["RunsTable"] for answer in asked]
    assert item.keys() == {"run_id", "tenant", "status", "created_at", "content_hash"}


# --- Another machine


def test_a_pending_run_moves_to_another_machine_and_nothing_else_of_it_changes(run_store: RunStore) -> None:
    run_store.put(PENDING)
    run_store.move_machine(PENDING, HASH)
    assert run_store.get_for_end(RUN_ID).run == replace(PENDING, content_hash=HASH)


def test_a_move_that_is_written_twice_is_one_move(run_store: RunStore) -> None:
    """AWS's client sends a write again when the answer to it is lost, and two sweeps may be under way."""
    run_store.put(PENDING)
    for _ in range(2):
        run_store.move_machine(PENDING, HASH)
    assert run_store.get_for_end(RUN_ID).run.content_hash == HASH


def test_a_run_that_was_moved_elsewhere_meanwhile_is_not_moved(run_store: RunStore) -> None:
    run_store.put(PENDING)
    run_store.move_machine(PENDING, HASH)
    with pytest.raises(LateAttemptError):
        run_store.move_machine(PENDING, "2" * 32)
    assert run_store.get_for_end(RUN_ID).run.content_hash == HASH


WRITES: dict[str, Callable[[RunStore], None]] = {
    "begin task": lambda store: store.begin_task(PENDING, "first", attempt=0, now=START),
    "begin run": lambda store: store.begin_run(PENDING, START),
    "give up": lambda store: store.abandon(PENDING, ENDS[RunStatus.FAILED]),
    "end": lambda store: store.end(PENDING, ENDS[RunStatus.FAILED]),
    "cancel": lambda store: store.cancel(PENDING, ENDS[RunStatus.CANCELLED]),
}


@pytest.mark.parametrize("has_begun", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_what_the_machine_before_does_late_changes_nothing(run_store: RunStore, write: str, has_begun: bool) -> None:
    run_store.put(PENDING)
    run_store.move_machine(PENDING, HASH)
    if has_begun:
        run_store.begin_run(replace(PENDING, content_hash=HASH), START)
    moved = run_store.get_for_end(RUN_ID)
    with pytest.raises(LateAttemptError):
        WRITES[write](run_store)
    assert run_store.get_for_end(RUN_ID) == moved


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.PENDING])
@pytest.mark.parametrize("content_hash", [HASH, EARLIER])
def test_only_a_run_that_has_not_begun_is_moved(run_store: RunStore, status: RunStatus, content_hash: str) -> None:
    bring_to(run_store, status)
    stored = run_store.get_for_end(RUN_ID)
    with pytest.raises(RunHasEndedError if status.has_ended else RunMoveRefusedError):
        run_store.move_machine(PENDING, content_hash)
    assert run_store.get_for_end(RUN_ID) == stored


def test_a_run_that_is_not_there_is_not_moved(run_store: RunStore) -> None:
    with pytest.raises(RunNotFoundError):
        run_store.move_machine(PENDING, HASH)


def test_of_a_move_and_an_end_at_once_the_first_counts(run_store: RunStore) -> None:
    for number in range(1, 6):
        run = numbered(number)
        run_store.put(run)
        end = partial(run_store.end, run, ENDS[RunStatus.CANCELLED])
        move = partial(run_store.move_machine, run, HASH)
        ended, moved = in_parallel([end, move])
        stored = run_store.get_for_end(run.run_id).run
        if moved is None:
            assert isinstance(ended, LateAttemptError)
            assert (stored.status, stored.content_hash) == (RunStatus.PENDING, HASH)
        else:
            assert (ended, type(moved)) == (None, RunHasEndedError)
            assert (stored.status, stored.content_hash) == (RunStatus.CANCELLED, EARLIER)


def test_a_move_that_dynamodb_throttles_is_no_refusal(dynamodb: "DynamoDBClient") -> None:
    class Throttled:
        def update_item(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    with pytest.raises(ClientError, match="Throttling"):
        DynamoRunStore(Throttled(), "RunsTable", RETENTION).move_machine(  # type: ignore[arg-type]
            PENDING, HASH
        )


def test_a_moved_run_is_still_in_the_index_of_open_ones(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    store.put(PENDING)
    store.move_machine(PENDING, HASH)
    item = dynamodb.get_item(TableName="RunsTable", Key=run_key(RUN_ID))["Item"]
    assert (item["open"], item["content_hash"]) == ({"S": "1"}, {"S": HASH})
