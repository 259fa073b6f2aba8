"""Connections in the workflows table: an item for each, and one for each of its datasets, which one Query reads.

A dataset's item says which connection it is of: what a deleted one of the same name has left behind is not shown.
Every change is a transaction, which AWS's client repeats under one token: what is done once is done once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.connection import (
    DEFAULT_CONNECTION,
    Column,
    Connection,
    ConnectionWithDatasets,
    Dataset,
    SqlEngine,
    default_connection,
)
from stepcall.domain.json_text import read_json, write_json
from stepcall.stores.connection_store import ConnectionExistsError, ConnectionNotFoundError, DatasetNotFoundError
from stepcall.stores.dynamo_items import Item, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_pages import read_all
from stepcall.stores.dynamo_transactions import refused_writes, write_together

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

BEFORE_DATASET, AFTER_DATASETS = "#", "$"
"""No name has either, and the one follows upon the other: `a`, `a#…`, `a$`, `a-b`."""
NO_CONNECTION = "There is no connection of this name."
OF_CONNECTION = "connection_id = :connection_id"


class DynamoConnectionStore:
    """See ConnectionStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, connection: Connection, datasets: Sequence[Dataset]) -> None:
        item = _connection_item(connection)
        new = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        puts: list[Any] = [{"Put": {"Item": item, **new}}]
        try:
            write_together(
                self._client,
                self._table,
                puts + [{"Put": {"Item": _dataset_item(connection, dataset)}} for dataset in datasets],
            )
        except ClientError as exc:
            if not any(refused_writes(exc)):
                raise
            reasons: Any = exc.response["CancellationReasons"]
            # a token is good for ten minutes: what stands there may be this one
            if reasons[0].get("Item") != item:
                raise ConnectionExistsError("There is a connection of this name.") from exc

    def get(self, tenant: str, name: str) -> Connection:
        answer = self._client.get_item(TableName=self._table, Key=_key(tenant, name), ConsistentRead=True)
        return _read_connection(tenant, name, answer.get("Item"))

    def get_with_datasets(self, tenant: str, name: str) -> ConnectionWithDatasets:
        items = self._query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {":pk": _pk(tenant), ":first": name, ":last": name + AFTER_DATASETS},
        )
        return _assemble(tenant, name, items)

    def list_by_tenant(self, tenant: str) -> Sequence[ConnectionWithDatasets]:
        by_name: dict[str, list[Item]] = {DEFAULT_CONNECTION: []}
        for item in self._query("pk = :pk", {":pk": _pk(tenant)}):
            by_name.setdefault(_name_of(item), []).append(item)
        there = [name for name, items in by_name.items() if name == DEFAULT_CONNECTION or _is_connection(items[0])]
        return [_assemble(tenant, name, by_name[name]) for name in there]

    def put_dataset(self, tenant: str, connection: str, dataset: Dataset, now: datetime) -> None:
        found = self.get(tenant, connection)
        self._change([_moved(found, now), {"Put": {"Item": _dataset_item(found, dataset)}}])

    def delete_dataset(self, tenant: str, connection: str, dataset: str, now: datetime) -> None:
        found = self.get(tenant, connection)
        delete = {"Key": _key(tenant, connection, dataset), **_condition(found.connection_id)}
        self._change([_moved(found, now), {"Delete": delete}])

    def touch(self, tenant: str, connection: str, now: datetime) -> None:
        self._change([_moved(self.get(tenant, connection), now)])

    def delete(self, tenant: str, name: str) -> None:
        found = self.get_with_datasets(tenant, name)
        delete = {"Key": _key(tenant, name), **_condition(found.connection.connection_id)}
        self._change([{"Delete": delete}])
        # from here on they are not shown, so it does no harm if this is cut short
        for dataset in found.datasets:
            self._client.delete_item(TableName=self._table, Key=_key(tenant, name, dataset))

    def _query(self, condition: str, values: dict[str, str]) -> list[Item]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": write_values(values),
            "ConsistentRead": True,  # who has been told of a dataset finds it
        }
        return list(read_all(self._client, request))

    def _change(self, writes: Sequence[Any]) -> None:
        """Raises ConnectionNotFoundError when the first condition fails, DatasetNotFoundError for the second."""
        try:
            write_together(self._client, self._table, writes)
        except ClientError as exc:
            refused = refused_writes(exc)
            if not any(refused):
                raise
            error = ConnectionNotFoundError if refused[0] else DatasetNotFoundError
            raise error("There is nothing of this name.") from exc


def _pk(tenant: str) -> str:
    return f"CONNECTIONS#{tenant}"


def _key(tenant: str, connection: str, dataset: str | None = None) -> "dict[str, AttributeValueTypeDef]":
    sk = connection if dataset is None else f"{connection}{BEFORE_DATASET}{dataset}"
    return write_values({"pk": _pk(tenant), "sk": sk})


def _name_of(item: Item) -> str:
    return str(item["sk"]["S"]).partition(BEFORE_DATASET)[0]


def _is_connection(item: Item) -> bool:
    return BEFORE_DATASET not in item["sk"]["S"]


def _condition(connection_id: UUID) -> dict[str, Any]:
    return {
        "ConditionExpression": OF_CONNECTION,
        "ExpressionAttributeValues": write_values({":connection_id": str(connection_id)}),
    }


def _moved(connection: Connection, now: datetime) -> dict[str, Any]:
    """The update of `changed_at`. The default connection comes into being by it, and has its id."""
    update: dict[str, Any] = {
        "Key": _key(connection.tenant, connection.name),
        "UpdateExpression": "SET changed_at = :now, connection_id = :connection_id",
        **_condition(connection.connection_id),
    }
    update["ExpressionAttributeValues"] |= write_values({":now": write_time(now)})
    if connection.name == DEFAULT_CONNECTION:
        del update["ConditionExpression"]
    return {"Update": update}


def _connection_item(connection: Connection) -> "dict[str, AttributeValueTypeDef]":
    """No `tenant`: the index `by_tenant` holds workflows alone."""
    values: dict[str, str | int | None] = {
        "connection_id": str(connection.connection_id),
        "engine": connection.engine.value,
        "location": connection.location,
        "created_at": write_time(connection.created_at) if connection.created_at else None,
        "changed_at": write_time(connection.changed_at) if connection.changed_at else None,
    }
    return _key(connection.tenant, connection.name) | write_values(values)


def _dataset_item(connection: Connection, dataset: Dataset) -> "dict[str, AttributeValueTypeDef]":
    values: dict[str, str | int | None] = {
        "connection_id": str(connection.connection_id),
        "key": dataset.key,
        "columns": write_json([list(column) for column in dataset.columns]),
        "row_count": dataset.row_count,
        "size": dataset.size,
        "created_at": write_time(dataset.created_at),
    }
    return _key(connection.tenant, connection.name, dataset.name) | write_values(values)


def _assemble(tenant: str, name: str, items: Sequence[Item]) -> ConnectionWithDatasets:
    """Raises ConnectionNotFoundError."""
    stored = items[0] if items and _is_connection(items[0]) else None
    connection = _read_connection(tenant, name, stored)
    datasets = [_read_dataset(item) for item in items if not _is_connection(item) and _is_of(item, connection)]
    return ConnectionWithDatasets(connection, {dataset.name: dataset for dataset in datasets})


def _is_of(item: Item, connection: Connection) -> bool:
    return bool(item["connection_id"]["S"] == str(connection.connection_id))


def _read_connection(tenant: str, name: str, item: Item | None) -> Connection:
    """Raises ConnectionNotFoundError."""
    if item is None and name != DEFAULT_CONNECTION:
        raise ConnectionNotFoundError(NO_CONNECTION)
    values = read_values(item or {})
    changed_at = read_time(values.get("changed_at"))
    if name == DEFAULT_CONNECTION:
        return replace(default_connection(tenant), changed_at=changed_at)
    return Connection(
        tenant=tenant,
        connection_id=UUID(values["connection_id"]),
        name=name,
        engine=SqlEngine(values["engine"]),
        location=values["location"],
        created_at=read_time(values["created_at"]),
        changed_at=changed_at,
    )


def _read_dataset(item: Item) -> Dataset:
    values = read_values(item)
    return Dataset(
        name=values["sk"].partition(BEFORE_DATASET)[2],
        key=values["key"],
        columns=tuple(Column(*column) for column in read_json(values["columns"])),
        row_count=values["row_count"],
        size=values["size"],
        created_at=datetime.fromisoformat(values["created_at"]),
    )
