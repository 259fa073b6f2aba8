"""How triggers are shown."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from stepcall.domain.errors import Problem, with_short_location
from stepcall.domain.ids import spell_execution, spell_trigger, spell_workflow
from stepcall.domain.schedule_expression import read_schedule
from stepcall.domain.times import print_time
from stepcall.domain.trigger import EventSource, LastError, LastRun, ScheduleSource, Trigger
from stepcall.use_cases.read_trigger import TriggerView

Json = dict[str, Any]
NEXT_TIMES = 5
MAX_WARNINGS = 10


def print_trigger(view: TriggerView, now: datetime) -> Json:
    """`warnings` are left out where there are none."""
    trigger = view.trigger
    return {
        "trigger_id": spell_trigger(trigger.trigger_id),
        "workflow_id": spell_workflow(trigger.workflow_id),
        "type": trigger.key.type.value,
        **_print_source(trigger, now),
        "input": trigger.input,
        "enabled": trigger.enabled,
        "status": trigger.status.value,
        "created_at": print_time(trigger.created_at),
        "last_run": _print_run(trigger.last_run),
        "last_error": _print_error(trigger.last_error),
        **({"warnings": [each.to_json() for each in _first(view.warnings)]} if view.warnings else {}),
    }


def _first(warnings: Sequence[Problem]) -> Iterator[Problem]:
    """Not all: twenty triggers have to fit into one answer."""
    yield from map(with_short_location, warnings[:MAX_WARNINGS])
    if (more := len(warnings) - MAX_WARNINGS) > 0:
        yield Problem("", "more_warnings", f"There are {more} more: they show when these are mended.")


def print_triggers(views: Iterable[TriggerView], now: datetime) -> Json:
    return {"triggers": [print_trigger(view, now) for view in views]}


def location_of(trigger: Trigger) -> str:
    return f"/workflows/{spell_workflow(trigger.workflow_id)}/triggers/{spell_trigger(trigger.trigger_id)}"


def _print_source(trigger: Trigger, now: datetime) -> Json:
    source = trigger.source
    if isinstance(source, EventSource):
        return {"pattern": source.pattern, "bus": source.bus.value}
    times, zone = _next_times(source, now) if trigger.enabled else [], ZoneInfo(source.timezone)
    return {
        "expression": source.expression,
        "timezone": source.timezone,
        "next_times": [print_time(time, "seconds") for time in times],
        "next_local_times": [time.astimezone(zone).isoformat(timespec="seconds") for time in times],
    }


def _next_times(source: ScheduleSource, now: datetime) -> list[datetime]:
    return read_schedule(source.expression, source.timezone).next_times(now, NEXT_TIMES, source.starts_at)


def _print_run(run: LastRun | None) -> Json | None:
    return {"execution_id": spell_execution(run.run_id), "at": print_time(run.at)} if run else None


def _print_error(error: LastError | None) -> Json | None:
    return {"at": print_time(error.at), "code": error.code, "message": error.message} if error else None
