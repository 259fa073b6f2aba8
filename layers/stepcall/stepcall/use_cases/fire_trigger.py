"""Start the run that a trigger was made for, when its schedule or rule sends an event. docs/events.md."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from stepcall.domain.access import Caller
from stepcall.domain.errors import MAX_MESSAGE_LENGTH, InvalidParametersError, StepcallError, shorten
from stepcall.domain.event_tenant import is_beyond, is_of_another
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.ids import spell_trigger
from stepcall.domain.run import Run
from stepcall.domain.trigger import Bus, LastError, LastRun, Trigger, TriggerKey, TriggerType
from stepcall.domain.trigger_depth import MAX_TRIGGER_DEPTH, MalformedRowError, Row, row_of, run_event_id
from stepcall.domain.trigger_errors import TriggerNotFoundError
from stepcall.domain.trigger_input import TriggerInputError, render_trigger_input
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.invalid_events import (
    CODES,
    EventDependencies,
    InvalidEventError,
    Reason,
    TriggerLoopError,
    reason_for,
)
from stepcall.use_cases.settle_trigger import trigger_facts
from stepcall.use_cases.start_once import Started, start_once
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.trigger_dependencies import TriggerName

INPUT, EVENT = "/input", "/event"
KNOWN_WITHIN = timedelta(seconds=60)
LOOP_TOLD_FOR = timedelta(days=1)


class Firing(NamedTuple):
    """What a schedule or rule sends: which trigger it was made for, on which bus, and what has happened."""

    trigger: TriggerName
    bus: Bus | None
    event: Mapping[str, Any]

    @property
    def key(self) -> TriggerKey:
        """Of the trigger as EventBridge has it."""
        name, kind = self.trigger, TriggerType.EVENT if self.bus else TriggerType.SCHEDULE
        return TriggerKey(name.tenant, name.workflow_id, name.trigger_id, kind, self.bus)

    @property
    def once(self) -> StartOnce:
        """The key alone says it: an event that comes again starts nothing, even if the trigger was changed since.

        A run's event that is told again has another id at EventBridge, and its own in its detail.
        """
        trigger_id, told = str(self.trigger.trigger_id), run_event_id(self.event)
        return StartOnce(f"trigger:{trigger_id}:{f'run-event:{told}' if told else self.event['id']}", trigger_id)


def fire_trigger(firing: Firing, deps: EventDependencies) -> Started | None:
    """The run that it starts, or has started; None for another's event, and a trigger that is gone or disabled.

    One whose workflow is gone goes, too. Raises what else `start_once` and `start_run` raise, InvalidEventError, and
    TriggerLoopError once a day; what gets no better is then the trigger's last error.
    """
    trigger = _find(firing, deps)
    why_not = _why_not(trigger, firing, deps)
    if trigger is None or why_not:
        deps.log("trigger_not_fired", state=why_not)
        return None
    try:
        started = _start(trigger, firing, deps)
    except WorkflowNotFoundError:
        # who deleted it died before it had ended its triggers, or is about to end them
        deps.triggers.delete(trigger, deps.now())
        deps.log("trigger_deleted", **trigger_facts(trigger.key))
        return None
    except StepcallError as exc:
        if _is_told_already(exc, trigger, deps):
            deps.log("trigger_not_fired", state="by its own runs")
            return None
        if reason := reason_for(exc, deps.now()):
            deps.triggers.record_error(trigger.key, _last_error(reason))
        raise
    # after the start: who dies between finds the run again, and records it then
    deps.triggers.record_run(trigger.key, LastRun(started.run.run_id, started.run.created_at))
    return started


def _find(firing: Firing, deps: EventDependencies) -> Trigger | None:
    """As it is now. What EventBridge has of another revision, or has yet, is for the sweep: nearly always it was sent
    before the change, and then telling EventBridge again changes nothing."""
    name = firing.trigger
    try:
        trigger = deps.triggers.get(name.tenant, name.workflow_id, name.trigger_id)
    except TriggerNotFoundError:
        deps.triggers.recheck(firing.key, deps.now())
        return None
    if name.revision > trigger.revision or (name.revision < trigger.revision and _is_long_changed(trigger, deps)):
        deps.triggers.recheck(trigger.key, deps.now())
    return trigger


def _is_long_changed(trigger: Trigger, deps: EventDependencies) -> bool:
    """Before that EventBridge may send what it had: it takes a moment for changes to be everywhere."""
    return deps.now() - (trigger.changed_at or trigger.created_at) > KNOWN_WITHIN


def _why_not(trigger: Trigger | None, firing: Firing, deps: EventDependencies) -> str:
    """Why nothing is started, and that is no error; empty for what is to start a run."""
    if trigger is None:
        return "gone"
    if not trigger.enabled:
        return "disabled"
    is_foreign = is_of_another(firing.event, firing.bus, trigger.tenant, deps.default_tenant)
    if is_foreign:
        return "of another tenant"
    return "of a workflow not granted" if is_beyond(firing.event, firing.bus, trigger.heard) else ""


def _start(trigger: Trigger, firing: Firing, deps: EventDependencies) -> Started:
    principal = f"trigger:{spell_trigger(trigger.trigger_id)}"
    start: Callable[[Firing, Caller, EventDependencies], Run] = partial(_start_anew, trigger)
    return start_once(start, firing, Caller(trigger.tenant, principal, principal), deps)


def _start_anew(trigger: Trigger, firing: Firing, caller: Caller, deps: EventDependencies) -> Run:
    row = _next_row(trigger, firing.event)
    command = StartRun(
        trigger.workflow_id,
        _render(trigger, firing.event, deps),
        INPUT,
        once=firing.once,
        trigger_depth=row.depth,
        trigger_ids=row.trigger_ids,
    )
    return start_run(command, caller, deps)


def _next_row(trigger: Trigger, event: Mapping[str, Any]) -> Row:
    """Raises TriggerLoopError, InvalidEventError."""
    try:
        row = row_of(event)
    except MalformedRowError as exc:
        raise InvalidEventError([replace(each, location=f"{EVENT}{each.location}") for each in exc.problems]) from exc
    if row is None:
        return Row(0, (trigger.trigger_id,))
    if trigger.trigger_id in row.trigger_ids:
        raise TriggerLoopError("The event is of a run that this trigger has started, or that came of one")
    if row.depth >= MAX_TRIGGER_DEPTH:
        last = f"The event is of the last of {MAX_TRIGGER_DEPTH + 1} runs"
        raise TriggerLoopError(f"{last}, each of which has set off the next by a trigger")
    return row.and_then(trigger.trigger_id)


def _is_told_already(error: StepcallError, trigger: Trigger, deps: EventDependencies) -> bool:
    """A careless pattern takes the events of each of its runs: one letter and one alarm a day say it."""
    last = trigger.last_error
    if not isinstance(error, TriggerLoopError) or last is None or last.code != CODES[TriggerLoopError]:
        return False
    return deps.now() - last.at < LOOP_TOLD_FOR


def _render(trigger: Trigger, event: Mapping[str, Any], deps: EventDependencies) -> Mapping[str, Any]:
    definition = deps.workflows.get_latest(trigger.tenant, trigger.workflow_id).definition
    try:
        return render_trigger_input(trigger.input, event, definition)
    except TriggerInputError as exc:
        problems = [replace(problem, location=f"{INPUT}{problem.location}") for problem in exc.problems]
        raise InvalidParametersError(problems) from exc


def _last_error(reason: Reason) -> LastError:
    """The first problem's code, and where and what all of them are."""
    if not reason.problems:
        return LastError(reason.at, reason.code, reason.message)
    told = " ".join(f"{problem.location}: {problem.message}" for problem in reason.problems)
    return LastError(reason.at, reason.problems[0].code, shorten(told, MAX_MESSAGE_LENGTH))
