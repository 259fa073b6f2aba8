"""Webhooks in the workflows table: an item for each, a workflow's in one partition, and one that counts them.

What makes or deletes one counts it in the same transaction, so that no race makes more of them than there may be.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.webhook import MAX_WEBHOOKS, Webhook, WebhookEvent
from stepcall.stores.dynamo_items import Item, codes_of, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_pages import read_all
from stepcall.stores.dynamo_update import CONDITION_FAILED
from stepcall.stores.webhook_store import TooManyWebhooksError, WebhookIsChangingError, WebhookNotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

CHANGE_ATTEMPTS = 10
REFUSED = "ConditionalCheckFailed"
CONFLICT = frozenset({"None", "TransactionConflict"})
COUNTER = "#count"
"""Sorts before every id."""
NO_WEBHOOK = "There is no such webhook."


class DynamoWebhookStore:
    """See WebhookStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, webhook: Webhook) -> None:
        new = {"Item": _item(webhook), "ConditionExpression": "attribute_not_exists(pk)"}
        room = "attribute_not_exists(webhooks) OR webhooks < :most"
        partition = _pk(webhook.tenant, webhook.workflow_id)
        try:
            self._write([{"Update": _counted(partition, 1, room, {":most": MAX_WEBHOOKS})}, {"Put": new}])
        except ClientError as exc:
            if _reasons(exc)[:1] != [REFUSED]:
                raise
            raise TooManyWebhooksError(MAX_WEBHOOKS) from exc

    def replace(self, webhook: Webhook, *, seen: Webhook) -> bool:
        item = _item(webhook)
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **_unchanged(seen)
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            found: Any = exc.response.get("Item")
            if not found:
                raise WebhookNotFoundError(NO_WEBHOOK) from exc
            return bool(found == item)  # AWS's client has put it twice, its first answer lost
        return True

    def get(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> Webhook:
        # consistent: what a webhook's owner has been told of it is so
        key = _key(_pk(tenant, workflow_id), str(webhook_id))
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            raise WebhookNotFoundError(NO_WEBHOOK)
        return _read(tenant, workflow_id, answer["Item"])

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Webhook]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk > :counter",
            "ExpressionAttributeValues": write_values({":pk": _pk(tenant, workflow_id), ":counter": COUNTER}),
            "ConsistentRead": True,
        }
        return [_read(tenant, workflow_id, item) for item in read_all(self._client, request)]

    def delete(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> None:
        partition = _pk(tenant, workflow_id)
        there = {"Key": _key(partition, str(webhook_id)), "ConditionExpression": "attribute_exists(pk)"}
        counted = _counted(partition, -1, "webhooks > :none", {":none": 0})
        try:
            self._write([{"Delete": there}, {"Update": counted}])
        except ClientError as exc:
            if _reasons(exc)[:1] != [REFUSED]:
                raise

    def _write(self, writes: Sequence[Any]) -> None:
        """Raises WebhookIsChangingError."""
        named = [{kind: {"TableName": self._table, **write}} for each in writes for kind, write in each.items()]
        for _ in range(CHANGE_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=named)  # type: ignore[arg-type]
            except ClientError as exc:
                # another is being made or deleted just now; AWS's client does not try a cancelled transaction again
                if not codes_of(exc) <= CONFLICT:
                    raise
            else:
                return
        raise WebhookIsChangingError("Others make and delete webhooks of this workflow at this moment.")


def _reasons(error: ClientError) -> list[str]:
    reasons: Any = error.response.get("CancellationReasons", [])
    return [reason.get("Code", "None") for reason in reasons]


def _pk(tenant: str, workflow_id: UUID) -> str:
    return f"WEBHOOKS#{tenant}#{workflow_id}"


def _key(partition: str, sk: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": partition, "sk": sk})


def _counted(partition: str, by: int, condition: str, values: dict[str, int]) -> dict[str, Any]:
    return {
        "Key": _key(partition, COUNTER),
        "UpdateExpression": "ADD webhooks :by",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": write_values({":by": by, **values}),
    }


def _unchanged(seen: Webhook) -> dict[str, Any]:
    """The condition that what may change is as it was seen."""
    values = _changing_values(seen)
    written = write_values(values)
    parts = [f"#{name} = :{name}" if name in written else f"attribute_not_exists(#{name})" for name in values]
    return {
        "ConditionExpression": " AND ".join(["attribute_exists(pk)", *parts]),
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {f":{name}": value for name, value in written.items()},
    }


def _changing_values(webhook: Webhook) -> dict[str, str | int | None]:
    until = webhook.previous_secret_until
    return {
        "url": webhook.url,
        "events": " ".join(sorted(webhook.events)),
        "secret_version": webhook.secret_version,
        "previous_secret_until": write_time(until) if until else None,
        "enabled": int(webhook.enabled),
        "stopped_reason": webhook.stopped_reason,
    }


def _item(webhook: Webhook) -> "dict[str, AttributeValueTypeDef]":
    """No `tenant`: the index `by_tenant` holds workflows alone."""
    values = {**_changing_values(webhook), "created_at": write_time(webhook.created_at)}
    partition = _pk(webhook.tenant, webhook.workflow_id)
    return _key(partition, str(webhook.webhook_id)) | write_values(values)


def _read(tenant: str, workflow_id: UUID, item: Item) -> Webhook:
    values = read_values(item)
    return Webhook(
        tenant=tenant,
        workflow_id=workflow_id,
        webhook_id=UUID(values["sk"]),
        url=values["url"],
        events=frozenset(map(WebhookEvent, values["events"].split())),
        created_at=datetime.fromisoformat(values["created_at"]),
        secret_version=values["secret_version"],
        previous_secret_until=read_time(values.get("previous_secret_until")),
        enabled=bool(values["enabled"]),
        stopped_reason=values.get("stopped_reason"),
    )
