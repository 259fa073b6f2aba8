"""Procedures in the workflows table: one item each, a tenant's in one partition."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.procedure import Procedure
from stepcall.stores.dynamo_items import Item, read_values, write_time, write_values
from stepcall.stores.dynamo_pages import read_all
from stepcall.stores.procedure_store import ProcedureNotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef


class DynamoProcedureStore:
    """See ProcedureStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, procedure: Procedure) -> None:
        self._client.put_item(TableName=self._table, Item=_item(procedure))

    def replace(self, procedure: Procedure) -> None:
        try:
            self._client.put_item(
                TableName=self._table, Item=_item(procedure), ConditionExpression="attribute_exists(pk)"
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise ProcedureNotFoundError("There is no such procedure.") from exc

    def get(self, tenant: str, name: str) -> Procedure:
        # consistent: a procedure works when its maker has the answer, and a disabled one is not read again
        answer = self._client.get_item(TableName=self._table, Key=_key(tenant, name), ConsistentRead=True)
        if "Item" not in answer:
            raise ProcedureNotFoundError("There is no such procedure.")
        return _read(tenant, answer["Item"])

    def list_by_tenant(self, tenant: str) -> Sequence[Procedure]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": write_values({":pk": _pk(tenant)}),
            "ConsistentRead": True,
        }
        return [_read(tenant, item) for item in read_all(self._client, request)]

    def delete(self, tenant: str, name: str) -> None:
        self._client.delete_item(TableName=self._table, Key=_key(tenant, name))


def _pk(tenant: str) -> str:
    return f"PROCEDURE#{tenant}"


def _key(tenant: str, name: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": _pk(tenant), "sk": name})


def _item(procedure: Procedure) -> "dict[str, AttributeValueTypeDef]":
    values: dict[str, str | int | None] = {
        "workflow_id": str(procedure.workflow_id),
        "workflow_version": procedure.workflow_version,
        "connection": procedure.connection,
        "cache": int(procedure.cache),
        "enabled_at": write_time(procedure.enabled_at),
    }
    return _key(procedure.tenant, procedure.name) | write_values(values)


def _read(tenant: str, item: Item) -> Procedure:
    values = read_values(item)
    return Procedure(
        tenant=tenant,
        workflow_id=UUID(values["workflow_id"]),
        workflow_version=values["workflow_version"],
        connection=values["connection"],
        cache=bool(values["cache"]),
        enabled_at=datetime.fromisoformat(values["enabled_at"]),
    )
