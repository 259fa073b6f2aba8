"""The Query of each list of runs: newest first, by an index whose range key is the run's id.

Ids are UUIDv7, so what is asked of `created_at` bounds the ids that are read too. An id is made just before its run's
`created_at` is: the ids have a margin, and the exact times are left to the filter.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stepcall.domain.ids import EPOCH
from stepcall.domain.run import RunStatus
from stepcall.stores.dynamo_items import workflow_key, write_time, write_values
from stepcall.stores.run_store import RunFilter

MILLISECOND = timedelta(milliseconds=1)
MARGIN_MS = 60_000
RANDOM_BITS = 80
LAST_ID = (1 << 128) - 1


def query_by_workflow(
    tenant: str, workflow_id: UUID, status: RunStatus | None, after: UUID | None
) -> dict[str, Any] | None:
    return _query("by_workflow", "workflow_key", workflow_key(tenant, workflow_id), RunFilter(status=status), after)


def query_by_tenant(tenant: str, only: RunFilter, after: UUID | None) -> dict[str, Any] | None:
    return _query("by_tenant", "tenant", tenant, only, after)


def _query(index: str, key: str, value: str, only: RunFilter, after: UUID | None) -> dict[str, Any] | None:
    """None where no run can be found: DynamoDB refuses a range that ends before it begins."""
    first, last = _ids_of(only, after)
    if first > last:
        return None
    values = {":key": value, ":first": str(UUID(int=first)), ":last": str(UUID(int=last))}
    query: dict[str, Any] = {
        "IndexName": index,
        "KeyConditionExpression": f"{key} = :key AND run_id BETWEEN :first AND :last",
        "ScanIndexForward": False,
    }
    if wanted := list(_conditions_of(only)):
        conditions = (f"#{name} {comparison} :value{number}" for number, (name, comparison, _) in enumerate(wanted))
        query["FilterExpression"] = " AND ".join(conditions)
        query["ExpressionAttributeNames"] = {f"#{name}": name for name, _, _ in wanted}
        values |= {f":value{number}": text for number, (_, _, text) in enumerate(wanted)}
    return query | {"ExpressionAttributeValues": write_values(values)}


def _conditions_of(only: RunFilter) -> Iterator[tuple[str, str, str]]:
    """Attribute, comparison, value. Times are written in one length, so that they compare as text."""
    yield from _conditions_on_time("created_at", only.created_from, only.created_to)
    yield from _conditions_on_time("completed_at", only.ended_from, only.ended_to)
    if only.status is not None:
        yield "status", "=", only.status.value
    if only.workflow_type is not None:
        yield "workflow_type", "=", only.workflow_type


def _conditions_on_time(name: str, start: datetime | None, end: datetime | None) -> Iterator[tuple[str, str, str]]:
    if start is not None:
        yield name, ">=", write_time(start)
    if end is not None:
        yield name, "<", write_time(end)


def _ids_of(only: RunFilter, after: UUID | None) -> tuple[int, int]:
    """The least and the greatest id that a run of the list can have."""
    first, last = 0, LAST_ID if after is None else after.int - 1
    if only.created_from is not None:
        first = _milliseconds_of(only.created_from) - MARGIN_MS << RANDOM_BITS
    if only.created_to is not None:
        last = min(last, (_milliseconds_of(only.created_to) + MARGIN_MS << RANDOM_BITS) - 1)
    return max(first, 0), last


def _milliseconds_of(time: datetime) -> int:
    return (time - EPOCH) // MILLISECOND
