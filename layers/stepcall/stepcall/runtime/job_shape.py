"""What faces that show jobs have in common: how far a job is, and how times are spelled."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from stepcall.domain.run import RunStatus, RunSummary

JOB_STATES: Mapping[RunStatus, str] = MappingProxyType(
    {
        RunStatus.PENDING: "PENDING",
        RunStatus.RUNNING: "RUNNING",
        RunStatus.COMPLETED: "DONE",
        RunStatus.FAILED: "DONE",
        RunStatus.CANCELLED: "DONE",
    }
)


def print_status(run: RunSummary) -> dict[str, Any]:
    """`state`, and `errorResult {reason, location, message}` of a run that went wrong."""
    state = {"state": JOB_STATES[run.status]}
    return state | ({"errorResult": run.error.to_json()} if run.error else {})


def print_time(time: datetime) -> str:
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds')[:-6]}Z"
