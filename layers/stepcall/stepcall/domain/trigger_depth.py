"""Runs that set off runs: which row of them an event ends, so that no row goes on for ever. docs/events.md."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.errors import Problem, StepcallError
from stepcall.domain.ids import MalformedIdError, read_trigger_id
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.run_events import SOURCE, RunEventType

MAX_TRIGGER_DEPTH = 10
OF_STEP_FUNCTIONS = "aws.states"
DETAIL = "/detail"


class MalformedRowError(StepcallError):
    """The event tells of a run, and says of its row what no run of ours has; `problems` says what."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The event tells of no run that can be.")
        self.problems = list(problems)


class Row(NamedTuple):
    """How deep a run stands in a row of runs that set each other off, and the triggers that have led to it."""

    depth: int = 0
    trigger_ids: tuple[UUID, ...] = ()

    def and_then(self, trigger_id: UUID) -> "Row":
        return Row(self.depth + 1, (*self.trigger_ids, trigger_id)[-MAX_TRIGGER_DEPTH:])


def row_of(event: Mapping[str, Any]) -> Row | None:
    """Of the run that an event tells of; None where it tells of none. Raises MalformedRowError.

    Executions are named in events of Step Functions, too, with what they were started with.
    """
    run = run_told_of(event)
    if run is None:
        return None
    depth, ids = _read_depth(run.get("trigger_depth", 0)), _read_ids(run.get("trigger_ids", []))
    if depth is None or ids is None:
        wrong = [("trigger_depth", f"a whole number from 0 to {MAX_TRIGGER_DEPTH}")] if depth is None else []
        wrong += [("trigger_ids", f"an array of at most {MAX_TRIGGER_DEPTH} triggers' ids")] if ids is None else []
        problems = [
            Problem(f"{DETAIL}/{name}", "invalid_value", f"This is not {words}.", words) for name, words in wrong
        ]
        raise MalformedRowError(problems)
    return Row(depth, ids)


def run_event_id(event: Mapping[str, Any]) -> UUID | None:
    """What an event of ours is called however often it is told; None for others."""
    if event.get("source") != SOURCE or (run := run_told_of(event)) is None:
        return None
    try:
        return UUID(run["event_id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def run_told_of(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What an event says of a run of Stepcall's: its own event, or Step Functions'. None where it tells of none."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        return None
    if event.get("source") == SOURCE and event.get("detail-type") in list(RunEventType):
        return detail
    return _run_of_execution(detail.get("input")) if event.get("source") == OF_STEP_FUNCTIONS else None


def _read_depth(depth: Any) -> int | None:
    is_depth = isinstance(depth, int) and not isinstance(depth, bool) and 0 <= depth <= MAX_TRIGGER_DEPTH
    return depth if is_depth else None


def _read_ids(ids: Any) -> tuple[UUID, ...] | None:
    if not isinstance(ids, list) or len(ids) > MAX_TRIGGER_DEPTH or not all(isinstance(each, str) for each in ids):
        return None
    try:
        return tuple(map(read_trigger_id, ids))
    except MalformedIdError:
        return None


def _run_of_execution(text: Any) -> Mapping[str, Any] | None:
    """None for an execution that is not of a run."""
    try:
        started_with = read_json(text) if isinstance(text, str) else None
    except MalformedJsonError:
        return None
    run = started_with.get("run") if isinstance(started_with, Mapping) else None
    return run if isinstance(run, Mapping) and "run_id" in run else None
