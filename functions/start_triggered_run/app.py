"""Starts runs that nobody calls for: by events `Execute Workflow` on the deployment's bus."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from start_triggered_run.custom_event import read_custom_event
from stepcall.runtime.observability import CORRELATION_ID, log_fact, logs_invocation, name_in_log, name_run_in_log
from stepcall.runtime.trigger_wiring import accept_dependencies, default_tenant
from stepcall.use_cases.start_by_event import start_by_event


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    name_in_log(**{CORRELATION_ID: event["id"]})
    started = start_by_event(read_custom_event(event, default_tenant()), accept_dependencies())
    name_run_in_log(started.run)
    log_fact("event_started_run", replayed=str(started.is_replayed))
