"""How the Wave face prints workflows and runs: contracts/wave.md. Keys are in the order of the alphabet."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from stepcall.domain.run import CALL_LOCATION, OUTPUT_LOCATION, ErrorResult, RunStatus
from stepcall.domain.times import print_time
from stepcall.runtime.answer_room import fill_page
from stepcall.stores.workflow_store import WorkflowPage, WorkflowSummary, summary_of
from stepcall.use_cases.read_run import RunView, ShownValue

Json = dict[str, Any]
RUNNING = "running"
STATUSES: Mapping[RunStatus, str] = MappingProxyType(
    {
        RunStatus.PENDING: RUNNING,
        RunStatus.RUNNING: RUNNING,
        RunStatus.COMPLETED: "completed",
        RunStatus.FAILED: "failed",
        RunStatus.CANCELLED: "failed",
    }
)
"""Clients stop polling at any other word than `running`, and know no fourth one."""
POLLING = MappingProxyType({"Retry-After": "10"})
"""Seconds: how often the source polls."""
APP_ID_LENGTH = 20
PLACES = frozenset({CALL_LOCATION, OUTPUT_LOCATION})
"""Locations of errors that are no tasks."""


def print_run(view: RunView) -> Json:
    run = view.run
    return {
        "appId": spell_app(run.tenant),
        **({"errorMessage": _print_error(run.error)} if run.error else {}),
        "id": str(run.run_id),
        **_print_value("params", view.input),
        **(_print_value("result", view.output) if view.output else {}),
        "startedAt": f"{_print_exact_time(run.created_at)[:-1]}000Z",  # nanoseconds, of which the clock has none
        "status": STATUSES[run.status],
        "workflow": print_workflow(summary_of(view.version), run.tenant),
    }


def print_start(view: RunView) -> Json:
    """For who may start runs and not read them: the parameters have the workflow's defaults among them."""
    return {key: value for key, value in print_run(view).items() if not key.startswith("params")}


def polling_headers(view: RunView) -> Mapping[str, str]:
    """When to ask again, while that makes sense."""
    return {} if view.run.status.has_ended else POLLING


def print_workflows(page: WorkflowPage, tenant: str) -> tuple[list[Json], UUID | None]:
    """As many of the page's workflows as one answer holds for certain, and the one to go on after."""
    return fill_page(
        page.workflows,
        lambda workflow: print_workflow(workflow, tenant),
        lambda workflow: workflow.workflow_id,
        page.next_workflow_id,
    )


def print_workflow(workflow: WorkflowSummary, tenant: str) -> Json:
    return {
        "appId": spell_app(tenant),
        "createdAt": _print_exact_time(workflow.created_at),
        "description": workflow.description or "",
        "id": str(workflow.workflow_id),
        "name": workflow.name,
        "updatedAt": _print_exact_time(workflow.updated_at),
    }


def spell_app(tenant: str) -> str:
    """The same for all that a tenant has; it says nothing of the tenant."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:APP_ID_LENGTH]


def _print_error(error: ErrorResult) -> str:
    """With the task that failed: there is no other field that could name it."""
    return error.message if error.location in PLACES else f"Task `{error.location}`: {error.message}"


def _print_value(name: str, shown: ShownValue) -> Json:
    if shown.has_expired:
        return {f"{name}Expired": True}
    return {f"{name}Url": shown.url} if shown.url else {name: shown.value}


def _print_exact_time(time: datetime) -> str:
    return print_time(time, "microseconds")
