"""Runs that set off runs: how deep an event stands in such a row, so that no row goes on for ever. docs/events.md."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.run_events import SOURCE, RunEventType

MAX_TRIGGER_DEPTH = 10
OF_STEP_FUNCTIONS = "aws.states"


def depth_after(event: Mapping[str, Any]) -> int:
    """Of the run that a trigger starts by this event: one more than of the run that it tells of, 0 when of none.

    Executions are named in events of Step Functions, too, with what they were started with.
    """
    run = run_told_of(event)
    return 0 if run is None else _depth_in(run) + 1


def run_told_of(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What an event says of a run of Stepcall's: its own event, or Step Functions'. None where it tells of none."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        return None
    if event.get("source") == SOURCE and event.get("detail-type") in list(RunEventType):
        return detail
    return _run_of_execution(detail.get("input")) if event.get("source") == OF_STEP_FUNCTIONS else None


def _depth_in(run: Mapping[str, Any]) -> int:
    """0 where it is not said: by an earlier release."""
    depth = run.get("trigger_depth", 0)
    return depth if isinstance(depth, int) else 0


def _run_of_execution(text: Any) -> Mapping[str, Any] | None:
    """None for an execution that is not of a run."""
    try:
        started_with = read_json(text) if isinstance(text, str) else None
    except MalformedJsonError:
        return None
    run = started_with.get("run") if isinstance(started_with, Mapping) else None
    return run if isinstance(run, Mapping) and "run_id" in run else None
