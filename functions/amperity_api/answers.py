"""How this face prints runs: contracts/amperity.md, "The run", in no other fields than the vendor describes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import spell_dated_run, spell_execution_name, spell_workflow
from stepcall.domain.run import ErrorResult, RunStatus, RunSummary, TaskRun, TaskStatus
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.times import print_time
from stepcall.domain.waiting import LONGEST_WAIT
from stepcall.domain.workflow import Task
from stepcall.runtime.answer_room import fill_page
from stepcall.stores.run_store import RunPage
from stepcall.use_cases.whole_run import WholeRun

Json = dict[str, Any]
STATES: Mapping[RunStatus, str] = MappingProxyType(
    {
        RunStatus.PENDING: "scheduled",
        RunStatus.RUNNING: "running",
        RunStatus.COMPLETED: "succeeded",
        RunStatus.FAILED: "failed",
        RunStatus.CANCELLED: "canceled",
    }
)
TASK_STATES: Mapping[TaskStatus, str] = MappingProxyType(
    {
        TaskStatus.PENDING: "scheduled",
        TaskStatus.RUNNING: "running",
        TaskStatus.COMPLETED: "succeeded",
        TaskStatus.FAILED: "failed",
        TaskStatus.SKIPPED: "skipped",
        TaskStatus.CANCELLED: "canceled",
    }
)
OURS = frozenset(
    {
        ErrorReason.BACKEND_ERROR,
        ErrorReason.INTERNAL_ERROR,
        ErrorReason.QUOTA_EXCEEDED,
        ErrorReason.RATE_LIMIT_EXCEEDED,
    }
)
"""Reasons that no change of a workflow mends."""
STOPPED: Json = {
    "type": "stepcall.workflow/cancel",
    "message": "Workflow manually stopped",
    "attribution": "customer",
}
UNENDED = frozenset({TaskStatus.PENDING, TaskStatus.RUNNING})


def print_overview(run: RunSummary) -> Json:
    ended = {"ended_at": print_time(run.completed_at)} if run.completed_at else {}
    return {
        "id": spell_dated_run(run.run_id),
        "name": run.workflow_name,
        "type": run.workflow_type,
        "state": STATES[run.status],
        "tenant": run.tenant,
        "created_at": print_time(run.created_at),
        **ended,
    }


def print_listed(run: RunSummary) -> Json:
    principal_id = {"principal_id": run.principal_id} if run.principal_id else {}
    return {**print_overview(run), "principal_name": run.principal, **principal_id, **_error_of_run(run)}


def print_started(whole: WholeRun) -> Json:
    """All but what becomes of its tasks."""
    run, definition = whole.run, whole.version.definition
    versions = {"launched_version": run.workflow_version, "current_version": whole.current_version}
    long_after = {} if definition.warn_after_ms is None else {"warn_after_ms": definition.warn_after_ms}
    return {
        **print_listed(run),
        **{name: f"{spell_workflow(run.workflow_id)}.{number}" for name, number in versions.items() if number},
        **long_after,
        "task_instances": [],
    }


def print_whole(whole: WholeRun, catalog: Mapping[str, TaskContract]) -> Json:
    pairs = zip(whole.version.definition.tasks, whole.tasks, strict=True)
    catalog = whole.version.catalog(catalog)
    tasks = [
        _print_task(number, task, _as_ended(done, whole.run), whole.run, catalog[task.type])
        for number, (task, done) in enumerate(pairs, 1)
    ]
    return {**print_started(whole), "task_instances": tasks}


def print_runs(page: RunPage) -> tuple[list[Json], UUID | None]:
    """As many of the page's runs as one answer holds for certain, and the one to go on after."""
    return fill_page(page.runs, print_listed, lambda run: run.run_id, page.next_run_id)


def print_page(printed: list[Json], next_token: str | None, total: int | None) -> Json:
    """What there is not has no key: no value is null."""
    told = {"next_token": next_token, "total": total}
    return {"data": printed} | {name: value for name, value in told.items() if value is not None}


def _print_task(number: int, task: Task, done: TaskRun, run: RunSummary, contract: TaskContract) -> Json:
    run_id = spell_dated_run(run.run_id)
    began_at = done.started_at or run.created_at
    ended = {"ended_at": print_time(done.completed_at)} if done.completed_at else {}
    return {
        "id": f"wft-{run_id.removeprefix('wf-')}-{number}",
        "label": task.description or task.type,
        "state": TASK_STATES[done.status],
        "tenant": run.tenant,
        "created_at": print_time(began_at),
        **ended,
        "state_changed_at": print_time(done.completed_at or began_at),
        "execution_type": contract.worker.value,
        "run_id": spell_execution_name(run.run_id, done.run_attempt),
        "task_definition_id": f"{spell_workflow(run.workflow_id)}/{task.ref}",
        "task_definition_type": task.type,
        "timeout_ms": 1000 * _longest_attempt(task, contract),
        "workflow_id": run_id,
        **(_error("task", done.error) if done.error and done.status is TaskStatus.FAILED else {}),
    }


def _longest_attempt(task: Task, contract: TaskContract) -> int:
    """In seconds. Of what waits its worker's time says nothing."""
    if contract.awaits:
        return task.timeout_seconds or contract.awaits(task.input)
    if contract.is_wait:
        seconds = task.input.get("seconds")
        return seconds if isinstance(seconds, int) else int(LONGEST_WAIT.total_seconds())
    return task.timeout_seconds or contract.timeout_seconds


def _as_ended(task: TaskRun, run: RunSummary) -> TaskRun:
    """What a run that has ended left undone is canceled with it."""
    if run.status.has_ended and task.status in UNENDED:
        return TaskRun(task.ref, TaskStatus.CANCELLED, task.attempts, task.started_at, run.completed_at)
    return task


def _error_of_run(run: RunSummary) -> Json:
    if run.error is None:
        return {}
    return {"error": STOPPED} if run.status is RunStatus.CANCELLED else _error("workflow", run.error)


def _error(what: str, error: ErrorResult) -> Json:
    return {
        "error": {
            "type": f"stepcall.{what}/{error.reason}",
            "message": error.message,
            "attribution": "platform" if error.reason in OURS else "customer",
            "data": {"reason": error.reason, "location": error.location},
        }
    }
