"""What every store of connections does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.connection import (
    DEFAULT_CONNECTION,
    Column,
    Connection,
    Dataset,
    SqlEngine,
    default_connection,
)
from stepcall.stores.connection_store import (
    ConnectionExistsError,
    ConnectionNotFoundError,
    ConnectionStore,
    DatasetNotFoundError,
)
from stepcall.stores.dynamo_connection_store import DynamoConnectionStore
from stepcall.stores.dynamo_transactions import CHANGE_ATTEMPTS
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_dynamo_faults import canceled
from tests.contract.test_procedure_store import shorten_pages

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CREATED_AT = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
LATER = CREATED_AT + timedelta(hours=2)


def connection(name: str = "sales", tenant: str = "acme", number: int = 1, **more: Any) -> Connection:
    made = Connection(
        tenant=tenant,
        connection_id=nth_id(number),
        name=name,
        location="EU",
        created_at=CREATED_AT,
        changed_at=CREATED_AT,
    )
    return replace(made, **more)


def dataset(name: str = "stores", rows: int = 3) -> Dataset:
    columns = (Column("id", "INT64"), Column('a "Žofie"\n', "ARRAY<STRUCT<a INT64>>"))
    return Dataset(
        name=name, key=f"datasets/acme/{name}", columns=columns, row_count=rows, size=2**40, created_at=LATER
    )


def names(store: ConnectionStore, tenant: str = "acme", name: str = "sales") -> list[str]:
    return list(store.get_with_datasets(tenant, name).datasets)


@pytest.mark.parametrize("engine", SqlEngine)
def test_a_connection_is_read_as_it_was_put(connection_store: ConnectionStore, engine: SqlEngine) -> None:
    put = connection(engine=engine)
    connection_store.put(put, [dataset("b"), dataset("a", 0)])
    assert connection_store.get("acme", "sales") == put
    found = connection_store.get_with_datasets("acme", "sales")
    assert (found.connection, dict(found.datasets)) == (put, {"a": dataset("a", 0), "b": dataset("b")})


def test_every_tenant_has_the_default_connection_without_making_it(connection_store: ConnectionStore) -> None:
    for tenant in ("acme", "other"):
        assert connection_store.get(tenant, DEFAULT_CONNECTION) == default_connection(tenant)
        found = connection_store.get_with_datasets(tenant, DEFAULT_CONNECTION)
        assert (found.connection, dict(found.datasets)) == (default_connection(tenant), {})
        assert list(connection_store.list_by_tenant(tenant)) == [found]
    assert default_connection("acme").connection_id != default_connection("other").connection_id


def test_the_default_connection_takes_datasets(connection_store: ConnectionStore) -> None:
    connection_store.put_dataset("acme", DEFAULT_CONNECTION, dataset(), LATER)
    found = connection_store.get_with_datasets("acme", DEFAULT_CONNECTION)
    assert found.connection == replace(default_connection("acme"), changed_at=LATER)
    assert dict(found.datasets) == {"stores": dataset()}
    assert list(connection_store.list_by_tenant("acme")) == [found]
    connection_store.delete_dataset("acme", DEFAULT_CONNECTION, "stores", LATER)
    assert names(connection_store, name=DEFAULT_CONNECTION) == []
    assert names(connection_store, "other", DEFAULT_CONNECTION) == []


def test_a_name_that_is_taken_is_refused_and_nothing_changes(connection_store: ConnectionStore) -> None:
    connection_store.put(connection(), [dataset()])
    with pytest.raises(ConnectionExistsError):
        connection_store.put(connection(number=2), [dataset("other")])
    assert connection_store.get("acme", "sales") == connection()
    assert names(connection_store) == ["stores"]


def test_a_put_whose_answer_was_lost_is_done_once(connection_store: ConnectionStore) -> None:
    connection_store.put(connection(), [dataset()])
    connection_store.put(connection(), [dataset()])
    assert names(connection_store) == ["stores"]


def test_names_that_begin_alike_are_kept_apart(connection_store: ConnectionStore) -> None:
    alike = ("a", "a-b", "a0", "a_b", "aa", "A")
    for number, name in enumerate(alike):
        connection_store.put(connection(name, number=number), [dataset(f"of_{number}"), dataset("b")])
    for number, name in enumerate(alike):
        assert names(connection_store, name=name) == ["b", f"of_{number}"]
    listed = connection_store.list_by_tenant("acme")
    assert [each.connection.name for each in listed] == [DEFAULT_CONNECTION, *sorted(alike)]
    connection_store.delete("acme", "a")
    assert names(connection_store, name="a-b") == ["b", "of_1"]


def test_another_tenants_connection_is_neither_read_nor_listed_nor_changed(connection_store: ConnectionStore) -> None:
    connection_store.put(connection(), [dataset()])
    for tenant in ("other", "", "acm", "acme#", "ACME"):
        for refused in refused_without_connection(connection_store, tenant):
            with pytest.raises(ConnectionNotFoundError):
                refused()
        assert [each.connection.name for each in connection_store.list_by_tenant(tenant)] == [DEFAULT_CONNECTION]
    found = connection_store.get_with_datasets("acme", "sales")
    assert (found.connection, list(found.datasets)) == (connection(), ["stores"])


def refused_without_connection(store: ConnectionStore, tenant: str) -> list[Callable[[], object]]:
    return [
        partial(store.get, tenant, "sales"),
        partial(store.get_with_datasets, tenant, "sales"),
        partial(store.put_dataset, tenant, "sales", dataset("another"), LATER),
        partial(store.delete_dataset, tenant, "sales", "stores", LATER),
        partial(store.touch, tenant, "sales", LATER),
        partial(store.delete, tenant, "sales"),
    ]


def test_a_dataset_takes_the_place_of_the_one_of_its_name_and_the_connection_has_changed(
    connection_store: ConnectionStore,
) -> None:
    connection_store.put(connection(), [dataset(rows=1), dataset("other")])
    connection_store.put_dataset("acme", "sales", dataset(rows=2), LATER)
    found = connection_store.get_with_datasets("acme", "sales")
    assert (found.connection, found.datasets["stores"].row_count) == (connection(changed_at=LATER), 2)
    assert list(found.datasets) == ["other", "stores"]


def test_a_deleted_dataset_is_gone_and_the_connection_has_changed(connection_store: ConnectionStore) -> None:
    connection_store.put(connection(), [dataset(), dataset("other")])
    connection_store.delete_dataset("acme", "sales", "stores", LATER)
    assert names(connection_store) == ["other"]
    assert connection_store.get("acme", "sales").changed_at == LATER


@pytest.mark.parametrize("name", ["sales", DEFAULT_CONNECTION])
def test_a_dataset_that_is_not_there_cannot_be_deleted(connection_store: ConnectionStore, name: str) -> None:
    connection_store.put(connection(), [])
    before = connection_store.get("acme", name)
    with pytest.raises(DatasetNotFoundError):
        connection_store.delete_dataset("acme", name, "stores", LATER)
    assert connection_store.get("acme", name) == before


@pytest.mark.parametrize("name", ["sales", DEFAULT_CONNECTION])
def test_a_touched_connection_has_changed(connection_store: ConnectionStore, name: str) -> None:
    connection_store.put(connection(), [dataset()])
    connection_store.touch("acme", name, LATER)
    assert connection_store.get("acme", name).changed_at == LATER
    assert names(connection_store) == ["stores"]


def test_a_deleted_connection_is_gone_with_its_datasets(connection_store: ConnectionStore) -> None:
    connection_store.put(connection(), [dataset()])
    connection_store.delete("acme", "sales")
    for refused in refused_without_connection(connection_store, "acme"):
        with pytest.raises(ConnectionNotFoundError):
            refused()
    connection_store.put(connection(number=2), [])
    assert names(connection_store) == []


def test_datasets_put_at_one_time_are_all_there(connection_store: ConnectionStore) -> None:
    connection_store.put(connection(), [])
    put = [partial(connection_store.put_dataset, "acme", "sales", dataset(f"d{number}"), LATER) for number in range(8)]
    assert in_parallel(put) == [None] * 8
    assert names(connection_store) == [f"d{number}" for number in range(8)]


def test_of_many_that_take_one_name_one_has_it(connection_store: ConnectionStore) -> None:
    put = [partial(connection_store.put, connection(number=number), [dataset(f"d{number}")]) for number in range(6)]
    raised = in_parallel(put)
    assert sorted(type(error).__name__ for error in raised) == ["ConnectionExistsError"] * 5 + ["NoneType"]
    [winner] = [number for number, error in enumerate(raised) if error is None]
    assert connection_store.get("acme", "sales").connection_id == nth_id(winner)
    assert names(connection_store) == [f"d{winner}"]


class CutShort:
    """Deletes nothing outside of transactions, or refuses the first of those as while another writes an item."""

    def __init__(self, client: "DynamoDBClient", conflicts: int = 0) -> None:
        self._client = client
        self._conflicts = conflicts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def delete_item(self, **_request: Any) -> None:
        raise ConnectionError

    def transact_write_items(self, **request: Any) -> Any:
        if self._conflicts:
            self._conflicts -= 1
            raise canceled("TransactionConflict", "None")
        return self._client.transact_write_items(**request)


def cut_short(client: Any) -> DynamoConnectionStore:
    return DynamoConnectionStore(client, "WorkflowsTable")


def test_what_a_delete_that_was_cut_short_left_behind_shows_in_no_new_connection(dynamodb: "DynamoDBClient") -> None:
    store = DynamoConnectionStore(dynamodb, "WorkflowsTable")
    store.put(connection(), [dataset()])
    with pytest.raises(ConnectionError):
        cut_short(CutShort(dynamodb)).delete("acme", "sales")
    assert dynamodb.scan(TableName="WorkflowsTable")["Count"] == 1
    assert [each.connection.name for each in store.list_by_tenant("acme")] == [DEFAULT_CONNECTION]
    with pytest.raises(ConnectionNotFoundError):
        store.get_with_datasets("acme", "sales")
    store.put(connection(number=2), [])
    assert names(store) == []
    with pytest.raises(DatasetNotFoundError):
        store.delete_dataset("acme", "sales", "stores", LATER)
    assert [dict(each.datasets) for each in store.list_by_tenant("acme")] == [{}, {}]


def test_a_change_beside_another_is_made_again_and_not_for_ever(dynamodb: "DynamoDBClient") -> None:
    cut_short(CutShort(dynamodb, 2)).put(connection(), [])
    cut_short(CutShort(dynamodb, 2)).put_dataset("acme", "sales", dataset(), LATER)
    assert names(cut_short(dynamodb)) == ["stores"]
    with pytest.raises(ClientError, match="TransactionCanceled"):
        cut_short(CutShort(dynamodb, CHANGE_ATTEMPTS)).put_dataset("acme", "sales", dataset("b"), LATER)


def test_a_write_that_failed_is_not_taken_for_a_missing_connection(dynamodb: "DynamoDBClient") -> None:
    store = cut_short(dynamodb)
    store.put(connection(), [dataset()])

    def fail(**_facts: Any) -> None:
        raise canceled("ThrottlingError", "None")

    dynamodb.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", fail, unique_id="fail")
    try:
        writes: list[Callable[[], object]] = [partial(store.put, connection("b"), [])]
        for write in writes + refused_without_connection(store, "acme")[2:]:
            with pytest.raises(ClientError, match="TransactionCanceled"):
                write()
    finally:
        dynamodb.meta.events.unregister("provide-client-params.dynamodb.TransactWriteItems", unique_id="fail")
    assert names(store) == ["stores"]


def test_a_connection_of_many_datasets_is_whole_over_short_pages(dynamodb: "DynamoDBClient") -> None:
    store = cut_short(dynamodb)
    store.put(connection(), [dataset(f"d{number}") for number in range(7)])
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Query",
        shorten_pages,  # type: ignore[arg-type] # the stubs know of none that gives new parameters
        unique_id="short",
    )
    try:
        assert names(store) == [f"d{number}" for number in range(7)]
        assert [len(each.datasets) for each in store.list_by_tenant("acme")] == [0, 7]
    finally:
        dynamodb.meta.events.unregister("provide-client-params.dynamodb.Query", unique_id="short")


def test_a_list_of_workflows_does_not_meet_connections(dynamodb: "DynamoDBClient") -> None:
    cut_short(dynamodb).put(connection(), [dataset()])
    assert dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"] == []
