"""What every store of API keys does."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from stepcall.domain.access import Grants, RateLimit, Scope, SourceGrant
from stepcall.stores.api_key_store import ApiKeyStore, UnknownApiKeyError, hash_api_key
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import CREATED_AT, api_key
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_dynamo_faults import canceled

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NARROW = api_key(
    "sc_narrow",
    name="Žofie's\tkey 🌊",
    scopes=frozenset({Scope.RUNS_READ, Scope.KEYS_MANAGE}),
    grants=Grants(frozenset({nth_id(1), nth_id(2)}), (SourceGrant("bq", "p.d.*"), SourceGrant("pg", "t"))),
    rate_limit=RateLimit(3, 7),
    expires_at=datetime(2030, 1, 2, 3, 4, 5, 678901, UTC),
    last_used_at=datetime(2029, 1, 2, tzinfo=UTC),
)
WIDE = api_key("sc_wide")
LATER = CREATED_AT + timedelta(hours=2)


@pytest.mark.parametrize("key", [NARROW, WIDE, api_key("sc_none", grants=Grants())], ids=["narrow", "wide", "nothing"])
def test_a_key_is_read_as_it_was_put_by_its_hash_and_by_its_id(api_key_store: ApiKeyStore, key: object) -> None:
    assert isinstance(key, type(NARROW))
    api_key_store.put(key)
    api_key_store.put(key)
    assert api_key_store.get(key.key_hash) == key
    assert api_key_store.get_by_id("acme", key.key_id) == key
    assert api_key_store.list_by_tenant("acme", limit=2, after=None) == ([key], None)


def test_a_key_is_found_by_its_hash_and_by_nothing_else(api_key_store: ApiKeyStore) -> None:
    api_key_store.put(WIDE)
    for unknown in ("", "sc_wide", hash_api_key("sc_two"), str(WIDE.key_id)):
        with pytest.raises(UnknownApiKeyError):
            api_key_store.get(unknown)


def test_another_tenants_key_is_neither_read_nor_listed_nor_deleted(api_key_store: ApiKeyStore) -> None:
    api_key_store.put(WIDE)
    for tenant in ("other", "", "acm", "acme#", "ACME"):
        with pytest.raises(UnknownApiKeyError):
            api_key_store.get_by_id(tenant, WIDE.key_id)
        with pytest.raises(UnknownApiKeyError):
            api_key_store.delete(tenant, WIDE.key_id)
        assert api_key_store.list_by_tenant(tenant, limit=9, after=None) == ([], None)
    assert api_key_store.get(WIDE.key_hash) == WIDE


def test_keys_are_listed_newest_first_in_pages(api_key_store: ApiKeyStore) -> None:
    for number in (2, 1, 3, 5, 4):
        api_key_store.put(api_key(f"sc_{number}", key_id=nth_id(number)))
        api_key_store.put(api_key(f"sc_other_{number}", "other", key_id=nth_id(number)))
    listed, after = [], None
    for expected in (2, 2, 1):
        page = api_key_store.list_by_tenant("acme", limit=2, after=after)
        assert len(page.keys) == expected
        listed += [key.key_id for key in page.keys]
        after = page.next_key_id
    assert after is None
    assert listed == [nth_id(number) for number in (5, 4, 3, 2, 1)]
    assert api_key_store.list_by_tenant("acme", limit=5, after=None).next_key_id is None


def test_a_deleted_key_is_gone_by_every_way_and_others_stay(api_key_store: ApiKeyStore) -> None:
    for key in (WIDE, NARROW):
        api_key_store.put(key)
    api_key_store.delete("acme", WIDE.key_id)
    with pytest.raises(UnknownApiKeyError):
        api_key_store.get(WIDE.key_hash)
    with pytest.raises(UnknownApiKeyError):
        api_key_store.get_by_id("acme", WIDE.key_id)
    with pytest.raises(UnknownApiKeyError):
        api_key_store.delete("acme", WIDE.key_id)
    assert api_key_store.list_by_tenant("acme", limit=9, after=None) == ([NARROW], None)


def test_use_is_written_down_where_it_is_read(api_key_store: ApiKeyStore) -> None:
    api_key_store.put(WIDE)
    api_key_store.touch(WIDE, LATER)
    touched = WIDE._replace(last_used_at=LATER)
    assert api_key_store.get(WIDE.key_hash) == touched
    assert api_key_store.get_by_id("acme", WIDE.key_id) == touched
    api_key_store.touch(touched, LATER + timedelta(hours=1))
    assert api_key_store.get(WIDE.key_hash).last_used_at == LATER + timedelta(hours=1)


def test_who_read_a_key_before_somebody_else_used_it_writes_nothing(api_key_store: ApiKeyStore) -> None:
    api_key_store.put(WIDE)
    api_key_store.touch(WIDE, LATER)
    api_key_store.touch(WIDE, LATER + timedelta(minutes=1))
    assert api_key_store.get(WIDE.key_hash).last_used_at == LATER


@pytest.mark.parametrize("key", [WIDE, NARROW], ids=["unused", "used"])
def test_use_does_not_bring_a_deleted_key_back(api_key_store: ApiKeyStore, key: object) -> None:
    assert isinstance(key, type(WIDE))
    api_key_store.put(key)
    api_key_store.delete("acme", key.key_id)
    api_key_store.touch(key, LATER)
    with pytest.raises(UnknownApiKeyError):
        api_key_store.get(key.key_hash)
    assert api_key_store.list_by_tenant("acme", limit=9, after=None) == ([], None)


def test_many_processes_may_note_the_same_use(api_key_store: ApiKeyStore) -> None:
    api_key_store.put(WIDE)
    times = [LATER + timedelta(seconds=number) for number in range(8)]
    assert in_parallel([lambda time=time: api_key_store.touch(WIDE, time) for time in times]) == [None] * 8
    kept = api_key_store.get(WIDE.key_hash)
    assert kept.last_used_at in times
    assert kept == api_key_store.get_by_id("acme", WIDE.key_id)


def test_what_is_stored_shows_the_hash_to_nobody_who_looks_for_a_text(dynamodb: "DynamoDBClient") -> None:
    DynamoApiKeyStore(dynamodb, "WorkflowsTable").put(WIDE)
    stored = json.dumps(dynamodb.scan(TableName="WorkflowsTable")["Items"])
    assert "sc_wide" not in stored
    assert stored.count(f'"KEY#{hash_api_key("sc_wide")}"') == 1
    # and a list of workflows does not meet it: the index takes what has a `tenant`
    assert dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"] == []


class ConflictingClient:
    """Refuses the first transactions, as while another writes one of the items."""

    def __init__(self, client: "DynamoDBClient", conflicts: int) -> None:
        self._client = client
        self._conflicts = conflicts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._conflicts:
            self._conflicts -= 1
            raise canceled("TransactionConflict", "None")
        return self._client.transact_write_items(**request)


def test_a_key_whose_last_use_is_being_written_is_deleted_all_the_same(dynamodb: "DynamoDBClient") -> None:
    store = DynamoApiKeyStore(dynamodb, "WorkflowsTable")
    store.put(WIDE)
    client: Any = ConflictingClient(dynamodb, conflicts=2)
    DynamoApiKeyStore(client, "WorkflowsTable").delete("acme", WIDE.key_id)
    with pytest.raises(UnknownApiKeyError):
        store.get(WIDE.key_hash)


def test_a_key_is_read_as_it_is_now(dynamodb: "DynamoDBClient") -> None:
    asked: list[bool] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.*", lambda params, **_: note(asked, params))
    store = DynamoApiKeyStore(dynamodb, "WorkflowsTable")
    store.put(WIDE)
    store.get(WIDE.key_hash)
    store.get_by_id("acme", WIDE.key_id)
    store.list_by_tenant("acme", limit=1, after=None)
    assert asked == [True] * 3


def note(asked: list[bool], params: dict[str, Any]) -> None:
    if "ConsistentRead" in params or "Key" in params or "KeyConditionExpression" in params:
        asked.append(params.get("ConsistentRead", False))
