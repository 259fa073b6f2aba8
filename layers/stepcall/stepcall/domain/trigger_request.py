"""What a request says of a trigger, and what a trigger becomes by it: everything that is wrong, each with its place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from stepcall.domain.errors import Problem
from stepcall.domain.event_pattern import bus_of, check_bus, check_pattern
from stepcall.domain.json_text import write_json
from stepcall.domain.schedule_expression import InvalidExpressionError, read_schedule
from stepcall.domain.trigger import Bus, EventSource, ScheduleSource, Trigger, TriggerType
from stepcall.domain.trigger_input import check_trigger_input
from stepcall.domain.workflow import WorkflowDefinition

DEFAULT_TIMEZONE = "UTC"
MAX_INPUT_BYTES = 64 * 1024
"""A template names what is long; and all triggers of a workflow are shown in one answer."""
OF_TYPE: Mapping[TriggerType, tuple[str, ...]] = {
    TriggerType.SCHEDULE: ("expression", "timezone"),
    TriggerType.EVENT: ("pattern", "bus"),
}
Source = ScheduleSource | EventSource


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRequest:
    """What is said of a trigger; None is not said, or could not be read: then `faults` has why."""

    type: TriggerType | None = None
    expression: str | None = None
    timezone: str | None = None
    pattern: Mapping[str, Any] | None = None
    bus: Bus | None = None
    input: Mapping[str, Any] | None = None
    enabled: bool | None = None
    faults: Sequence[Problem] = ()

    def is_missing(self, name: str) -> bool:
        return getattr(self, name) is None and not any(each.location.split("/")[1] == name for each in self.faults)


def find_faults(said: TriggerRequest, definition: WorkflowDefinition, now: datetime) -> list[Problem]:
    """All that is wrong with a new trigger of a workflow."""
    found = [*said.faults]
    if said.is_missing("type"):
        choice = "`schedule` or `event`"
        found.append(Problem("/type", "missing", f"`type` is missing: write {choice}.", choice))
    kind = said.type or _guess_type(said)
    if kind is TriggerType.SCHEDULE:
        found += _schedule_faults(said, now)
    elif kind is TriggerType.EVENT:
        found += _event_faults(said)
    if said.type:
        found += _foreign_fields(said, said.type)
    if said.input is not None or said.is_missing("input"):
        found += input_faults(said.input or {}, definition, is_schedule=kind is TriggerType.SCHEDULE)
    return found


def _guess_type(said: TriggerRequest) -> TriggerType | None:
    """For who is refused anyway, and told all that is wrong at once."""
    if said.expression is not None:
        return TriggerType.SCHEDULE
    return None if said.pattern is None else TriggerType.EVENT


def _schedule_faults(said: TriggerRequest, now: datetime) -> Iterator[Problem]:
    if said.is_missing("expression"):
        yield Problem("/expression", "missing", "`expression` is missing: say when, as in `rate(1 hour)`.")
    if said.expression is not None:
        yield from _expression_faults(said.expression, _timezone(said), now)


def _timezone(said: TriggerRequest) -> str:
    return DEFAULT_TIMEZONE if said.timezone is None else said.timezone


def _expression_faults(expression: str, timezone: str, now: datetime) -> list[Problem]:
    try:
        read_schedule(expression, timezone, now=now)
    except InvalidExpressionError as exc:
        return list(exc.problems)
    return []


def _event_faults(said: TriggerRequest) -> Iterator[Problem]:
    if said.is_missing("pattern"):
        yield Problem("/pattern", "missing", '`pattern` is missing: say which events, as in `{"source": ["my.shop"]}`.')
    if said.pattern is not None:
        faults = check_pattern(said.pattern, "/pattern")
        yield from faults
        if not faults and said.bus:
            yield from check_bus(said.pattern, said.bus, "/bus")


def _foreign_fields(said: TriggerRequest, kind: TriggerType) -> Iterator[Problem]:
    for other, names in OF_TYPE.items():
        for name in names if other is not kind else ():
            if getattr(said, name) is not None:
                message = f"A trigger of type `{kind}` has no `{name}`: leave it out, or make one of type `{other}`."
                yield Problem(f"/{name}", "unknown_field", message)


def input_faults(value: Mapping[str, Any], definition: WorkflowDefinition, *, is_schedule: bool) -> list[Problem]:
    """All that is wrong with a template for that workflow's input."""
    if (size := len(write_json(value).encode())) > MAX_INPUT_BYTES:
        message = f"A trigger's input has at most {MAX_INPUT_BYTES:,} bytes as JSON: take what is long from the event."
        return [Problem("/input", "invalid_value", message, f"at most {MAX_INPUT_BYTES}", str(size))]
    return check_trigger_input(value, definition, "/input", is_schedule)


def read_new_source(said: TriggerRequest, now: datetime) -> Source:
    """Of a request without faults."""
    if said.type is TriggerType.SCHEDULE:
        return _schedule(said.expression or "", _timezone(said), now)
    pattern = said.pattern or {}
    return EventSource(pattern, said.bus or bus_of(pattern))


def _schedule(expression: str, timezone: str, now: datetime) -> ScheduleSource:
    """A rate comes first one period from now, so that its next times can be told."""
    period = read_schedule(expression, timezone).period
    return ScheduleSource(expression, timezone, (now + period).replace(microsecond=0) if period else None)


def find_faults_of_change(
    said: TriggerRequest, trigger: Trigger, definition: WorkflowDefinition, now: datetime
) -> list[Problem]:
    """All that is wrong with a change of a trigger; what stays as it is was taken when it was made."""
    kind = trigger.key.type
    found = [*said.faults, *_changes_of_what_stays(said, trigger), *_foreign_fields(said, kind)]
    source = trigger.source
    if isinstance(source, ScheduleSource):
        expression, timezone = _words_of(said, source)
        if (expression, timezone) != (source.expression, source.timezone) or _is_told_to_come(said, trigger):
            found += _expression_faults(expression, timezone, now)
    elif said.pattern is not None:
        found += check_pattern(said.pattern, "/pattern") or _stranded(said.pattern, source.bus)
    if said.input is not None:
        found += input_faults(said.input, definition, is_schedule=kind is TriggerType.SCHEDULE)
    return found


def _is_told_to_come(said: TriggerRequest, trigger: Trigger) -> bool:
    """Whether something else is changed of a schedule that is enabled then: it has to come again."""
    changes_input = said.input is not None and said.input != trigger.input
    if said.enabled is None or said.enabled is trigger.enabled:
        return trigger.enabled and changes_input
    return said.enabled


def _changes_of_what_stays(said: TriggerRequest, trigger: Trigger) -> Iterator[Problem]:
    """Who sends an answer back says what they are, and that is no change."""
    if said.type not in {None, trigger.key.type}:
        yield stays("type")
    if trigger.key.bus and said.bus not in {None, trigger.key.bus}:
        yield stays("bus")


def stays(name: str) -> Problem:
    message = f"The {name} of a trigger stays: make another trigger, and delete this one."
    return Problem(f"/{name}", "stays", message)


def _stranded(pattern: Mapping[str, Any], bus: Bus) -> list[Problem]:
    message = (
        f"Services of AWS send their events to the default bus only, and this trigger listens to `{bus}`, which stays: "
        "make another trigger, and delete this one."
    )
    return [Problem("/pattern", each.code, message) for each in check_bus(pattern, bus, "/pattern")]


def change_trigger(said: TriggerRequest, trigger: Trigger, now: datetime) -> Trigger:
    """By a request without faults: what it does not say stays."""
    return replace(
        trigger,
        source=_changed_source(said, trigger.source, now),
        input=trigger.input if said.input is None else said.input,
        enabled=trigger.enabled if said.enabled is None else said.enabled,
    )


def narrow_to(trigger: Trigger, granted: frozenset[UUID] | None) -> Trigger:
    """What who makes or changes it is not granted does not set it off, whatever its pattern says."""
    if granted is None or not isinstance(trigger.source, EventSource):
        return trigger
    return replace(trigger, heard=granted if trigger.heard is None else trigger.heard & granted)


def _changed_source(said: TriggerRequest, source: Source, now: datetime) -> Source:
    if isinstance(source, EventSource):
        return source if said.pattern is None else replace(source, pattern=said.pattern)
    expression, timezone = _words_of(said, source)
    if (expression, timezone) == (source.expression, source.timezone):
        return source
    return _schedule(expression, timezone, now)


def _words_of(said: TriggerRequest, source: ScheduleSource) -> tuple[str, str]:
    expression = source.expression if said.expression is None else said.expression
    return expression, source.timezone if said.timezone is None else said.timezone
