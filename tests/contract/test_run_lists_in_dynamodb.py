"""How DynamoDB lists and counts a tenant's runs: over short pages, reading no more than it must."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from stepcall.stores.dynamo_pages import MAX_PAGES_PER_LIST
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.run_store import ALL_RUNS, RunFilter
from tests.contract.conftest import RETENTION
from tests.contract.test_dynamo_faults import FaultyClient, faulty
from tests.contract.test_run_lists import GROUP, counted, every_second, found, newest_first, put_all, run_at
from tests.contract.test_run_store import START

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@pytest.mark.parametrize("page_items", [1, 3, 7])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_filtered_list_and_its_count_are_whole_over_many_short_pages(
    dynamodb: "DynamoDBClient", page_items: int, limit: int
) -> None:
    runs = every_second(36)
    rare = [runs[number] for number in (2, 3, 19, 34)]
    for run in runs:
        faulty(dynamodb).put(replace(run, workflow_type=GROUP) if run in rare else run)
    short = faulty(FaultyClient(dynamodb, page_items=page_items))
    assert found(short, RunFilter(workflow_type=GROUP), limit) == newest_first(rare)
    assert found(short, ALL_RUNS, limit) == newest_first(runs)
    assert counted(short, RunFilter(workflow_type=GROUP)) == 4
    assert counted(short) == 36


def test_a_count_ends_in_time_and_says_where_to_go_on(dynamodb: "DynamoDBClient") -> None:
    runs = every_second(30)
    put_all(faulty(dynamodb), runs)
    client = FaultyClient(dynamodb, page_items=2)
    read = 2 * MAX_PAGES_PER_LIST
    assert faulty(client).count_by_tenant("acme", after=None) == (read, runs[30 - read].run_id)
    assert client.calls == MAX_PAGES_PER_LIST


class Watched(FaultyClient):
    """Keeps what every Query asked and answered."""

    def __init__(self, client: "DynamoDBClient") -> None:
        super().__init__(client)
        self.queries: list[tuple[Any, Any]] = []

    def query(self, **request: Any) -> Any:
        answer = self._client.query(**request)
        self.queries.append((request, answer))
        return answer


def test_a_count_is_sent_no_items(dynamodb: "DynamoDBClient") -> None:
    put_all(faulty(dynamodb), every_second(4))
    client = Watched(dynamodb)
    assert faulty(client).count_by_tenant("acme", after=None, only=RunFilter(created_from=START)) == (4, None)
    [(request, answer)] = client.queries
    assert (request["Select"], answer.get("Items", [])) == ("COUNT", [])


def test_times_bound_what_is_read_and_not_only_what_is_shown(dynamodb: "DynamoDBClient") -> None:
    days = [run_at(START + timedelta(days=number), number) for number in range(10)]
    put_all(faulty(dynamodb), days)
    client = Watched(dynamodb)
    only = RunFilter(created_from=days[4].created_at, created_to=days[6].created_at)
    assert found(faulty(client), only) == newest_first(days[4:6])
    assert sum(answer["ScannedCount"] for _, answer in client.queries) == 3  # that of day 6 is within the margin


def test_a_list_that_can_have_nothing_asks_nobody(dynamodb: "DynamoDBClient") -> None:
    client = Watched(dynamodb)
    store = DynamoRunStore(client, "RunsTable", RETENTION)  # type: ignore[arg-type]
    only = RunFilter(created_from=START, created_to=START - timedelta(days=1))
    assert (found(store, only), counted(store, only), client.queries) == ([], 0, [])


def test_a_filter_that_finds_enough_at_once_reads_no_more_than_a_list_without(dynamodb: "DynamoDBClient") -> None:
    runs = every_second(30, workflow_type=GROUP)
    put_all(faulty(dynamodb), runs)
    for only in (ALL_RUNS, RunFilter(workflow_type=GROUP), RunFilter(created_from=START)):
        client = Watched(dynamodb)
        assert len(faulty(client).list_by_tenant("acme", limit=5, after=None, only=only).runs) == 5
        assert [answer["ScannedCount"] for _, answer in client.queries] == [6]


def test_a_filter_that_finds_too_few_reads_whole_pages_from_then_on(dynamodb: "DynamoDBClient") -> None:
    runs = every_second(30)
    put_all(faulty(dynamodb), [replace(runs[0], workflow_type=GROUP), *runs[1:]])
    client = Watched(dynamodb)
    page = faulty(client).list_by_tenant("acme", limit=5, after=None, only=RunFilter(workflow_type=GROUP))
    assert ([run.run_id for run in page.runs], page.next_run_id) == ([runs[0].run_id], None)
    assert [answer["ScannedCount"] for _, answer in client.queries] == [6, 24]
