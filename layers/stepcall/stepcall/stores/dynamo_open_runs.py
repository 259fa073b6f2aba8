"""Runs that have not ended. The index `open_runs` holds their keys alone: what a sweep wants to know is read by key."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from stepcall.domain.run import RunAttempt, RunStatus
from stepcall.stores.dynamo_items import Item, read_time, read_values, run_key, write_values
from stepcall.stores.dynamo_update import Update
from stepcall.stores.parent_text import read_parent
from stepcall.stores.run_store import OpenRun

OPEN_RUN = {
    "ProjectionExpression": (
        "run_id, tenant, #status, created_at, content_hash, run_attempt, deadline, resumed_at, correlation_id, parent"
    ),
    "ExpressionAttributeNames": {"#status": "status"},
}
"""What of a run's record is read."""


def query_open(after: UUID | None) -> dict[str, Any]:
    """The Query of the index, oldest first."""
    is_later, values = (" AND run_id > :after", {":after": str(after)}) if after else ("", {})
    return {
        "IndexName": "open_runs",
        "KeyConditionExpression": f"#open = :open{is_later}",
        "ExpressionAttributeNames": {"#open": "open"},
        "ExpressionAttributeValues": write_values({":open": "1"} | values),
    }


def read_open_runs(items: Iterable[Item]) -> tuple[OpenRun, ...]:
    """Oldest first. The index may hold runs that have ended in this moment: those are left out."""
    runs = sorted(map(_read, items), key=lambda run: run.run_id)
    return tuple(run for run in runs if not run.status.has_ended)


def move_to_machine(run: RunAttempt, content_hash: str) -> Update:
    return Update(
        key=run_key(run.run_id),
        set={"status": RunStatus.PENDING.value, "content_hash": content_hash},
        allowed_from=frozenset({RunStatus.PENDING}),
        seen={"content_hash": run.content_hash},
        of_attempt=run.run_attempt,
    )


def _read(item: Item) -> OpenRun:
    values = read_values(item)
    return OpenRun(
        run_id=UUID(values["run_id"]),
        tenant=values["tenant"],
        status=RunStatus(values["status"]),
        created_at=datetime.fromisoformat(values["created_at"]),
        content_hash=values["content_hash"],
        run_attempt=values.get("run_attempt", 1),
        deadline=read_time(values.get("deadline")),
        resumed_at=read_time(values.get("resumed_at")),
        correlation_id=values.get("correlation_id", ""),
        parent=read_parent(values.get("parent")),
    )
