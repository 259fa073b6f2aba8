"""How DynamoDB keeps a `config_id` with its workflow: what is written, repeated, refused, and read."""

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.stores.workflow_store import ConfigIdTakenError, VersionConflictError
from tests.contract.conftest import nth_id
from tests.contract.test_config_ids import claiming, owner, put_first, put_next
from tests.contract.test_dynamo_faults import FaultyClient, canceled
from tests.contract.test_small_stores import VERSION
from tests.contract.test_workflow_store import LATER, AnswerLost, first

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TABLE = "WorkflowsTable"


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
