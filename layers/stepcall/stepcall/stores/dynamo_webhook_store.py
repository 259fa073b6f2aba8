"""Webhooks in the workflows table: an item for each, a workflow's in one partition, and one that counts them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.webhook import MAX_WEBHOOKS, Webhook, WebhookEvent
from stepcall.stores.dynamo_items import Item, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_transactions import (
    count_one_less,
    count_one_more,
    is_conflict,
    item_key,
    list_counted,
    refused_writes,
    write_together,
)
from stepcall.stores.dynamo_update import CONDITION_FAILED
from stepcall.stores.webhook_store import TooManyWebhooksError, WebhookIsChangingError, WebhookNotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

NOUN = "webhooks"
NO_WEBHOOK = "There is no such webhook."


class DynamoWebhookStore:
    """See WebhookStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, webhook: Webhook) -> None:
        new = {"Item": _item(webhook), "ConditionExpression": "attribute_not_exists(pk)"}
        counted = count_one_more(_pk(webhook.tenant, webhook.workflow_id), NOUN, MAX_WEBHOOKS)
        try:
            self._write([counted, {"Put": new}])
        except ClientError as exc:
            if refused_writes(exc)[:1] != [True]:
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
        key = item_key(_pk(tenant, workflow_id), str(webhook_id))
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            raise WebhookNotFoundError(NO_WEBHOOK)
        return _read(tenant, workflow_id, answer["Item"])

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Webhook]:
        found = list_counted(self._client, self._table, _pk(tenant, workflow_id))
        return [_read(tenant, workflow_id, item) for item in found]

    def delete(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> None:
        partition = _pk(tenant, workflow_id)
        there = {"Key": item_key(partition, str(webhook_id)), "ConditionExpression": "attribute_exists(pk)"}
        try:
            self._write([{"Delete": there}, count_one_less(partition, NOUN)])
        except ClientError as exc:
            if refused_writes(exc)[:1] != [True]:
                raise

    def _write(self, writes: Sequence[Any]) -> None:
        """Raises WebhookIsChangingError."""
        try:
            write_together(self._client, self._table, writes)
        except ClientError as exc:
            if not is_conflict(exc):
                raise
            raise WebhookIsChangingError("Others make and delete webhooks of this workflow at this moment.") from exc


def _pk(tenant: str, workflow_id: UUID) -> str:
    return f"WEBHOOKS#{tenant}#{workflow_id}"


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
    return item_key(partition, str(webhook.webhook_id)) | write_values(values)


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
