"""Pages of a list: one Query after another until there is enough, within bounds."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stepcall.stores.dynamo_items import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAX_PAGES_PER_LIST = 10  # of 1 MB: a filter that finds little must not outlast the request; the page's token goes on


def read_all(client: "DynamoDBClient", request: Mapping[str, Any]) -> Iterator[Item]:
    """Every item of a Query. Not by the client's own paginator, which reads a file first."""
    start: dict[str, Any] = {}
    while True:
        answer = client.query(**request, **start)
        yield from answer["Items"]
        if not (last := answer.get("LastEvaluatedKey")):
            return
        start = {"ExclusiveStartKey": last}


def read_page(client: "DynamoDBClient", request: Mapping[str, Any], limit: int) -> tuple[list[Item], Item | None]:
    """At most `limit` items of a Query, and the item, or its key alone, to go on after; None when there are no more."""
    found: list[Item] = []
    start: dict[str, Any] = {}
    for _ in range(MAX_PAGES_PER_LIST):
        answer = client.query(**request, **start)
        found += answer["Items"]
        last = answer.get("LastEvaluatedKey")
        if len(found) > limit or not last:
            break
        start = {"ExclusiveStartKey": last}
    return (found[:limit], found[limit - 1]) if len(found) > limit else (found, last)
