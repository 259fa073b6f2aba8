"""Which run writes an output table: the same tests over memory and over DynamoDB, races included."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from stepcall.domain.run import TableClaim
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.run_store import RunExistsError, RunNotFoundError, RunStore, TableClaimedError
from tests.contract.conftest import RETENTION, in_parallel, nth_id
from tests.contract.test_run_store import JOB, LATER, PENDING, RUN_ID, START, numbered

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TABLE = JOB.output_table or ""
CLAIM = TableClaim(
    tenant="acme", table=TABLE, run_id=RUN_ID, fingerprint="f" * 64, workflow_version=3, claimed_at=START
)
CALLED = replace(PENDING, job=JOB)


def claim_of(number: int, **changes: Any) -> TableClaim:
    return replace(CLAIM, run_id=nth_id(number), **changes)


def test_a_claim_is_stored_with_its_run_and_read_as_it_was(run_store: RunStore) -> None:
    assert run_store.get_claim("acme", TABLE) is None
    run_store.put_with_claim(CALLED, CLAIM, seen=None)
    assert run_store.get_claim("acme", TABLE) == CLAIM
    assert run_store.get("acme", RUN_ID).run == CALLED


def test_a_claim_is_its_tenants_and_its_tables(run_store: RunStore) -> None:
    run_store.put_with_claim(CALLED, CLAIM, seen=None)
    assert run_store.get_claim("other", TABLE) is None
    assert run_store.get_claim("acme", TABLE + "0") is None
    other = claim_of(2, tenant="other")
    run_store.put_with_claim(numbered(2, tenant="other"), other, seen=None)
    assert run_store.get_claim("other", TABLE) == other
    assert run_store.get_claim("acme", TABLE) == CLAIM


def test_a_claim_is_taken_over_by_who_has_seen_whose_it_is(run_store: RunStore) -> None:
    run_store.put_with_claim(CALLED, CLAIM, seen=None)
    later = claim_of(2, claimed_at=LATER, complete_run_id=RUN_ID, workflow_version=4)
    run_store.put_with_claim(numbered(2), later, seen=RUN_ID)
    assert run_store.get_claim("acme", TABLE) == later


@pytest.mark.parametrize("seen", [None, nth_id(7)])
def test_who_has_not_seen_whose_it_is_stores_neither_claim_nor_run(run_store: RunStore, seen: Any) -> None:
    run_store.put_with_claim(CALLED, CLAIM, seen=None)
    with pytest.raises(TableClaimedError):
        run_store.put_with_claim(numbered(2), claim_of(2), seen=seen)
    assert run_store.get_claim("acme", TABLE) == CLAIM
    with pytest.raises(RunNotFoundError):
        run_store.get("acme", nth_id(2))


def test_who_has_seen_somebody_where_nobody_is_stores_nothing(run_store: RunStore) -> None:
    with pytest.raises(TableClaimedError):
        run_store.put_with_claim(CALLED, CLAIM, seen=nth_id(7))
    with pytest.raises(RunNotFoundError):
        run_store.get("acme", RUN_ID)
    assert run_store.get_claim("acme", TABLE) is None


def test_a_run_that_is_stored_already_claims_nothing(run_store: RunStore) -> None:
    run_store.put(CALLED)
    with pytest.raises(RunExistsError):
        run_store.put_with_claim(CALLED, CLAIM, seen=None)
    assert run_store.get_claim("acme", TABLE) is None


def test_of_many_who_claim_one_table_at_once_one_wins_and_only_its_run_is_there(run_store: RunStore) -> None:
    claims = [
        partial(run_store.put_with_claim, numbered(number), claim_of(number), seen=None) for number in range(1, 21)
    ]
    raised = in_parallel(claims)
    assert Counter(map(type, raised)) == {type(None): 1, TableClaimedError: 19}
    [winner] = [index + 1 for index, error in enumerate(raised) if error is None]
    assert run_store.get_claim("acme", TABLE) == claim_of(winner)
    assert [run.run_id for run in run_store.list_by_tenant("acme", limit=50, after=None).runs] == [nth_id(winner)]


def test_of_many_who_take_a_claim_over_at_once_one_wins(run_store: RunStore) -> None:
    run_store.put_with_claim(CALLED, CLAIM, seen=None)
    taken = [
        partial(run_store.put_with_claim, numbered(number), claim_of(number), seen=RUN_ID) for number in range(2, 22)
    ]
    assert Counter(map(type, in_parallel(taken))) == {type(None): 1, TableClaimedError: 19}
    assert len(run_store.list_by_tenant("acme", limit=50, after=None).runs) == 2


def test_a_claim_is_in_no_list_and_goes_after_thirty_days(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    store.put_with_claim(CALLED, CLAIM, seen=None)
    for index in ("by_tenant", "by_workflow", "open_runs"):
        items = dynamodb.scan(TableName="RunsTable", IndexName=index)["Items"]
        assert [item["run_id"]["S"] for item in items] == [str(RUN_ID)], index
    [claim] = [item for item in dynamodb.scan(TableName="RunsTable")["Items"] if item["item"]["S"] == "TABLE"]
    assert claim["expires_at"]["N"] == str(int((START + timedelta(days=30)).timestamp()))
    assert claim.keys() & {"tenant", "workflow_key", "open"} == set()
