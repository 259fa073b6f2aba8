"""Which run a caller's key has started: one item in a partition of its own, beside the runs."""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.idempotency import EarlierStart, StartRecord
from stepcall.stores.dynamo_items import Item, read_values, write_values
from stepcall.stores.dynamo_new_runs import Beside
from stepcall.stores.dynamo_update import CONDITION_FAILED
from stepcall.stores.run_store import StartedOnceError, life_of_start

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

START_ITEM = "KEY"
CONFLICT = "TransactionConflictException"
IS_FREE = "attribute_not_exists(run_id) OR expires_at <= :now"
"""What has expired may stay for days until DynamoDB deletes it."""
IS_THE_SAME = "(for_run = :for_run AND fingerprint = :fingerprint)"


def start_key(tenant: str, principal_id: str, key: str) -> "dict[str, AttributeValueTypeDef]":
    """The key's text is the caller's, and is not kept."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {"run_id": {"S": f"START#{tenant}#{principal_id}#{digest}"}, "item": {"S": START_ITEM}}


def beside_run(table: str, start: StartRecord, retention: timedelta) -> Beside:
    """A record that is put with the run that was started, where there is none."""
    return Beside(_put_where_free(table, start, retention), _started_once(), is_awaited=True)


def put_start(client: "DynamoDBClient", table: str, start: StartRecord, retention: timedelta) -> None:
    """A record alone. Raises StartedOnceError, unless the same stands there: AWS's client may have put it twice."""
    put = _put_where_free(table, start, retention)
    same = {":for_run": put["Item"]["for_run"], ":fingerprint": put["Item"]["fingerprint"]}
    condition, values = f"{IS_FREE} OR {IS_THE_SAME}", put["ExpressionAttributeValues"] | same
    try:
        client.put_item(**put | {"ConditionExpression": condition, "ExpressionAttributeValues": values})
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in {CONDITION_FAILED, CONFLICT}:
            raise
        raise _started_once() from exc


def _put_where_free(table: str, start: StartRecord, retention: timedelta) -> dict[str, Any]:
    key = start_key(start.tenant, start.principal_id, start.once.key)
    return {
        "TableName": table,
        "Item": key | write_values(_values_of(start, retention)),
        "ConditionExpression": IS_FREE,
        "ExpressionAttributeValues": {":now": {"N": str(int(start.started_at.timestamp()))}},
    }


def _started_once() -> StartedOnceError:
    return StartedOnceError("The key has started a run before.")


def read_start(item: Item, now: datetime) -> EarlierStart | None:
    """None for what has expired."""
    values = read_values(item)
    if values["expires_at"] <= int(now.timestamp()):
        return None
    return EarlierStart(UUID(values["for_run"]), values["fingerprint"])


def _values_of(start: StartRecord, retention: timedelta) -> dict[str, str | int | bytes | None]:
    """It says `owner` and not `tenant`, so that no index holds it."""
    return {
        "owner": start.tenant,
        "for_run": str(start.run_id),
        "fingerprint": start.once.fingerprint,
        "expires_at": int((start.started_at + life_of_start(retention)).timestamp()),
    }
