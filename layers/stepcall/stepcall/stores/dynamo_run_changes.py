"""What the runs table's stream says: images of items, before a write and after it."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.run import RunStatus, TaskStatus
from stepcall.domain.run_events import RunChange
from stepcall.stores.dynamo_items import (
    PROVIDER_KEY,
    RUN_ITEM,
    TASK_TOKEN,
    Item,
    attempt_of,
    read_awaited,
    read_ref,
    read_run,
)


def read_change(before: Item | None, after: Item | None) -> RunChange | None:
    """None for what is no run (its tasks, claims, keys), and for a run that was deleted."""
    if not after or after["item"]["S"] != RUN_ITEM:
        return None
    # a caller's own key is nobody's business here, and Lambda spells bytes otherwise than DynamoDB does
    image = {name: value for name, value in after.items() if name != PROVIDER_KEY}
    return RunChange(read_run(image), RunStatus(before["status"]["S"]) if before else None)


class SettledTask(NamedTuple):
    """A task that has ended while a machine waits for its end, or did: `token` is what it waits with."""

    run_id: UUID
    token: str
    status: TaskStatus
    child_run_id: UUID | None = None
    """The run whose end it has waited for."""


class FailedEach(NamedTuple):
    """A task that is done for each element, and has failed."""

    run_id: UUID
    run_attempt: int
    ref: str


def read_failed_each(after: Item | None) -> FailedEach | None:
    """None for what is no such task, and for one that has not failed."""
    if not after or "instances" not in after or after["status"]["S"] != TaskStatus.FAILED:
        return None
    return FailedEach(UUID(after["run_id"]["S"]), attempt_of(after), read_ref(after["item"]["S"]))


def read_settled(after: Item | None) -> SettledTask | None:
    """None for what is no task of that kind, or has not ended."""
    if not after or TASK_TOKEN not in after:
        return None
    status = TaskStatus(after["status"]["S"])
    if status is TaskStatus.RUNNING:
        return None
    awaited = read_awaited(after["awaited"]["S"]) if "awaited" in after else None
    child = awaited.child_run_id if awaited else None
    return SettledTask(UUID(after["run_id"]["S"]), after[TASK_TOKEN]["S"], status, child)
