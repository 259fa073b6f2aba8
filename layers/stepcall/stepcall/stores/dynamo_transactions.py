"""Writes that happen together or not at all, and partitions of few items of which one more item counts the others.

What makes or deletes one counts it in the same transaction, so that no race makes more of them than there may be.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepcall.stores.dynamo_items import Item, codes_of, write_values
from stepcall.stores.dynamo_pages import read_all

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

CHANGE_ATTEMPTS = 10
REFUSED = "ConditionalCheckFailed"
CONFLICT = frozenset({"None", "TransactionConflict", "TransactionConflictException"})
COUNTER = "#count"
"""Sorts before every id."""


def write_together(client: "DynamoDBClient", table: str, writes: Sequence[Any]) -> None:
    """Raises ClientError; one that `is_conflict` after some attempts only."""
    named: Any = [{kind: {"TableName": table, **write}} for each in writes for kind, write in each.items()]
    _write(lambda: client.transact_write_items(TransactItems=named))


def write_alone(client: "DynamoDBClient", table: str, update: Mapping[str, Any]) -> None:
    """An update without a transaction: many of one item stand in line, where transactions would refuse each other.

    Raises as `write_together`, as a transaction may be changing the item.
    """
    _write(lambda: client.update_item(TableName=table, **update))


def _write(write: Callable[[], object]) -> None:
    for attempts_left in range(CHANGE_ATTEMPTS - 1, -1, -1):
        try:
            write()
        except ClientError as exc:
            # another changes one of them just now; AWS's client does not try a cancelled transaction again
            if not attempts_left or not is_conflict(exc):
                raise
        else:
            return


def is_conflict(error: ClientError) -> bool:
    """Whether another was changing the same items at that moment."""
    return codes_of(error) <= CONFLICT


def refused_writes(error: ClientError) -> list[bool]:
    """Of each write of a transaction, whether its condition was not met; empty for another error."""
    reasons: Any = error.response.get("CancellationReasons", [])
    return [reason.get("Code") == REFUSED for reason in reasons]


def item_key(partition: str, sk: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": partition, "sk": sk})


def count_one_more(partition: str, noun: str, most: int) -> dict[str, Any]:
    """Refused when there are as many as there may be."""
    return _counted(partition, noun, 1, f"attribute_not_exists({noun}) OR {noun} < :bound", most)


def count_one_less(partition: str, noun: str) -> dict[str, Any]:
    return _counted(partition, noun, -1, f"{noun} > :bound", 0)


def _counted(partition: str, noun: str, by: int, condition: str, bound: int) -> dict[str, Any]:
    return {
        "Update": {
            "Key": item_key(partition, COUNTER),
            "UpdateExpression": f"ADD {noun} :by",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": write_values({":by": by, ":bound": bound}),
        }
    }


def list_counted(client: "DynamoDBClient", table: str, partition: str) -> Iterable[Item]:
    """All items but the one that counts them, by their ids. Consistently: what was made just now is among them."""
    request = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk AND sk > :counter",
        "ExpressionAttributeValues": write_values({":pk": partition, ":counter": COUNTER}),
        "ConsistentRead": True,
    }
    return read_all(client, request)
