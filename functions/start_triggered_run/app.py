"""Starts runs that nobody calls for: by events `Execute Workflow` on the deployment's bus, and by triggers."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from start_triggered_run.custom_event import read_custom_event, read_event_id, require_object
from start_triggered_run.firing import read_firing
from stepcall.domain.ids import spell_trigger
from stepcall.runtime.event_wiring import event_dependencies
from stepcall.runtime.observability import CORRELATION_ID, log_fact, logs_invocation, name_in_log, name_run_in_log
from stepcall.use_cases.fire_trigger import fire_trigger
from stepcall.use_cases.invalid_events import EventDependencies, invalid_event_kept
from stepcall.use_cases.start_by_event import start_by_event
from stepcall.use_cases.start_once import Started


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    deps = event_dependencies()
    with invalid_event_kept(event, deps):
        start = _start_by_trigger if "trigger" in require_object(event) else _start_by_event
        if started := start(event, deps):
            name_run_in_log(started.run)
            log_fact("event_started_run", replayed=str(started.is_replayed))


def _start_by_trigger(event: dict[str, Any], deps: EventDependencies) -> Started | None:
    firing = read_firing(event)
    trigger_id, event_id = spell_trigger(firing.trigger.trigger_id), firing.event["id"]
    # the times of schedules are others' times, too
    correlation_id = event_id if firing.bus else f"{trigger_id}:{event_id}"
    name_in_log(
        **{CORRELATION_ID: correlation_id}, event_id=event_id, trigger_id=trigger_id, tenant=firing.trigger.tenant
    )
    return fire_trigger(firing, deps)


def _start_by_event(event: dict[str, Any], deps: EventDependencies) -> Started:
    event_id = read_event_id(event)
    name_in_log(**{CORRELATION_ID: event_id}, event_id=event_id)
    return start_by_event(read_custom_event(event, deps.default_tenant), deps)
