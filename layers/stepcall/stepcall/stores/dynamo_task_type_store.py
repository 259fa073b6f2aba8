"""Task types of tenants' own in the workflows table: one item each, a tenant's in one partition."""

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepcall.domain.custom_type import CustomType
from stepcall.domain.json_text import read_json, write_json
from stepcall.stores.dynamo_items import Item, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_pages import read_all
from stepcall.stores.task_type_errors import TaskTypeNotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef


class DynamoTaskTypeStore:
    """See TaskTypeStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, tenant: str, custom: CustomType) -> None:
        self._client.put_item(TableName=self._table, Item=_item(tenant, custom))

    def get(self, tenant: str, name: str) -> CustomType:
        # consistent: a type can be used when its maker has the answer
        answer = self._client.get_item(TableName=self._table, Key=_key(tenant, name), ConsistentRead=True)
        if "Item" not in answer:
            raise TaskTypeNotFoundError("There is no such task type.")
        return _read(answer["Item"])

    def list_by_tenant(self, tenant: str) -> Sequence[CustomType]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": write_values({":pk": _pk(tenant)}),
            "ConsistentRead": True,
        }
        return [_read(item) for item in read_all(self._client, request)]

    def delete(self, tenant: str, name: str) -> None:
        try:
            self._client.delete_item(
                TableName=self._table, Key=_key(tenant, name), ConditionExpression="attribute_exists(pk)"
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise TaskTypeNotFoundError("There is no such task type.") from exc


def _pk(tenant: str) -> str:
    return f"TASK_TYPES#{tenant}"


def _key(tenant: str, name: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": _pk(tenant), "sk": name})


def _item(tenant: str, custom: CustomType) -> "dict[str, AttributeValueTypeDef]":
    values: dict[str, str | int | None] = {
        "created_at": write_time(custom.created_at) if custom.created_at else None,
        "updated_at": write_time(custom.updated_at) if custom.updated_at else None,
    }
    said = zlib.compress(write_json(custom.to_json()).encode())
    return _key(tenant, custom.name) | write_values(values) | {"said": {"B": said}}


def _read(item: Item) -> CustomType:
    values = read_values(item)
    said = read_json(zlib.decompress(values["said"]))
    created_at, updated_at = (read_time(values.get(name)) for name in ("created_at", "updated_at"))
    return CustomType(**said, created_at=created_at, updated_at=updated_at)
