"""One conditional UpdateItem, put together: the only place that writes update expressions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepcall.domain.errors import StepcallError
from stepcall.domain.run import RunAttempt, RunStatus
from stepcall.stores.dynamo_items import Item, attempt_of, write_values
from stepcall.stores.run_store import LateAttemptError, RunNotFoundError, refused_move

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

CONDITION_FAILED = "ConditionalCheckFailedException"
Value = str | int | bytes | None


@dataclass(frozen=True, slots=True)
class Update:
    """What an update sets, sets only where nothing stands yet, and removes, and what must stand there for it."""

    key: "Mapping[str, AttributeValueTypeDef]"
    set: Mapping[str, Value]
    allowed_from: frozenset[str]
    """Statuses."""
    allowed_when_absent: bool = False
    """Also where there is no item."""
    set_once: Mapping[str, Value] = field(default_factory=dict)
    copied: Mapping[str, str] = field(default_factory=dict)
    """What is set to the value that another attribute had before."""
    remove: tuple[str, ...] = ()
    seen: Mapping[str, str | int] = field(default_factory=dict)
    """What else must still stand there."""
    present: tuple[str, ...] = ()
    """What else must stand there, whatever its value."""
    of_attempt: int | None = None
    """The run's attempt that must have written it; None for any."""
    before_attempt: int | None = None
    """The run's attempt that must be later than the one that has written it."""

    def has_set(self, item: Mapping[str, Any]) -> bool:
        """Whether the item looks as this update leaves it."""
        wanted = write_values({**self.seen, **self.set})
        return all(item.get(name) == value for name, value in wanted.items())

    def to_request(self, table: str) -> dict[str, Any]:
        """The arguments of UpdateItem, and of an Update inside TransactWriteItems."""
        allowed = {f":from{index}": status for index, status in enumerate(sorted(self.allowed_from))}
        values = {f":{name}": value for name, value in {**self.set, **self.set_once}.items()} | allowed
        values |= {f":seen_{name}": value for name, value in self.seen.items()}
        values |= {":attempt": self.of_attempt or self.before_attempt}
        return {
            "TableName": table,
            "Key": self.key,
            "UpdateExpression": self._expression(),
            "ConditionExpression": self._condition(list(allowed)),
            "ExpressionAttributeNames": {f"#{name}": name for name in sorted(set(self._names()))},
            "ExpressionAttributeValues": write_values(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def to_check(self, table: str) -> dict[str, Any]:
        """The arguments of a ConditionCheck inside TransactWriteItems, of an update that changes nothing."""
        return {name: value for name, value in self.to_request(table).items() if name != "UpdateExpression"}

    def _expression(self) -> str:
        assignments = [f"#{name} = :{name}" for name, value in self.set.items() if value is not None]
        assignments += [f"#{name} = if_not_exists(#{name}, :{name})" for name in self.set_once]
        assignments += [f"#{name} = #{source}" for name, source in self.copied.items()]
        removals = f" REMOVE {', '.join(f'#{name}' for name in self.remove)}" if self.remove else ""
        return f"SET {', '.join(assignments)}{removals}"

    def _condition(self, placeholders: list[str]) -> str:
        required = [f"#status IN ({', '.join(placeholders)})", *(f"#{name} = :seen_{name}" for name in self.seen)]
        required += (f"attribute_exists(#{name})" for name in self.present)
        required += self._attempt_condition()
        condition = " AND ".join(required)
        return f"attribute_not_exists(#status) OR ({condition})" if self.allowed_when_absent else condition

    def _attempt_condition(self) -> Iterator[str]:
        """An item that does not say it is of the first attempt."""
        comparison = "=" if self.of_attempt else "<"
        if self.of_attempt == 1 or self.before_attempt:
            yield f"(attribute_not_exists(#run_attempt) OR #run_attempt {comparison} :attempt)"
        elif self.of_attempt:
            yield "#run_attempt = :attempt"

    def _names(self) -> Iterator[str]:
        """DynamoDB refuses names that no expression uses."""
        yield "status"
        yield from (name for name, value in self.set.items() if value is not None)
        yield from (*self.set_once, *self.copied, *self.copied.values(), *self.remove, *self.seen, *self.present)
        if self.of_attempt or self.before_attempt:
            yield "run_attempt"


def refusal(run: RunAttempt, item: Item | None) -> StepcallError:
    """Why the record of a run did not let a write of that attempt happen."""
    if not item:
        return RunNotFoundError(f"There is no run {run.run_id}.")
    if (attempt_of(item), item["content_hash"]["S"]) != (run.run_attempt, run.content_hash):
        return LateAttemptError(run.run_id)
    return refused_move(run.run_id, RunStatus(item["status"]["S"]))


def refused_item(exc: ClientError) -> Item | None:
    """The item that did not meet the condition. Raises any other error again."""
    if exc.response["Error"]["Code"] != CONDITION_FAILED:
        raise exc
    item: Item | None = exc.response.get("Item")  # type: ignore[assignment]
    return item
