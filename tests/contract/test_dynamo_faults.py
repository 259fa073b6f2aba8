"""What DynamoDB may answer besides what was asked: conflicts, throttling, short pages."""

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.run import RunStatus
from stepcall.stores.dynamo_pages import MAX_PAGES_PER_LIST, READ_ATTEMPTS
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.stores.run_store import (
    RunExistsError,
    RunHasEndedError,
    RunNotFoundError,
    RunStore,
    TableClaimedError,
    TaskNotRunningError,
)
from stepcall.stores.workflow_store import WorkflowNotFoundError, WorkflowTooLargeError
from tests.contract.conftest import RETENTION, nth_id
from tests.contract.test_run_store import (
    ENDS,
    ERROR,
    LATER,
    OUTPUT,
    PENDING,
    RUN_ID,
    START,
    WORKFLOW_ID,
    bring_to,
    listed,
    numbered,
)
from tests.contract.test_small_stores import VERSION
from tests.contract.test_table_claims import CLAIM

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class FaultyClient:
    """Raises an error in place of every write, or cuts what a Query answers to pages of a few items."""

    def __init__(self, client: "DynamoDBClient", error: ClientError | None = None, page_items: int = 0) -> None:
        self._client = client
        self._error = error
        self._page_items = page_items
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += name != "get_paginator"
        if self._error and name in {"put_item", "update_item", "transact_write_items"}:
            return partial(self._fail, self._error)
        return getattr(self._client, name)

    def query(self, **request: Any) -> Any:
        """What a Query of an index of large items answers: 1 MB at a time, filtered after it was read."""
        self.calls += 1
        limit = min(request.get("Limit", self._page_items), self._page_items)
        return self._client.query(**request | {"Limit": limit})

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - the argument is DynamoDB's
        self.calls += 1
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    @staticmethod
    def _fail(error: ClientError, **_request: Any) -> None:
        raise error


def faulty(client: Any) -> DynamoRunStore:
    return DynamoRunStore(client, "RunsTable", RETENTION, lambda _seconds: None)


def canceled(*codes: str, item: Any = None) -> ClientError:
    """A transaction's refusal with a reason for each of its writes."""
    reasons = [{"Code": code} | ({"Item": item} if item else {}) for code in codes]
    answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(answer, "TransactWriteItems")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "UpdateItem")


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
@pytest.mark.parametrize("first", [True, False])
def test_a_conflict_is_no_refusal_and_goes_to_whoever_can_try_again(
    dynamodb: "DynamoDBClient", code: str, first: bool
) -> None:
    store = faulty(FaultyClient(dynamodb, canceled(*((code, "None") if first else ("None", code)))))
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        store.begin_task(PENDING, "first", attempt=0, now=START)


@pytest.mark.parametrize(
    ("codes", "raised"),
    [
        (("None", "TransactionConflict"), TableClaimedError),
        (("None", "ConditionalCheckFailed"), TableClaimedError),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), RunExistsError),
        (("None", "ThrottlingError"), ClientError),
        (("ThrottlingError", "ConditionalCheckFailed"), ClientError),
    ],
)
def test_a_conflict_over_a_table_is_a_claim_of_another_and_throttling_is_none(
    dynamodb: "DynamoDBClient", codes: tuple[str, str], raised: type[Exception]
) -> None:
    store = faulty(FaultyClient(dynamodb, canceled(*codes)))
    with pytest.raises(raised):
        store.put_with_claim(PENDING, CLAIM, seen=None)


def test_of_two_refusals_in_one_transaction_the_runs_counts(dynamodb: "DynamoDBClient") -> None:
    ended = {"status": {"S": "CANCELLED"}, "content_hash": {"S": PENDING.content_hash}}
    error = canceled("ConditionalCheckFailed", "ConditionalCheckFailed", item=ended)
    with pytest.raises(RunHasEndedError) as raised:
        faulty(FaultyClient(dynamodb, error)).begin_task(PENDING, "first", attempt=0, now=START)
    assert raised.value.status is RunStatus.CANCELLED


def test_a_refusal_of_the_task_alone_is_the_tasks(dynamodb: "DynamoDBClient") -> None:
    error = canceled("None", "ConditionalCheckFailed", item={"status": {"S": "COMPLETED"}})
    with pytest.raises(TaskNotRunningError):
        faulty(FaultyClient(dynamodb, error)).begin_task(PENDING, "first", attempt=0, now=START)


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException", "AccessDenied"])
def test_a_write_that_was_not_refused_but_failed_is_not_taken_for_late_news(
    dynamodb: "DynamoDBClient", code: str
) -> None:
    bring_to(faulty(dynamodb), RunStatus.RUNNING)
    run = faulty(dynamodb).get_for_end(RUN_ID).run
    store = faulty(FaultyClient(dynamodb, refused(code)))
    for write in (
        partial(store.put, numbered(2)),
        partial(store.begin_task, run, "second", attempt=0, now=START),
        partial(store.begin_task, PENDING, "second", attempt=0, now=START),
        partial(store.complete_task, PENDING, "first", OUTPUT, LATER),
        partial(store.record_task_error, PENDING, "first", ERROR),
        partial(store.fail_task, PENDING, "first", ERROR, LATER),
        partial(store.end, PENDING, ENDS[RunStatus.COMPLETED]),
    ):
        with pytest.raises(ClientError, match=code):
            write()


def test_keys_that_stay_unread_are_an_error_and_no_missing_run(dynamodb: "DynamoDBClient") -> None:
    client, slept = FaultyClient(dynamodb), list[float]()
    store = DynamoRunStore(client, "RunsTable", RETENTION, slept.append)  # type: ignore[arg-type]
    with pytest.raises(TimeoutError, match="throttled"):
        store.get_for_work(RUN_ID, ["first"])
    assert client.calls == READ_ATTEMPTS
    assert slept == sorted(slept)
    assert sum(slept) < 10


@pytest.mark.parametrize("page_items", [1, 3, 7])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_filtered_list_is_whole_over_many_short_pages(
    dynamodb: "DynamoDBClient", page_items: int, limit: int
) -> None:
    store = faulty(dynamodb)
    for number in range(1, 37):
        bring_to(store, RunStatus.FAILED if number in {2, 3, 19, 35} else RunStatus.PENDING, numbered(number))
    client = FaultyClient(dynamodb, page_items=page_items)
    found = listed(faulty(client), status=RunStatus.FAILED, limit=limit)
    assert found == [nth_id(number) for number in (35, 19, 3, 2)]
    assert listed(faulty(FaultyClient(dynamodb, page_items=page_items)), limit=limit)[:3] == [
        nth_id(number) for number in (36, 35, 34)
    ]


def test_a_filter_that_finds_nothing_answers_in_time_with_where_to_go_on(dynamodb: "DynamoDBClient") -> None:
    store = faulty(dynamodb)
    for number in range(1, 31):
        store.put(numbered(number))
    client = FaultyClient(dynamodb, page_items=2)
    page = faulty(client).list_by_workflow("acme", WORKFLOW_ID, status=RunStatus.FAILED, limit=5, after=None)
    assert client.calls == MAX_PAGES_PER_LIST
    assert (page.runs, page.next_run_id) == ((), nth_id(30 - 2 * MAX_PAGES_PER_LIST + 1))


def test_tasks_asked_for_twice_are_read_once(run_store: RunStore) -> None:
    bring_to(run_store, RunStatus.RUNNING)
    assert set(run_store.get_for_work(RUN_ID, ["first", "second", "first", "second"]).tasks) == {"first"}


def test_news_of_a_task_of_a_run_that_is_not_there_changes_nothing(run_store: RunStore) -> None:
    for late in (
        partial(run_store.complete_task, PENDING, "first", OUTPUT, LATER),
        partial(run_store.record_task_error, PENDING, "first", ERROR),
    ):
        with pytest.raises(TaskNotRunningError):
            late()
    with pytest.raises(RunNotFoundError):
        run_store.begin_task(PENDING, "first", attempt=0, now=START)
    with pytest.raises(RunNotFoundError):
        run_store.get_for_end(RUN_ID)


def test_a_definition_that_does_not_fit_into_an_item_leaves_nothing_behind(dynamodb: "DynamoDBClient") -> None:
    text = "".join(chr(0x4E00 + (number * number * 7919 + number // 3) % 20_000) for number in range(300_000))
    large = VERSION.definition.model_copy(update={"description": text})
    store = DynamoWorkflowStore(dynamodb, "WorkflowsTable")
    with pytest.raises(WorkflowTooLargeError, match=r"[0-9,]+ bytes when compressed; 380,000 can be stored"):
        store.put_first(VERSION.__class__(nth_id(9), 1, "acme", large, VERSION.created_at))
    with pytest.raises(WorkflowNotFoundError):
        store.get_latest("acme", nth_id(9))
    assert dynamodb.scan(TableName="WorkflowsTable")["Count"] == 0


def test_the_definition_lies_compressed_and_its_tenant_in_the_index_once(dynamodb: "DynamoDBClient") -> None:
    DynamoWorkflowStore(dynamodb, "WorkflowsTable").put_first(VERSION)
    listed_items = dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"]
    assert [(item["sk"]["S"], item["tenant"]["S"], item["latest_version"]["N"]) for item in listed_items] == [
        ("HEAD", "acme", "1")
    ]
    assert b"Data.Transform" not in str(dynamodb.scan(TableName="WorkflowsTable")["Items"]).encode()
