"""A `config_id` is one workflow's of its tenant, from the version that claims it to the one that does not."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.ids import spell_workflow
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.stores.workflow_store import (
    ConfigIdTakenError,
    VersionConflictError,
    WorkflowNotFoundError,
    WorkflowStore,
)
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_dynamo_faults import FaultyClient, canceled
from tests.contract.test_small_stores import VERSION
from tests.contract.test_workflow_store import LATER, AnswerLost, first, listed, named, next_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TABLE = "WorkflowsTable"


def claiming(version: WorkflowVersion, config_id: str | None, name: str = "a workflow") -> WorkflowVersion:
    """The same version with that `config_id`, or none."""
    return replace(version, definition=named(name, **({"config_id": config_id} if config_id else {})))


def put_first(store: WorkflowStore, number: int, config_id: str | None, tenant: str = "acme") -> WorkflowVersion:
    version = claiming(first(number, tenant=tenant), config_id)
    store.put_first(version)
    return version


def put_next(store: WorkflowStore, newest: WorkflowVersion, config_id: str | None) -> WorkflowVersion:
    version = claiming(next_of(newest), config_id)
    store.put_next(version, newest)
    return version


def owner(store: WorkflowStore, config_id: str, tenant: str = "acme") -> UUID | None:
    try:
        return store.find_config_id(tenant, config_id)
    except WorkflowNotFoundError:
        return None


def test_a_workflow_is_found_by_its_config_id_as_it_is_spelled(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "cg-Nightly.1")
    put_first(workflow_store, 2, None)
    assert owner(workflow_store, "cg-Nightly.1") == nth_id(1)
    for other in ("cg-nightly.1", "cg-Nightly.1 ", "cg-Nightly", "cg-Nightly.", "HEAD", "V#0000000001", "acme", "-"):
        assert owner(workflow_store, other) is None


def test_what_is_not_there_is_told_without_repeating_it(workflow_store: WorkflowStore) -> None:
    with pytest.raises(WorkflowNotFoundError, match="no workflow of this config_id") as raised:
        workflow_store.find_config_id("acme", "what-the-caller-sent")
    assert "caller" not in str(raised.value)


def test_another_tenant_may_have_the_same(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "shared")
    assert owner(workflow_store, "shared", "other") is None
    theirs = put_first(workflow_store, 2, "shared", tenant="other")
    assert (owner(workflow_store, "shared"), owner(workflow_store, "shared", "other")) == (nth_id(1), nth_id(2))
    workflow_store.delete(theirs, LATER)
    assert (owner(workflow_store, "shared"), owner(workflow_store, "shared", "other")) == (nth_id(1), None)


def test_a_new_workflow_with_a_config_id_that_is_taken_is_not_stored(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "taken")
    with pytest.raises(ConfigIdTakenError) as refused:
        put_first(workflow_store, 2, "taken")
    has_it = f"The workflow `{spell_workflow(nth_id(1))}` has this config_id"
    assert [(problem.location, problem.code, problem.message) for problem in refused.value.problems] == [
        ("/config_id", "config_id_taken", f"{has_it}.")
    ]
    assert str(refused.value).startswith(f"{has_it}, and nothing was stored. Choose another one")
    assert owner(workflow_store, "taken") == nth_id(1)
    assert [summary.workflow_id for summary in listed(workflow_store)] == [nth_id(1)]
    for read in (partial(workflow_store.get_latest, "acme"), partial(workflow_store.get_version, version=1)):
        with pytest.raises(WorkflowNotFoundError):
            read(nth_id(2))


def test_a_version_with_a_config_id_that_is_taken_is_not_stored(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "taken")
    mine = put_first(workflow_store, 2, "mine")
    with pytest.raises(ConfigIdTakenError, match=spell_workflow(nth_id(1))):
        put_next(workflow_store, mine, "taken")
    assert (owner(workflow_store, "taken"), owner(workflow_store, "mine")) == (nth_id(1), nth_id(2))
    assert workflow_store.get_latest("acme", nth_id(2)) == mine
    with pytest.raises(WorkflowNotFoundError):
        workflow_store.get_version(nth_id(2), 2)


@pytest.mark.parametrize("then", ["another", None])
def test_a_version_with_another_config_id_or_none_frees_the_old_one(
    workflow_store: WorkflowStore, then: str | None
) -> None:
    one = put_first(workflow_store, 1, "old")
    put_next(workflow_store, one, then)
    assert owner(workflow_store, "old") is None
    assert then is None or owner(workflow_store, then) == nth_id(1)
    put_first(workflow_store, 2, "old")
    assert owner(workflow_store, "old") == nth_id(2)


def test_a_version_with_the_same_config_id_keeps_it(workflow_store: WorkflowStore) -> None:
    newest = put_first(workflow_store, 1, "kept")
    for _ in range(3):
        newest = put_next(workflow_store, newest, "kept")
        assert owner(workflow_store, "kept") == nth_id(1)
    with pytest.raises(ConfigIdTakenError):
        put_first(workflow_store, 2, "kept")


def test_a_workflow_may_have_its_old_config_id_again_unless_somebody_took_it(workflow_store: WorkflowStore) -> None:
    one = put_first(workflow_store, 1, "a")
    three = put_next(workflow_store, put_next(workflow_store, one, "b"), "a")
    assert (owner(workflow_store, "a"), owner(workflow_store, "b")) == (nth_id(1), None)
    four = put_next(workflow_store, three, None)
    put_first(workflow_store, 2, "a")
    with pytest.raises(ConfigIdTakenError):
        put_next(workflow_store, four, "a")


def test_a_deleted_workflow_has_no_config_id(workflow_store: WorkflowStore) -> None:
    one = put_first(workflow_store, 1, "freed")
    workflow_store.delete(one, LATER)
    assert owner(workflow_store, "freed") is None
    put_first(workflow_store, 2, "freed")
    with pytest.raises(VersionConflictError):
        workflow_store.delete(one, LATER + timedelta(seconds=1))
    assert owner(workflow_store, "freed") == nth_id(2)


def test_who_was_outrun_neither_claims_nor_frees(workflow_store: WorkflowStore) -> None:
    one = put_first(workflow_store, 1, "a")
    put_next(workflow_store, one, "b")
    put_first(workflow_store, 2, "a")
    for late in (
        partial(put_next, workflow_store, one, "c"),
        partial(put_next, workflow_store, one, "a"),
        partial(workflow_store.delete, one, LATER),
    ):
        with pytest.raises(VersionConflictError):
            late()
    assert [owner(workflow_store, config_id) for config_id in "abc"] == [nth_id(2), nth_id(1), None]


def test_of_many_workflows_that_claim_one_config_id_at_once_one_has_it(workflow_store: WorkflowStore) -> None:
    changed = [put_first(workflow_store, number, None) for number in range(1, 7)]
    claims = [partial(put_next, workflow_store, newest, "wanted") for newest in changed]
    claims += [partial(put_first, workflow_store, number, "wanted") for number in range(7, 13)]
    raised = in_parallel(claims)
    [winner] = [number for number, error in enumerate(raised, start=1) if error is None]
    assert Counter(map(type, raised)) == {type(None): 1, ConfigIdTakenError: 11}
    assert owner(workflow_store, "wanted") == nth_id(winner)
    named_so = [version.workflow_id for version in newest_of_all(workflow_store) if version.definition.config_id]
    assert named_so == [nth_id(winner)]


def newest_of_all(store: WorkflowStore) -> list[WorkflowVersion]:
    return [store.get_latest("acme", summary.workflow_id) for summary in listed(store)]


def test_who_frees_and_who_claims_at_once_never_both_have_it(workflow_store: WorkflowStore) -> None:
    for number in range(1, 13, 2):
        config_id = f"contested-{number}"
        has_it = put_first(workflow_store, number, config_id)
        free: Any = partial(put_next, workflow_store, has_it, None)
        if number % 4 == 1:
            free = partial(workflow_store.delete, has_it, LATER)
        freed, claimed = in_parallel([free, partial(put_first, workflow_store, number + 1, config_id)])
        assert freed is None
        assert claimed is None or isinstance(claimed, ConfigIdTakenError)
        assert owner(workflow_store, config_id) == (nth_id(number + 1) if claimed is None else None)


def claim_items(dynamodb: "DynamoDBClient") -> dict[str, str]:
    items = dynamodb.scan(TableName=TABLE)["Items"]
    return {item["sk"]["S"]: item["workflow_id"]["S"] for item in items if item["pk"]["S"] == "CONFIG#acme"}


def test_every_claim_is_a_workflows_and_none_is_left_behind(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, TABLE)
    one, two = put_first(store, 1, "a"), put_first(store, 2, "b")
    assert claim_items(dynamodb) == {"a": str(nth_id(1)), "b": str(nth_id(2))}
    one = put_next(store, one, "c")
    store.delete(two, LATER)
    assert claim_items(dynamodb) == {"c": str(nth_id(1))}
    indexed = dynamodb.scan(TableName=TABLE, IndexName="by_tenant")["Items"]
    assert [item["sk"]["S"] for item in indexed] == ["HEAD"]
    put_next(store, one, None)
    assert claim_items(dynamodb) == {}


class Interrupted(AnswerLost):
    """A client that hears nothing of its first call, and makes it again when others have done something."""

    def __init__(self, client: "DynamoDBClient", others: Any) -> None:
        super().__init__(client)
        self._others = others

    def transact_write_items(self, **request: Any) -> Any:
        self._client.transact_write_items(**request)
        self._others()
        return self._client.transact_write_items(**request)


def test_a_claim_whose_answer_was_lost_is_not_taken_for_another_workflows(dynamodb: "DynamoDBClient") -> None:
    lost: Any = AnswerLost(dynamodb)
    store = DynamoWorkflowStore(lost, TABLE)
    one = put_first(store, 1, "a")
    two = put_next(store, one, "b")
    assert (owner(store, "a"), owner(store, "b")) == (None, nth_id(1))
    three = put_next(store, two, "b")
    four = put_next(store, three, None)
    assert owner(store, "b") is None
    five = put_next(store, four, "c")
    store.delete(five, LATER)
    assert claim_items(dynamodb) == {}


def test_a_refusal_whose_answer_was_lost_is_the_same_refusal(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, TABLE)
    put_first(store, 1, "taken")
    mine = put_first(store, 2, None)

    class RefusedTwice(AnswerLost):
        def transact_write_items(self, **request: Any) -> Any:
            with pytest.raises(ClientError):
                self._client.transact_write_items(**request)
            return self._client.transact_write_items(**request)

    lost: Any = RefusedTwice(dynamodb)
    again = DynamoWorkflowStore(lost, TABLE)
    with pytest.raises(ConfigIdTakenError):
        put_first(again, 3, "taken")
    with pytest.raises(ConfigIdTakenError):
        put_next(again, mine, "taken")


def test_a_repeated_change_takes_nothing_from_who_came_in_between(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, TABLE)
    one = put_first(store, 1, "a")
    lost: Any = Interrupted(dynamodb, partial(put_first, store, 2, "a"))
    two = put_next(DynamoWorkflowStore(lost, TABLE), one, "b")
    assert (owner(store, "a"), owner(store, "b")) == (nth_id(2), nth_id(1))
    lost = Interrupted(dynamodb, partial(put_first, store, 3, "b"))
    DynamoWorkflowStore(lost, TABLE).delete(two, LATER)
    assert claim_items(dynamodb) == {"a": str(nth_id(2)), "b": str(nth_id(3))}


def test_a_repeated_claim_is_made_also_when_others_have_changed_the_workflow_since(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, TABLE)
    one = claiming(first(1), "a")
    lost: Any = Interrupted(dynamodb, lambda: put_next(store, one, "b"))
    DynamoWorkflowStore(lost, TABLE).put_first(one)
    assert claim_items(dynamodb) == {"b": str(nth_id(1))}


def test_a_claim_of_its_own_never_stands_in_a_workflows_way(dynamodb: "DynamoDBClient") -> None:
    """Otherwise a repeated call would have to be told by which of several refusals DynamoDB names."""
    claim: Any = {"pk": {"S": "CONFIG#acme"}, "sk": {"S": "a"}, "workflow_id": {"S": str(nth_id(1))}}
    dynamodb.put_item(TableName=TABLE, Item=claim)
    store = DynamoWorkflowStore(dynamodb, TABLE)
    with pytest.raises(ConfigIdTakenError):
        put_first(store, 2, "a")
    put_first(store, 1, "a")
    assert claim_items(dynamodb) == {"a": str(nth_id(1))}


OUTRUN = ["ConditionalCheckFailed", "TransactionConflict"]


@pytest.mark.parametrize(
    ("codes", "raised"),
    [
        (("None", "None", "ConditionalCheckFailed"), ConfigIdTakenError),
        (("None", "None", "TransactionConflict"), VersionConflictError),
        *((("None", code, "ConditionalCheckFailed"), VersionConflictError) for code in OUTRUN),
        *(((code, "None", "ConditionalCheckFailed"), VersionConflictError) for code in OUTRUN),
        (("None", "ConditionalCheckFailed", "None"), VersionConflictError),
        (("None", "None", "ThrottlingError"), ClientError),
        (("ThrottlingError", "None", "ConditionalCheckFailed"), ClientError),
    ],
)
def test_a_config_id_is_taken_only_where_nothing_else_was_in_the_way(
    dynamodb: "DynamoDBClient", codes: tuple[str, ...], raised: type[Exception]
) -> None:
    client: Any = FaultyClient(dynamodb, canceled(*codes, item={"workflow_id": {"S": str(nth_id(9))}}))
    store = DynamoWorkflowStore(client, TABLE)
    with pytest.raises(raised):
        store.put_first(claiming(VERSION, "a"))
    with pytest.raises(raised):
        put_next(store, VERSION, "a")


@pytest.mark.parametrize(
    ("before", "after", "writes"),
    [
        (None, None, ["Put", "Put"]),
        ("a", "a", ["Put", "Put"]),
        (None, "a", ["Put", "Put", "Put"]),
        ("a", None, ["Put", "Put", "Delete"]),
        ("a", "b", ["Put", "Put", "Put", "Delete"]),
    ],
)
def test_only_a_change_of_the_config_id_writes_more(
    dynamodb: "DynamoDBClient", before: str | None, after: str | None, writes: list[str]
) -> None:
    one = put_first(DynamoWorkflowStore(dynamodb, TABLE), 1, before)
    sent: list[Any] = []

    class Watched(FaultyClient):
        def transact_write_items(self, **request: Any) -> Any:
            sent.extend(next(iter(write)) for write in request["TransactItems"])
            return dynamodb.transact_write_items(**request)

    client: Any = Watched(dynamodb)
    put_next(DynamoWorkflowStore(client, TABLE), one, after)
    assert sent == writes


def test_what_a_start_goes_by_is_read_as_it_is_now(dynamodb: "DynamoDBClient") -> None:
    """Otherwise a start could be of a version, or of a workflow, that was there before the lease began."""
    store = DynamoWorkflowStore(dynamodb, TABLE)
    put_first(store, 1, "a")
    asked: dict[str, bool] = {}
    for operation in ("GetItem", "Query"):
        dynamodb.meta.events.register(
            f"provide-client-params.dynamodb.{operation}",
            lambda params, model, **_: asked.update({model.name: params.get("ConsistentRead", False)}),
        )
    for read, operation in (
        (partial(store.find_config_id, "acme", "a"), "GetItem"),
        (partial(store.get_latest, "acme", nth_id(1)), "Query"),
        (partial(store.get_latest_now, "acme", nth_id(1)), "Query"),
        (partial(store.get_version, nth_id(1), 1), "GetItem"),
    ):
        asked.clear()
        read()
        assert asked == {operation: True}, read
