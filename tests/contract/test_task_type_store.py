"""What every store of tenants' own task types does."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.custom_type import CustomType
from stepcall.stores.dynamo_task_type_store import DynamoTaskTypeStore
from stepcall.stores.task_type_errors import TaskTypeNotFoundError
from stepcall.stores.task_type_store import TaskTypeStore
from tests.contract.test_dynamo_faults import refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MADE_AT = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
PRICE = CustomType(
    "Acme.Price",
    "arn:aws:lambda:eu-central-1:123456789012:function:price",
    {"type": "object", "properties": {"é": {"type": "number", "maximum": 1.5}}, "required": ["é"]},
    {"type": "object"},
    "What it costs.",
    MADE_AT,
    MADE_AT,
)


@pytest.mark.parametrize("description", [None, "", "What it costs."])
def test_a_type_is_read_as_it_was_put(task_type_store: TaskTypeStore, description: str | None) -> None:
    put = replace(PRICE, description=description)
    task_type_store.put("acme", put)
    assert task_type_store.get("acme", "Acme.Price") == put
    assert task_type_store.list_by_tenant("acme") == [put]


def test_a_type_takes_the_place_of_the_one_of_its_name(task_type_store: TaskTypeStore) -> None:
    for description in ("one", "two"):
        task_type_store.put("acme", replace(PRICE, description=description))
    assert task_type_store.get("acme", "Acme.Price").description == "two"


def test_types_are_listed_by_name(task_type_store: TaskTypeStore) -> None:
    names = ["Acme.B", "Acme.A", "Acme.Aa", "Zoo.A"]
    for name in names:
        task_type_store.put("acme", replace(PRICE, name=name))
    assert [custom.name for custom in task_type_store.list_by_tenant("acme")] == sorted(names)


def test_another_tenants_type_is_neither_read_nor_listed_nor_deleted(task_type_store: TaskTypeStore) -> None:
    task_type_store.put("acme", PRICE)
    for tenant in ("other", "", "acm", "acme#", "ACME"):
        assert task_type_store.list_by_tenant(tenant) == []
        for call in (task_type_store.get, task_type_store.delete):
            with pytest.raises(TaskTypeNotFoundError):
                call(tenant, "Acme.Price")
    assert task_type_store.get("acme", "Acme.Price") == PRICE


def test_a_type_is_deleted_once(task_type_store: TaskTypeStore) -> None:
    task_type_store.put("acme", PRICE)
    task_type_store.delete("acme", "Acme.Price")
    for call in (task_type_store.get, task_type_store.delete):
        with pytest.raises(TaskTypeNotFoundError):
            call("acme", "Acme.Price")


class Throttled:
    def delete_item(self, **_: Any) -> None:
        raise refused("ThrottlingException")


def test_a_deletion_that_failed_is_not_taken_for_a_type_that_is_not_there() -> None:
    client: Any = Throttled()
    with pytest.raises(ClientError, match="ThrottlingException"):
        DynamoTaskTypeStore(client, "WorkflowsTable").delete("acme", "Acme.Price")


def test_a_list_of_workflows_does_not_meet_types(dynamodb: "DynamoDBClient") -> None:
    DynamoTaskTypeStore(dynamodb, "WorkflowsTable").put("acme", PRICE)
    assert dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"] == []
