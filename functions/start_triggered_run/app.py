"""Starts runs that nobody calls for: by events `Execute Workflow` on the deployment's bus."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from start_triggered_run.custom_event import read_custom_event
from stepcall.runtime.event_wiring import default_tenant, event_dependencies
from stepcall.runtime.observability import CORRELATION_ID, log_fact, logs_invocation, name_in_log, name_run_in_log
from stepcall.use_cases.invalid_events import invalid_event_kept
from stepcall.use_cases.start_by_event import start_by_event


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    deps = event_dependencies()
    name_in_log(**{CORRELATION_ID: event["id"]}, event_id=event["id"])
    with invalid_event_kept(event, deps):
        started = start_by_event(read_custom_event(event, default_tenant()), deps)
        name_run_in_log(started.run)
        log_fact("event_started_run", replayed=str(started.is_replayed))
