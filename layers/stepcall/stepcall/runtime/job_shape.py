"""What faces that show jobs have in common: how far a job is."""

from collections.abc import Mapping
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
