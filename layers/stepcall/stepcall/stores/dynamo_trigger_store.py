"""Triggers in the workflows table. What changes one says in the same transaction that it is unsettled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.trigger import MAX_TRIGGERS, LastError, LastRun, Trigger, TriggerKey
from stepcall.stores.dynamo_items import codes_of, write_time, write_values
from stepcall.stores.dynamo_pages import read_all
from stepcall.stores.dynamo_transactions import (
    count_one_less,
    count_one_more,
    is_conflict,
    item_key,
    list_counted,
    refused_writes,
    write_alone,
    write_together,
)
from stepcall.stores.dynamo_trigger_items import (
    UNSETTLED,
    Values,
    changing_values,
    error_values,
    partition_of,
    read_trigger_item,
    read_unsettled_item,
    run_values,
    trigger_item,
    trigger_item_key,
    unsettled_item_key,
    unsettled_values,
)
from stepcall.stores.dynamo_update import CONDITION_FAILED
from stepcall.stores.trigger_store import (
    TooManyTriggersError,
    TriggerIsChangingError,
    TriggerNotFoundError,
    UnsettledTrigger,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOUN = "triggers"
NO_TRIGGER = "There is no such trigger."
IS_THERE = "attribute_exists(pk)"


class DynamoTriggerStore:
    """See TriggerStore. Besides what stands there, every write raises TriggerIsChangingError."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, trigger: Trigger) -> None:
        new = {"Item": trigger_item(trigger), "ConditionExpression": "attribute_not_exists(pk)"}
        room = count_one_more(partition_of(trigger.tenant, trigger.workflow_id), NOUN, MAX_TRIGGERS)
        try:
            self._write([room, {"Put": new}, _unsettled(trigger.key, trigger.created_at)])
        except ClientError as exc:
            if refused_writes(exc)[:1] != [True]:
                raise
            raise TooManyTriggersError(MAX_TRIGGERS) from exc

    def replace(self, trigger: Trigger, *, seen: Trigger, now: datetime) -> Trigger | None:
        values = {**changing_values(trigger), "revision": seen.revision + 1, "is_settled": 0}
        values["changed_at"] = write_time(now)
        update = _update(trigger.key, values, seen_revision=seen.revision)
        try:
            self._write([update, _unsettled(trigger.key, now)])
        except ClientError as exc:
            if refused_writes(exc)[:1] != [True]:
                raise
            reasons: Any = exc.response["CancellationReasons"]
            if not reasons[0].get("Item"):
                raise TriggerNotFoundError(NO_TRIGGER) from exc
            return None
        kept = {"created_at": seen.created_at, "last_run": seen.last_run, "last_error": seen.last_error}
        return replace(trigger, revision=seen.revision + 1, is_settled=False, changed_at=now, **kept)  # type: ignore[arg-type]

    def get(self, tenant: str, workflow_id: UUID, trigger_id: UUID) -> Trigger:
        found = self._find(tenant, workflow_id, trigger_id)
        if found is None:
            raise TriggerNotFoundError(NO_TRIGGER)
        return found

    def _find(self, tenant: str, workflow_id: UUID, trigger_id: UUID) -> Trigger | None:
        # consistent: what a trigger's owner, or EventBridge, has been told of it is so
        key = item_key(partition_of(tenant, workflow_id), str(trigger_id))
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return read_trigger_item(tenant, workflow_id, answer["Item"]) if "Item" in answer else None

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Trigger]:
        found = list_counted(self._client, self._table, partition_of(tenant, workflow_id))
        return [read_trigger_item(tenant, workflow_id, item) for item in found]

    def delete(self, trigger: Trigger, now: datetime) -> None:
        key = trigger.key
        there = {"Key": trigger_item_key(key), "ConditionExpression": IS_THERE}
        counted = count_one_less(partition_of(key.tenant, key.workflow_id), NOUN)
        self._write_where_it_is([{"Delete": there}, counted, _unsettled(key, now)])

    def settle(self, key: TriggerKey, revision: int | None) -> bool:
        told = {"Delete": {"Key": unsettled_item_key(key)}}
        if revision is not None:
            update = _update(key, {"is_settled": 1}, seen_revision=revision)
            return self._write_where_it_is([update, told])
        if self._find(key.tenant, key.workflow_id, key.trigger_id):
            return False
        self._write([told])  # what is gone does not come back: ids are new
        return True

    def recheck(self, key: TriggerKey, now: datetime) -> None:
        self._write([_unsettled(key, now, waits_already=True)])

    def list_unsettled(self, *, limit: int) -> Sequence[UnsettledTrigger]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": write_values({":pk": UNSETTLED}),
            "ConsistentRead": True,
        }
        # all are read: a key by time could not be deleted by who knows the trigger alone
        found = map(read_unsettled_item, read_all(self._client, request))
        return sorted(found, key=lambda each: (each.changed_at, each.key.trigger_id))[:limit]

    def record_run(self, key: TriggerKey, run: LastRun) -> None:
        self._record_latest(key, run_values(run), "last_run_at")

    def record_error(self, key: TriggerKey, error: LastError) -> None:
        self._record_latest(key, error_values(error), "last_error_at")

    def _record_latest(self, key: TriggerKey, values: Values, at: str) -> None:
        """Triggers are set off side by side: what happened earlier may come to be recorded later."""
        latest = _update(key, values, f"(attribute_not_exists(#{at}) OR #{at} <= :{at})")
        try:
            with _conflicts_told():
                write_alone(self._client, self._table, latest["Update"])
        except ClientError as exc:
            if codes_of(exc) != {CONDITION_FAILED}:
                raise

    def _write_where_it_is(self, writes: Sequence[Any]) -> bool:
        """Whether the condition of the first was met, and all were done."""
        try:
            self._write(writes)
        except ClientError as exc:
            if refused_writes(exc)[:1] != [True]:
                raise
            return False
        return True

    def _write(self, writes: Sequence[Any]) -> None:
        """Raises TriggerIsChangingError."""
        with _conflicts_told():
            write_together(self._client, self._table, writes)


@contextmanager
def _conflicts_told() -> Iterator[None]:
    """Raises TriggerIsChangingError."""
    try:
        yield
    except ClientError as exc:
        if not is_conflict(exc):
            raise
        raise TriggerIsChangingError("Others change triggers of this workflow at this moment.") from exc


def _unsettled(key: TriggerKey, now: datetime, *, waits_already: bool = False) -> dict[str, Any]:
    """EventBridge has to be told of it, since then or, where it waits already, since before."""
    values = {**unsettled_values(key), "changed_at": write_time(now)}
    sets = ", ".join(f"#{name} = :{name}" for name, value in values.items() if value and name != "changed_at")
    changed = "if_not_exists(#changed_at, :changed_at)" if waits_already else ":changed_at"
    return {
        "Update": {
            "Key": unsettled_item_key(key),
            "UpdateExpression": f"SET {sets}, #changed_at = {changed}",
            "ExpressionAttributeNames": {f"#{name}": name for name, value in values.items() if value},
            "ExpressionAttributeValues": write_values({f":{name}": value for name, value in values.items()}),
        }
    }


def _update(key: TriggerKey, values: Values, condition: str = "", seen_revision: int | None = None) -> dict[str, Any]:
    """Of a trigger that is there, and of that revision. A value that is None takes its attribute away."""
    of_revision = "" if seen_revision is None else "#revision = :seen"
    sets = ", ".join(f"#{name} = :{name}" for name, value in values.items() if value is not None)
    removes = ", ".join(f"#{name}" for name, value in values.items() if value is None)
    names = [*values, "revision"] if of_revision else values
    return {
        "Update": {
            "Key": trigger_item_key(key),
            "UpdateExpression": f"SET {sets}" + (f" REMOVE {removes}" if removes else ""),
            "ConditionExpression": " AND ".join(filter(None, [IS_THERE, condition, of_revision])),
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": write_values(
                {":seen": seen_revision, **{f":{name}": value for name, value in values.items()}}
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
