"""Deliveries in the runs table: a run's in a partition of their own, each receiver's together and in their order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.delivery import OWN_URL, Attempt, Delivery, DeliveryStatus
from stepcall.domain.json_text import read_json, write_json
from stepcall.domain.webhook import WebhookEvent
from stepcall.stores.delivery_store import DeliveryNotFoundError, DeliveryPage, DeliveryPlace, life_of_delivery
from stepcall.stores.dynamo_items import Item, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_pages import read_all, read_page
from stepcall.stores.dynamo_update import CONDITION_FAILED

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

Values = dict[str, str | int | bytes | None]
OF_RUN = "run_id = :run"
OF_TARGET = "run_id = :run AND begins_with(item, :target)"


class DynamoDeliveryStore:
    """See DeliveryStore. `retention` is how long a finished run is kept."""

    def __init__(self, client: "DynamoDBClient", table: str, retention: timedelta) -> None:
        self._client = client
        self._table = table
        self._life = life_of_delivery(retention)

    def put(self, delivery: Delivery) -> bool:
        return self._put(delivery, "attribute_not_exists(run_id)", {})

    def replace(self, delivery: Delivery, *, seen: Delivery) -> bool:
        written = self._put(delivery, "revision = :seen", {":seen": seen.revision})
        # AWS's client tries again when an answer is lost: what stands there may be this one
        return written or self._stands(delivery)

    def get(self, run_id: UUID, target: str, sequence: int) -> Delivery:
        key = _key(run_id, target, sequence)
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            raise DeliveryNotFoundError("There is no such delivery.")
        return _read(item)

    def find_by_id(self, run_id: UUID, delivery_id: UUID) -> Delivery:
        request = self._request(OF_RUN, run_id, {":id": str(delivery_id)}) | {"FilterExpression": "delivery_id = :id"}
        for item in read_all(self._client, request):
            return _read(item)
        raise DeliveryNotFoundError("There is no such delivery.")

    def find_first_open(self, run_id: UUID, target: str) -> Delivery | None:
        values: Values = {":target": f"{target}#", ":open": DeliveryStatus.PENDING.value}
        named = {"ExpressionAttributeNames": {"#status": "status"}}
        request = self._request(OF_TARGET, run_id, values) | named | {"FilterExpression": "#status = :open"}
        return next((_read(item) for item in read_all(self._client, request)), None)

    def list_by_target(self, run_id: UUID, target: str) -> Sequence[Delivery]:
        request = self._request(OF_TARGET, run_id, {":target": f"{target}#"})
        return [_read(item) for item in read_all(self._client, request)]

    def list_by_run(self, run_id: UUID, *, limit: int, after: DeliveryPlace | None = None) -> DeliveryPage:
        start = {"ExclusiveStartKey": _key(run_id, *after)} if after else {}
        items, last = read_page(self._client, self._request(OF_RUN, run_id, {}) | start, limit)
        return DeliveryPage([_read(item) for item in items], _read_place(last) if last else None)

    def _put(self, delivery: Delivery, condition: str, values: Values) -> bool:
        expires_at = int((delivery.created_at + self._life).timestamp())
        item = _item(delivery) | write_values({"expires_at": expires_at})
        request: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if values:
            request["ExpressionAttributeValues"] = write_values(values)
        try:
            self._client.put_item(**request)
        except ClientError as exc:
            if exc.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            return False
        return True

    def _stands(self, delivery: Delivery) -> bool:
        try:
            return self.get(delivery.run_id, delivery.target, delivery.sequence) == delivery
        except DeliveryNotFoundError:
            return False

    def _request(self, condition: str, run_id: UUID, values: Values) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": write_values({":run": _partition(run_id), **values}),
            "ConsistentRead": True,  # who puts one and who ends one look for each other's
        }


def _partition(run_id: UUID) -> str:
    return f"DELIVERIES#{run_id}"


def _key(run_id: UUID, target: str, sequence: int) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"run_id": _partition(run_id), "item": f"{target}#{sequence:06d}"})


def _read_place(key: Item) -> DeliveryPlace:
    target, _, sequence = read_values(key)["item"].partition("#")
    return DeliveryPlace(target, int(sequence))


def _item(delivery: Delivery) -> "dict[str, AttributeValueTypeDef]":
    """It says `owner` and not `tenant`, so that no index holds it."""
    values: Values = {
        "owner": delivery.tenant,
        "delivery_id": str(delivery.delivery_id),
        "workflow_id": str(delivery.workflow_id),
        "correlation_id": delivery.correlation_id,
        "event_id": str(delivery.event_id),
        "event": delivery.event.value,
        "url": delivery.url,
        "body": delivery.body,
        "created_at": write_time(delivery.created_at),
        "status": delivery.status.value,
        "round": delivery.round,
        "attempts": write_json([_write_attempt(attempt) for attempt in delivery.attempts]),
        "next_attempt_at": write_time(delivery.next_attempt_at) if delivery.next_attempt_at else None,
        "revision": delivery.revision,
    }
    return _key(delivery.run_id, delivery.target, delivery.sequence) | write_values(values)


def _write_attempt(attempt: Attempt) -> list[Any]:
    at = write_time(attempt.at)
    return [attempt.round, attempt.number, at, attempt.duration_ms, attempt.status_code, attempt.error]


def _read_attempt(written: list[Any]) -> Attempt:
    of_round, number, at, duration_ms, status_code, error = written
    return Attempt(
        round=of_round,
        number=number,
        at=datetime.fromisoformat(at),
        duration_ms=duration_ms,
        status_code=status_code,
        error=error,
    )


def _read(item: Item) -> Delivery:
    values = read_values(item)
    target, sequence = _read_place(item)
    return Delivery(
        tenant=values["owner"],
        workflow_id=UUID(values["workflow_id"]),
        run_id=UUID(values["run_id"].partition("#")[2]),
        correlation_id=values["correlation_id"],
        sequence=sequence,
        webhook_id=None if target == OWN_URL else UUID(target),
        event_id=UUID(values["event_id"]),
        event=WebhookEvent(values["event"]),
        url=values["url"],
        body=values["body"],
        created_at=datetime.fromisoformat(values["created_at"]),
        status=DeliveryStatus(values["status"]),
        round=values["round"],
        attempts=tuple(map(_read_attempt, read_json(values["attempts"]))),
        next_attempt_at=read_time(values.get("next_attempt_at")),
        revision=values["revision"],
    )
