"""Pages of a list, one Query after another until there is enough, within bounds; and many items by their keys."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from stepcall.stores.dynamo_items import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAX_PAGES_PER_LIST = 10  # of 1 MB: a filter that finds little must not outlast the request; the page's token goes on

BATCH_GET_LIMIT = 100
READ_ATTEMPTS = 6


def read_all(client: "DynamoDBClient", request: Mapping[str, Any]) -> Iterator[Item]:
    """Every item of a Query."""
    for answer in _answers(client, request, {}):
        yield from answer["Items"]


def read_page(client: "DynamoDBClient", request: Mapping[str, Any], limit: int) -> tuple[list[Item], Item | None]:
    """At most `limit` items of a Query, and the item, or its key alone, to go on after; None when there are no more."""
    found: list[Item] = []
    last: Item | None = None
    # one more than the page shows whether there is another; a filter that leaves too few of them needs whole pages
    for answer in islice(_answers(client, request, {"Limit": limit + 1}), MAX_PAGES_PER_LIST):
        found += answer["Items"]
        last = answer.get("LastEvaluatedKey")
        if len(found) > limit:
            break
    return (found[:limit], found[limit - 1]) if len(found) > limit else (found, last)


def count_page(client: "DynamoDBClient", request: Mapping[str, Any]) -> tuple[int, Item | None]:
    """How many items a Query finds in as many pages as one call may read, and the key to go on after."""
    number = 0
    last: Item | None = None
    for answer in islice(_answers(client, {**request, "Select": "COUNT"}, {}), MAX_PAGES_PER_LIST):
        number += answer["Count"]
        last = answer.get("LastEvaluatedKey")
    return number, last


def _answers(
    client: "DynamoDBClient", request: Mapping[str, Any], first: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """One page after the other; `first` is for the first alone. Not by the client's paginator, which reads a file."""
    start = first
    while True:
        answer = client.query(**request, **start)
        yield answer
        if not (last := answer.get("LastEvaluatedKey")):
            return
        start = {"ExclusiveStartKey": last}


def read_keys(
    client: "DynamoDBClient", table: str, keys: Sequence[Any], sleep: Callable[[float], None], **how: Any
) -> Iterator[Item]:
    """The items of these keys that there are, in no order. Raises TimeoutError."""
    for start in range(0, len(keys), BATCH_GET_LIMIT):
        wanted: Mapping[str, Any] = {table: {"Keys": keys[start : start + BATCH_GET_LIMIT], **how}}
        yield from _read_batch(client, table, wanted, sleep)


def _read_batch(
    client: "DynamoDBClient", table: str, wanted: Mapping[str, Any], sleep: Callable[[float], None]
) -> Iterator[Item]:
    for attempt in range(READ_ATTEMPTS):
        answer = client.batch_get_item(RequestItems=wanted)
        yield from answer["Responses"].get(table, [])
        wanted = answer["UnprocessedKeys"]
        if not wanted:
            return
        sleep(0.05 * 2**attempt)
    raise TimeoutError("DynamoDB left keys of BatchGetItem unread six times: the table is throttled.")
