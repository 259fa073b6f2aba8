"""Triggers as items of the workflows table: one for each, a workflow's in one partition with one that counts them.

Those that EventBridge has yet to be told of have an item each in a partition of all tenants, which is nearly empty.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stepcall.domain.json_text import read_json, write_json
from stepcall.domain.trigger import (
    Bus,
    EventSource,
    LastError,
    LastRun,
    ScheduleSource,
    Trigger,
    TriggerKey,
    TriggerType,
)
from stepcall.stores.dynamo_items import Item, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_transactions import item_key
from stepcall.stores.trigger_store import UnsettledTrigger

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

UNSETTLED = "UNSETTLED_TRIGGERS"
Values = Mapping[str, str | int | None]


def partition_of(tenant: str, workflow_id: UUID) -> str:
    return f"TRIGGERS#{tenant}#{workflow_id}"


def trigger_item_key(key: TriggerKey) -> "dict[str, AttributeValueTypeDef]":
    return item_key(partition_of(key.tenant, key.workflow_id), str(key.trigger_id))


def unsettled_item_key(key: TriggerKey) -> "dict[str, AttributeValueTypeDef]":
    return item_key(UNSETTLED, f"{key.tenant}#{key.workflow_id}#{key.trigger_id}")


def trigger_item(trigger: Trigger) -> "dict[str, AttributeValueTypeDef]":
    """A new one, unsettled. No `tenant`: the index `by_tenant` holds workflows alone."""
    kept: Values = {"created_at": write_time(trigger.created_at), "revision": trigger.revision, "is_settled": 0}
    return trigger_item_key(trigger.key) | write_values({**changing_values(trigger), **kept})


def changing_values(trigger: Trigger) -> Values:
    """What somebody may change, and what says which kind it is."""
    source = trigger.source
    said: Values = (
        {"pattern": write_json(source.pattern), "bus": source.bus.value}
        if isinstance(source, EventSource)
        else {
            "expression": source.expression,
            "timezone": source.timezone,
            "starts_at": write_time(source.starts_at) if source.starts_at else None,
        }
    )
    heard = None if trigger.heard is None else write_json(sorted(map(str, trigger.heard)))
    return {**said, "heard": heard, "input": write_json(trigger.input), "enabled": int(trigger.enabled)}


def read_trigger_item(tenant: str, workflow_id: UUID, item: Item) -> Trigger:
    values = read_values(item)
    return Trigger(
        tenant=tenant,
        workflow_id=workflow_id,
        trigger_id=UUID(values["sk"]),
        source=_read_source(values),
        input=read_json(values["input"]),
        created_at=datetime.fromisoformat(values["created_at"]),
        enabled=bool(values["enabled"]),
        revision=values["revision"],
        is_settled=bool(values["is_settled"]),
        changed_at=read_time(values.get("changed_at")),
        heard=frozenset(map(UUID, read_json(values["heard"]))) if "heard" in values else None,
        last_run=_read_run(values),
        last_error=_read_error(values),
    )


def _read_source(values: Mapping[str, Any]) -> ScheduleSource | EventSource:
    if "pattern" in values:
        return EventSource(read_json(values["pattern"]), Bus(values["bus"]))
    return ScheduleSource(values["expression"], values["timezone"], read_time(values.get("starts_at")))


def run_values(run: LastRun) -> Values:
    return {"last_run_at": write_time(run.at), "last_run_id": str(run.run_id)}


def _read_run(values: Mapping[str, Any]) -> LastRun | None:
    at = read_time(values.get("last_run_at"))
    return LastRun(UUID(values["last_run_id"]), at) if at else None


def error_values(error: LastError) -> Values:
    said = {"last_error_code": error.code, "last_error_message": error.message}
    return {"last_error_at": write_time(error.at), **said}


def _read_error(values: Mapping[str, Any]) -> LastError | None:
    at = read_time(values.get("last_error_at"))
    return LastError(at, values["last_error_code"], values["last_error_message"]) if at else None


def unsettled_values(key: TriggerKey) -> Values:
    """All that EventBridge has to be told of one that is gone."""
    return {"kind": key.type.value, "bus": key.bus.value if key.bus else None}


def read_unsettled_item(item: Item) -> UnsettledTrigger:
    values = read_values(item)
    tenant, workflow_id, trigger_id = values["sk"].rsplit("#", 2)
    bus = Bus(values["bus"]) if "bus" in values else None
    key = TriggerKey(tenant, UUID(workflow_id), UUID(trigger_id), TriggerType(values["kind"]), bus)
    return UnsettledTrigger(key, datetime.fromisoformat(values["changed_at"]))
