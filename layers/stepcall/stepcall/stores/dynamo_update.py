"""One conditional UpdateItem, put together: the only place that writes update expressions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepcall.stores.dynamo_items import Item, write_values

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

CONDITION_FAILED = "ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class Update:
    """What an update sets, sets only where nothing stands yet, and removes, and the statuses it is allowed from."""

    key: "Mapping[str, AttributeValueTypeDef]"
    set: Mapping[str, str | int | None]
    allowed_from: frozenset[str]
    allowed_when_absent: bool = False
    set_once: Mapping[str, str | int | None] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    """What else must still stand there."""

    def has_set(self, item: Mapping[str, Any]) -> bool:
        """Whether the item looks as this update leaves it."""
        wanted = write_values(self.set)
        return all(item.get(name) == value for name, value in wanted.items())

    def to_request(self, table: str) -> dict[str, Any]:
        """The arguments of UpdateItem, and of an Update inside TransactWriteItems."""
        assignments = [f"#{name} = :{name}" for name, value in self.set.items() if value is not None]
        assignments += [f"#{name} = if_not_exists(#{name}, :{name})" for name in self.set_once]
        removals = f" REMOVE {', '.join(f'#{name}' for name in self.remove)}" if self.remove else ""
        names = {"status", *self.set, *self.set_once, *self.remove, *self.seen}
        allowed = {f":from{index}": status for index, status in enumerate(sorted(self.allowed_from))}
        values = {f":{name}": value for name, value in {**self.set, **self.set_once}.items()} | allowed
        values |= {f":seen_{name}": value for name, value in self.seen.items()}
        return {
            "TableName": table,
            "Key": self.key,
            "UpdateExpression": f"SET {', '.join(assignments)}{removals}",
            "ConditionExpression": self._condition(list(allowed)),
            "ExpressionAttributeNames": {f"#{name}": name for name in sorted(names) if self._uses(name)},
            "ExpressionAttributeValues": write_values(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _condition(self, placeholders: list[str]) -> str:
        condition = f"#status IN ({', '.join(placeholders)})"
        if self.allowed_when_absent:
            condition = f"attribute_not_exists(#status) OR {condition}"
        return " AND ".join([condition, *(f"#{name} = :seen_{name}" for name in self.seen)])

    def _uses(self, name: str) -> bool:
        # DynamoDB refuses names that no expression uses
        return name not in self.set or self.set[name] is not None or name == "status"


def refused_item(exc: ClientError) -> Item | None:
    """The item that did not meet the condition. Raises any other error again."""
    if exc.response["Error"]["Code"] != CONDITION_FAILED:
        raise exc
    item: Item | None = exc.response.get("Item")  # type: ignore[assignment]
    return item
