"""Start the run that a trigger was made for, when its schedule or rule sends an event. docs/events.md."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from stepcall.domain.access import Caller
from stepcall.domain.errors import MAX_MESSAGE_LENGTH, InvalidParametersError, StepcallError, shorten
from stepcall.domain.event_tenant import is_of_another
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.ids import spell_trigger
from stepcall.domain.run import Run
from stepcall.domain.trigger import Bus, LastError, LastRun, Trigger, TriggerKey, TriggerType
from stepcall.domain.trigger_depth import MAX_TRIGGER_DEPTH, depth_after
from stepcall.domain.trigger_errors import TriggerNotFoundError
from stepcall.domain.trigger_input import TriggerInputError, render_trigger_input
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.invalid_events import EventDependencies, Reason, TriggerLoopError, reason_for
from stepcall.use_cases.settle_trigger import trigger_facts
from stepcall.use_cases.start_once import Started, start_once
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.trigger_dependencies import TriggerName

INPUT = "/input"


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
        """The key alone says it: an event that comes again starts nothing, even if the trigger was changed since."""
        trigger_id = str(self.trigger.trigger_id)
        return StartOnce(f"trigger:{trigger_id}:{self.event['id']}", trigger_id)


def fire_trigger(firing: Firing, deps: EventDependencies) -> Started | None:
    """The run that it starts, or has started; None for another tenant's event, and a trigger that is gone or disabled.

    One whose workflow is gone goes, too. Raises what else `start_once` and `start_run` raise, and TriggerLoopError;
    what gets no better is then the trigger's last error.
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
    if trigger.revision != name.revision:
        deps.triggers.recheck(trigger.key, deps.now())
    return trigger


def _why_not(trigger: Trigger | None, firing: Firing, deps: EventDependencies) -> str:
    """Why nothing is started, and that is no error; empty for what is to start a run."""
    if trigger is None:
        return "gone"
    if not trigger.enabled:
        return "disabled"
    is_foreign = is_of_another(firing.event, firing.bus, trigger.tenant, deps.default_tenant)
    return "of another tenant" if is_foreign else ""


def _start(trigger: Trigger, firing: Firing, deps: EventDependencies) -> Started:
    principal = f"trigger:{spell_trigger(trigger.trigger_id)}"
    start: Callable[[Firing, Caller, EventDependencies], Run] = partial(_start_anew, trigger)
    return start_once(start, firing, Caller(trigger.tenant, principal, principal), deps)


def _start_anew(trigger: Trigger, firing: Firing, caller: Caller, deps: EventDependencies) -> Run:
    depth = depth_after(firing.event)
    if depth > MAX_TRIGGER_DEPTH:
        raise TriggerLoopError(MAX_TRIGGER_DEPTH)
    command = StartRun(
        trigger.workflow_id, _render(trigger, firing.event, deps), INPUT, once=firing.once, trigger_depth=depth
    )
    return start_run(command, caller, deps)


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
