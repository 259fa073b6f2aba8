"""What the world is told of a run: an event for its start, and one for its end. docs/events.md, for who reads them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from stepcall.domain.ids import spell_execution, spell_job, spell_trigger, spell_workflow
from stepcall.domain.run import Run, RunStatus
from stepcall.domain.times import print_time

SOURCE = "stepcall"


class RunEventType(StrEnum):
    """What EventBridge calls the detail type."""

    STARTED = "Run Started"
    COMPLETED = "Run Completed"
    FAILED = "Run Failed"
    CANCELLED = "Run Cancelled"


# That a run was accepted is no event: its caller was told.
TYPE_OF_MOVE: Mapping[RunStatus, RunEventType] = MappingProxyType(
    {
        RunStatus.RUNNING: RunEventType.STARTED,
        RunStatus.COMPLETED: RunEventType.COMPLETED,
        RunStatus.FAILED: RunEventType.FAILED,
        RunStatus.CANCELLED: RunEventType.CANCELLED,
    }
)


DETAIL_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("event_id", "sequence", "tenant", "run_id", "execution_id", "externalId", "workflow_id"), ()),
        **dict.fromkeys(("workflow_version", "workflow_name", "workflow_type", "run_mode", "run_attempt"), ()),
        **dict.fromkeys(("trigger_depth", "trigger_ids", "status", "created_at", "started_at", "completed_at"), ()),
        "error": ("reason", "location", "message"),
    }
)
"""What an event's detail may have, and what lies in it: docs/run_event.schema.json."""


class RunChange(NamedTuple):
    """A run as one write left it, and its status before that; None when the write has put it."""

    run: Run
    before: RunStatus | None


class RunEvent(NamedTuple):
    event_id: UUID
    """The same however often the change is heard of."""
    type: RunEventType
    time: datetime
    """When the run started or ended."""
    run: Run

    def to_json(self) -> dict[str, Any]:
        """The event's detail: docs/run_event.schema.json. It carries neither input nor output."""
        run = self.run
        times = {"created_at": run.created_at, "started_at": run.started_at, "completed_at": run.completed_at}
        return {
            "event_id": str(self.event_id),
            "sequence": 2 * run.run_attempt - (not run.status.has_ended),
            "tenant": run.tenant,
            "run_id": str(run.run_id),
            "execution_id": spell_execution(run.run_id),
            "externalId": spell_job(run.run_id),
            "workflow_id": spell_workflow(run.workflow_id),
            "workflow_version": run.workflow_version,
            "workflow_name": run.workflow_name,
            "workflow_type": run.workflow_type,
            "run_mode": run.run_mode.value,
            "run_attempt": run.run_attempt,
            "trigger_depth": run.trigger_depth,
            "trigger_ids": [spell_trigger(each) for each in run.trigger_ids],
            "status": run.status.value,
            **{name: print_time(time) for name, time in times.items() if time},
            **({"error": run.error.to_json()} if run.error else {}),
        }


def event_of(change: RunChange) -> RunEvent | None:
    """None for a write that has not moved the run, or has only accepted it, or accepted that it is resumed."""
    run = change.run
    kind = TYPE_OF_MOVE.get(run.status)
    if kind is None or run.status is change.before:
        return None
    moved_at = run.completed_at or run.started_at or run.created_at
    attempt = "" if run.run_attempt == 1 else f".{run.run_attempt}"
    return RunEvent(uuid5(run.run_id, f"{run.status.value}{attempt}"), kind, moved_at, run)
