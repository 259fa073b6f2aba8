"""Buckets in DynamoDB: each is one item, and each start one conditional update of it.

An update can set `tat` or add to it, but not choose: so there is one for a full bucket (`tat` has passed) and one for
a bucket in use, each with the condition that it is the right one. What this process last saw says which to try first.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.domain.access import RateLimit
from stepcall.domain.rate_limit import NEVER_USED, interval, latest, take, whole_seconds
from stepcall.stores.dynamo_items import Item, write_values
from stepcall.stores.dynamo_update import CONDITION_FAILED
from stepcall.stores.rate_limit_store import BucketUnavailableError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

RETRY_LATER = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})
# `tat` never goes back, so that the third attempt decides at the latest, unless the item is deleted in between
MAX_ATTEMPTS = 4
MAX_BUCKETS_SEEN = 1000
KEPT_SECONDS = 3600  # a bucket that is full again is as good as none, whatever the clocks say


class DynamoRateLimitStore:
    """See RateLimitStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._seen: dict[str, int] = {}

    def take(self, tenant: str, key_id: str, limit: RateLimit, now: int) -> None:
        bucket = _bucket(tenant, key_id)
        tat = self.last_seen(tenant, key_id)
        for _ in range(MAX_ATTEMPTS):
            take(tat, now, limit)  # refuses without a call: wherever the bucket has gone since, it has not gone back
            counted, tat = self._update(bucket, _in_use(now, limit) if tat > now else _full(now, limit))
            self._see(bucket, tat)
            if counted:
                return
        raise BucketUnavailableError("The bucket changed under every attempt to take from it.")

    def last_seen(self, tenant: str, key_id: str) -> int:
        return self._seen.get(_bucket(tenant, key_id), NEVER_USED)

    def _update(self, bucket: str, expressions: dict[str, Any]) -> tuple[bool, int]:
        """Whether the start was counted, and where the bucket stands. Raises BucketUnavailableError."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"bucket": {"S": bucket}},
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **expressions,
            )
        except ClientError as exc:
            return False, _tat_of(_found_instead(exc))
        except BotoCoreError as exc:
            raise BucketUnavailableError("DynamoDB could not be reached.") from exc
        return True, _tat_of(answer["Attributes"])

    def _see(self, bucket: str, tat: int) -> None:
        if bucket not in self._seen and len(self._seen) >= MAX_BUCKETS_SEEN:
            self._seen.clear()
        self._seen[bucket] = tat


def _bucket(tenant: str, key_id: str) -> str:
    """The item's key. A key's id has no `#`, so that no two pairs share one."""
    return f"{tenant}#{key_id}"


def _full(now: int, limit: RateLimit) -> dict[str, Any]:
    return {
        "UpdateExpression": "SET tat = :tat, expires_at = :expires_at",
        "ConditionExpression": "attribute_not_exists(tat) OR tat <= :now",
        "ExpressionAttributeValues": _values(now, limit, {":tat": now + interval(limit)}),
    }


def _in_use(now: int, limit: RateLimit) -> dict[str, Any]:
    # not only `tat <= :latest`: to add to a time that has passed would give back more than the bucket holds
    return {
        "UpdateExpression": "SET tat = tat + :interval, expires_at = :expires_at",
        "ConditionExpression": "tat BETWEEN :now AND :latest",
        "ExpressionAttributeValues": _values(now, limit, {":interval": interval(limit), ":latest": latest(now, limit)}),
    }


def _values(now: int, limit: RateLimit, own: dict[str, int]) -> "dict[str, AttributeValueTypeDef]":
    expires_at = whole_seconds(latest(now, limit) + interval(limit)) + KEPT_SECONDS
    return write_values({":now": now, ":expires_at": expires_at, **own})


def _tat_of(item: Item) -> int:
    return int(item["tat"]["N"]) if item else NEVER_USED


def _found_instead(error: ClientError) -> Item:
    """The item that did not meet the condition, empty when there is none. Raises BucketUnavailableError."""
    code = error.response["Error"]["Code"]
    if code == CONDITION_FAILED:
        found: Item = error.response.get("Item", {})  # type: ignore[assignment]
        return found
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in RETRY_LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise BucketUnavailableError(f"DynamoDB answered {code}.") from error
    raise error
