"""Which run a caller's key has started: over memory and over DynamoDB, races and lost answers included."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.idempotency import EarlierStart, StartOnce, StartRecord
from stepcall.domain.run import RunStatus
from stepcall.stores.dynamo_new_runs import ATTEMPTS
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.run_store import (
    RunExistsError,
    RunNotFoundError,
    RunStore,
    StartedOnceError,
    TableClaimedError,
)
from tests.contract.conftest import RETENTION, in_parallel, nth_id
from tests.contract.test_dynamo_faults import FaultyClient, canceled, refused
from tests.contract.test_run_store import ENDS, PENDING, RUN_ID, START, numbered
from tests.contract.test_table_claims import CALLED, CLAIM, TABLE, claim_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ONCE = StartOnce("8e03978e-40d5-43dd-bc93-6894a57f9324", "a" * 64)
KEY_ID = "0b5e4a52-0000-4000-8000-000000000000"
STARTED = replace(PENDING, principal_id=KEY_ID)
EARLIER = EarlierStart(RUN_ID, ONCE.fingerprint)
RECORD = StartRecord("acme", KEY_ID, ONCE, RUN_ID, START)


def found(store: RunStore, *, key: str = ONCE.key, after: timedelta = timedelta()) -> EarlierStart | None:
    return store.find_start("acme", KEY_ID, key, START + after)


def run_ids(store: RunStore) -> list[Any]:
    return [run.run_id for run in store.list_by_tenant("acme", limit=50, after=None).runs]


def of_key(number: int) -> Any:
    return replace(numbered(number), principal_id=KEY_ID)


def test_a_start_is_found_by_its_key(run_store: RunStore) -> None:
    assert found(run_store) is None
    run_store.put(STARTED, once=ONCE)
    assert found(run_store) == EARLIER
    assert run_store.get("acme", RUN_ID).run == STARTED


def test_a_start_is_its_tenants_its_callers_and_its_keys(run_store: RunStore) -> None:
    run_store.put(STARTED, once=ONCE)
    for tenant, principal_id, key in (
        ("other", KEY_ID, ONCE.key),
        ("acme", "another", ONCE.key),
        ("acme", "", ONCE.key),
        ("acme", KEY_ID, ONCE.key.upper()),
        (f"acme#{KEY_ID}", "", ONCE.key),
    ):
        assert run_store.find_start(tenant, principal_id, key, START) is None
    for number, run in enumerate((replace(PENDING, tenant="other"), replace(PENDING, principal_id="another")), 2):
        run_store.put(replace(run, run_id=nth_id(number)), once=ONCE)
        assert run_store.find_start(run.tenant, run.principal_id, ONCE.key, START) == (nth_id(number), "a" * 64)


@pytest.mark.parametrize("once", [ONCE, StartOnce(ONCE.key, "b" * 64)])
def test_a_second_run_of_a_key_is_not_stored(run_store: RunStore, once: StartOnce) -> None:
    run_store.put(STARTED, once=ONCE)
    with pytest.raises(StartedOnceError):
        run_store.put(of_key(2), once=once)
    assert (found(run_store), run_ids(run_store)) == (EARLIER, [RUN_ID])


def test_a_run_that_is_stored_already_takes_no_key(run_store: RunStore) -> None:
    run_store.put(STARTED)
    with pytest.raises(RunExistsError):
        run_store.put(STARTED, once=ONCE)
    assert found(run_store) is None


def test_a_run_that_is_put_twice_with_its_key_exists_and_is_not_anothers(run_store: RunStore) -> None:
    """AWS's client sends a write again when the answer to it is lost."""
    run_store.put(STARTED, once=ONCE)
    with pytest.raises(RunExistsError):
        run_store.put(STARTED, once=ONCE)
    run_store.put_with_claim(replace(CALLED, run_id=nth_id(2)), claim_of(2), seen=None, once=StartOnce("2", "a"))
    with pytest.raises(RunExistsError):
        run_store.put_with_claim(replace(CALLED, run_id=nth_id(2)), claim_of(2), seen=None, once=StartOnce("2", "a"))


def test_a_start_is_found_long_after_its_run_has_ended_and_as_long_as_runs_are_kept(run_store: RunStore) -> None:
    run_store.put(STARTED, once=ONCE)
    run_store.end(PENDING, ENDS[RunStatus.FAILED])
    assert found(run_store, after=RETENTION - timedelta(seconds=2)) == EARLIER
    assert found(run_store, after=RETENTION + timedelta(seconds=2)) is None


def test_a_key_that_has_expired_starts_anew_whether_or_not_it_is_deleted(run_store: RunStore) -> None:
    run_store.put(STARTED, once=ONCE)
    late = timedelta(seconds=2) + RETENTION
    run_store.put(replace(of_key(2), created_at=START + late), once=ONCE)
    assert found(run_store, after=late) == EarlierStart(nth_id(2), ONCE.fingerprint)


@pytest.mark.parametrize("kind", ["memory", "dynamodb"])
def test_a_key_is_kept_for_two_days_where_runs_are_kept_for_less(kind: str, request: pytest.FixtureRequest) -> None:
    day = timedelta(days=1)
    store: RunStore = MemoryRunStore(day)
    if kind == "dynamodb":
        store = DynamoRunStore(request.getfixturevalue("dynamodb"), "RunsTable", day)
    store.put(STARTED, once=ONCE)
    assert found(store, after=2 * day - timedelta(seconds=2)) == EARLIER
    assert found(store, after=2 * day + timedelta(seconds=2)) is None


def test_a_claim_and_a_key_are_stored_with_their_run_or_not_at_all(run_store: RunStore) -> None:
    called = replace(CALLED, principal_id=KEY_ID)
    run_store.put_with_claim(called, CLAIM, seen=None, once=ONCE)
    assert (found(run_store), run_store.get_claim("acme", TABLE)) == (EARLIER, CLAIM)
    with pytest.raises(TableClaimedError):
        run_store.put_with_claim(of_key(2), claim_of(2), seen=None, once=StartOnce("2", "a"))
    assert found(run_store, key="2") is None
    with pytest.raises(StartedOnceError):
        run_store.put_with_claim(of_key(3), claim_of(3), seen=RUN_ID, once=ONCE)
    with pytest.raises(StartedOnceError):  # of two refusals this one counts: there is a run to answer with
        run_store.put_with_claim(of_key(4), claim_of(4), seen=None, once=ONCE)
    assert run_store.get_claim("acme", TABLE) == CLAIM
    assert run_ids(run_store) == [RUN_ID]


def test_a_key_alone_is_stored_for_a_run_that_others_have_started(run_store: RunStore) -> None:
    run_store.put(PENDING)
    run_store.put_start(RECORD)
    run_store.put_start(RECORD)  # again: the answer was lost
    assert found(run_store) == EARLIER
    for other in (RECORD._replace(run_id=nth_id(2)), RECORD._replace(once=StartOnce(ONCE.key, "b" * 64))):
        with pytest.raises(StartedOnceError):
            run_store.put_start(other)
    assert found(run_store) == EARLIER


def test_of_200_who_put_one_key_at_once_one_wins_and_only_its_run_is_there(run_store: RunStore) -> None:
    raised = in_parallel([partial(run_store.put, of_key(number), once=ONCE) for number in range(1, 201)])
    assert Counter(map(type, raised)) == {type(None): 1, StartedOnceError: 199}
    [winner] = [index + 1 for index, error in enumerate(raised) if error is None]
    assert found(run_store) == EarlierStart(nth_id(winner), ONCE.fingerprint)
    assert run_ids(run_store) == [nth_id(winner)]


def test_a_key_is_in_no_index_its_text_nowhere_and_it_expires(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    store.put(STARTED, once=ONCE)
    for index in ("by_tenant", "by_workflow", "open_runs"):
        items = dynamodb.scan(TableName="RunsTable", IndexName=index)["Items"]
        assert [item["run_id"]["S"] for item in items] == [str(RUN_ID)], index
    [item] = [item for item in dynamodb.scan(TableName="RunsTable")["Items"] if item["item"]["S"] == "KEY"]
    assert item.keys() == {"run_id", "item", "owner", "for_run", "fingerprint", "expires_at"}
    assert item["run_id"]["S"].startswith(f"START#acme#{KEY_ID}#")
    assert ONCE.key not in str(item)
    assert datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC) == (START + RETENTION).replace(microsecond=0)


class FaultyOnce(FaultyClient):
    """The first transactions fail with these errors, the next are as they are; `calls` counts all."""

    def __init__(self, client: "DynamoDBClient", *errors: ClientError) -> None:
        super().__init__(client)
        self._errors = list(errors)

    def transact_write_items(self, **request: Any) -> Any:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return self._client.transact_write_items(**request)


def faulty(client: Any, slept: list[float]) -> DynamoRunStore:
    return DynamoRunStore(client, "RunsTable", RETENTION, slept.append)


def test_a_conflict_over_a_key_is_waited_out_until_it_is_known_who_was_first(dynamodb: "DynamoDBClient") -> None:
    conflict = canceled("None", "TransactionConflict")
    client, slept = FaultyOnce(dynamodb, conflict, conflict), list[float]()
    faulty(client, slept).put(STARTED, once=ONCE)
    assert (client.calls, len(slept)) == (3, 2)
    assert found(faulty(dynamodb, [])) == EARLIER
    client = FaultyOnce(dynamodb, conflict)
    with pytest.raises(StartedOnceError):
        faulty(client, slept).put(of_key(2), once=ONCE)


def test_a_conflict_that_does_not_pass_is_one_and_takes_less_than_a_request_has(dynamodb: "DynamoDBClient") -> None:
    client, slept = FaultyClient(dynamodb, canceled("None", "TransactionConflict")), list[float]()
    with pytest.raises(StartedOnceError):
        faulty(client, slept).put(STARTED, once=ONCE)
    assert (client.calls, len(slept)) == (ATTEMPTS, ATTEMPTS - 1)
    assert sum(slept) < 3


@pytest.mark.parametrize(
    ("codes", "raised"),
    [
        (("ConditionalCheckFailed", "ConditionalCheckFailed", "ConditionalCheckFailed"), RunExistsError),
        (("None", "ConditionalCheckFailed", "TransactionConflict"), StartedOnceError),
        (("None", "TransactionConflict", "ConditionalCheckFailed"), TableClaimedError),
        (("None", "None", "TransactionConflict"), TableClaimedError),
        (("None", "TransactionConflict", "None"), StartedOnceError),
        (("None", "ThrottlingError", "ConditionalCheckFailed"), ClientError),
    ],
)
def test_what_three_items_were_refused_for(
    dynamodb: "DynamoDBClient", codes: tuple[str, ...], raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        faulty(FaultyClient(dynamodb, canceled(*codes)), []).put_with_claim(STARTED, CLAIM, seen=None, once=ONCE)
    with pytest.raises(RunNotFoundError):
        faulty(dynamodb, []).get("acme", RUN_ID)


@pytest.mark.parametrize(
    ("code", "raised"),
    [("TransactionConflictException", StartedOnceError), ("ThrottlingException", ClientError)],
)
def test_a_key_alone_that_meets_a_conflict_is_anothers_and_throttling_is_an_error(
    dynamodb: "DynamoDBClient", code: str, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        faulty(FaultyClient(dynamodb, refused(code)), []).put_start(RECORD)
