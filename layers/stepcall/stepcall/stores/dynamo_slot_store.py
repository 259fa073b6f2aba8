"""Slots in DynamoDB: one item of a tenant's holders, and one for each run that waits, beside the runs.

The item of 500 holders has 8.5 KB: every write of it costs 9 units, also one whose condition fails.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.domain.ids import read_execution_name
from stepcall.stores.dynamo_items import Item, write_values
from stepcall.stores.dynamo_pages import read_page
from stepcall.stores.dynamo_rate_limit_store import RETRY_LATER
from stepcall.stores.dynamo_update import refused_item
from stepcall.stores.slot_store import Place, Slots, SlotsUnavailableError, Taking

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

T = TypeVar("T")
SLOTS_ITEM = "SLOTS"
IS_FREE = "(attribute_not_exists(slots) OR size(slots) < :limit)"
NOBODY_WAITS = "attribute_not_exists(mark)"
IS_NOT_HELD = "NOT contains(slots, :place)"
ID_BYTES = 16


def slots_key(tenant: str) -> "dict[str, AttributeValueTypeDef]":
    return {"run_id": {"S": f"SLOTS#{tenant}"}, "item": {"S": SLOTS_ITEM}}


def waiting_key(tenant: str, place: Place) -> "dict[str, AttributeValueTypeDef]":
    return {"run_id": {"S": _waiting_of(tenant)}, "item": {"S": str(place)}}


def _waiting_of(tenant: str) -> str:
    return f"QUEUE#{tenant}"


class DynamoSlotStore:
    """See SlotStore. Items say `owner` and not `tenant`, so that no index holds them."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def take(self, tenant: str, place: Place, *, limit: int, in_turn: bool) -> Taking:
        conditions = (IS_FREE, IS_NOT_HELD) if in_turn else (IS_FREE, IS_NOT_HELD, NOBODY_WAITS)
        try:
            _reach(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=slots_key(tenant),
                    UpdateExpression="SET #owner = :owner ADD slots :places",
                    ConditionExpression=" AND ".join(conditions),
                    ExpressionAttributeNames={"#owner": "owner"},
                    ExpressionAttributeValues={
                        ":places": {"BS": [_write(place)]},
                        **write_values({":owner": tenant, ":place": _write(place), ":limit": limit}),
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except ClientError as exc:
            # AWS's client tries again when an answer is lost: then it has been taken by ourselves
            return Taking.HELD if place in _read(refused_item(exc) or {}).holders else Taking.REFUSED
        return Taking.TAKEN

    def give_back(self, tenant: str, places: Iterable[Place]) -> Slots:
        return self._change(tenant, "DELETE slots :places", {":places": {"BS": list(map(_write, places))}})

    def read(self, tenant: str) -> Slots:
        answer = _reach(
            lambda: self._client.get_item(TableName=self._table, Key=slots_key(tenant), ConsistentRead=True)
        )
        return _read(answer.get("Item", {}))

    def put_waiting(self, tenant: str, place: Place) -> None:
        item = waiting_key(tenant, place) | write_values({"owner": tenant})
        _reach(lambda: self._client.put_item(TableName=self._table, Item=item))

    def mark(self, tenant: str, place: Place) -> Slots:
        return self._change(tenant, "SET mark = :mark", {":mark": {"S": str(place)}})

    def unmark(self, tenant: str, seen: str) -> None:
        try:
            _reach(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=slots_key(tenant),
                    UpdateExpression="REMOVE mark",
                    ConditionExpression="mark = :seen",
                    ExpressionAttributeValues={":seen": {"S": seen}},
                )
            )
        except ClientError as exc:
            refused_item(exc)

    def list_waiting(self, tenant: str, *, limit: int, after: Place | None = None) -> tuple[Place, ...]:
        is_behind, values = (" AND #item > :after", {":after": str(after)}) if after else ("", {})
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": f"run_id = :queue{is_behind}",
            "ExpressionAttributeValues": write_values({":queue": _waiting_of(tenant), **values}),
            "ConsistentRead": True,
        }
        named = {"ExpressionAttributeNames": {"#item": "item"}} if after else {}
        items, _ = _reach(lambda: read_page(self._client, request | named, limit))
        return tuple(Place(*read_execution_name(item["item"]["S"])) for item in items)

    def remove_waiting(self, tenant: str, place: Place) -> bool:
        answer = _reach(
            lambda: self._client.delete_item(
                TableName=self._table, Key=waiting_key(tenant, place), ReturnValues="ALL_OLD"
            )
        )
        return bool(answer.get("Attributes"))

    def _change(self, tenant: str, update: str, values: "dict[str, AttributeValueTypeDef]") -> Slots:
        answer = _reach(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=slots_key(tenant),
                UpdateExpression=update,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        )
        return _read(answer.get("Attributes", {}))


def _write(place: Place) -> bytes:
    """A run's id; behind it the attempt, from the second on."""
    return place.run_id.bytes + (place.run_attempt.to_bytes(4) if place.run_attempt > 1 else b"")


def _read_place(written: bytes) -> Place:
    return Place(UUID(bytes=bytes(written[:ID_BYTES])), int.from_bytes(written[ID_BYTES:]) or 1)


def _read(item: Item) -> Slots:
    holders = item.get("slots", {"BS": ()})["BS"]
    return Slots(frozenset(map(_read_place, holders)), item.get("mark", {"S": None})["S"])


def _reach(call: Callable[[], T]) -> T:
    """What the call answers. Raises SlotsUnavailableError for what passes, anything else as it is."""
    try:
        return call()
    except ClientError as exc:
        code, metadata = exc.response["Error"]["Code"], exc.response.get("ResponseMetadata", {})
        if code in RETRY_LATER or metadata.get("HTTPStatusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SlotsUnavailableError(f"DynamoDB answered {code}.") from exc
        raise
    except BotoCoreError as exc:
        raise SlotsUnavailableError("DynamoDB could not be reached.") from exc
