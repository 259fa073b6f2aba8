"""How the native face prints workflows, runs and jobs. A time that has not been reached yet is left out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stepcall.domain.ids import spell_execution, spell_job, spell_workflow
from stepcall.domain.run import Run, RunStatus, RunSummary, TaskRun
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.run_store import RunPage
from stepcall.use_cases.read_run import RunView, ShownValue

Json = dict[str, Any]
JOB_STATES: Mapping[RunStatus, str] = {
    RunStatus.PENDING: "PENDING",
    RunStatus.RUNNING: "RUNNING",
    RunStatus.COMPLETED: "DONE",
    RunStatus.FAILED: "DONE",
    RunStatus.CANCELLED: "DONE",
}


def print_created(version: WorkflowVersion) -> Json:
    return {"workflow_id": spell_workflow(version.workflow_id), "workflow_version": version.version}


def print_workflow(version: WorkflowVersion) -> Json:
    return {
        **print_created(version),
        "created_at": print_time(version.created_at),
        "updated_at": print_time(version.created_at),
        **version.definition.to_json(),
    }


def print_started(run: RunSummary) -> Json:
    return {
        "workflow_id": spell_workflow(run.workflow_id),
        "workflow_version": run.workflow_version,
        "execution_id": spell_execution(run.run_id),
        "externalId": spell_job(run.run_id),
        "status": run.status.value,
    }


def print_execution(view: RunView) -> Json:
    run = view.run
    return {
        **print_started(run),
        **_times(run),
        "tasks": [print_task(task) for task in view.tasks],
        **_print_value("input", view.input),
        **(_print_value("output", view.output) if view.output else {}),
        **({"error": run.error.to_json()} if run.error else {}),
    }


def print_task(task: TaskRun) -> Json:
    return {
        "ref": task.ref,
        "status": task.status.value,
        **({"attempts": task.attempts} if task.attempts else {}),
        **_times(task),
        **({"error": task.error.to_json()} if task.error else {}),
    }


def print_page(page: RunPage) -> Json:
    executions = [
        {
            "execution_id": spell_execution(run.run_id),
            "externalId": spell_job(run.run_id),
            "workflow_version": run.workflow_version,
            "status": run.status.value,
            **_times(run),
        }
        for run in page.runs
    ]
    token = {"next_token": spell_execution(page.next_run_id)} if page.next_run_id else {}
    return {"executions": executions, **token}


def print_job(view: RunView) -> Json:
    """The job shape: `externalId`, `status.state`, `status.errorResult {reason, location, message}`."""
    run = view.run
    return {
        "externalId": spell_job(run.run_id),
        "accountId": run.tenant,
        "userId": run.principal,
        "createdAt": print_time(run.created_at),
        "metadata": {
            "workflow_id": spell_workflow(run.workflow_id),
            "workflow_version": run.workflow_version,
            "execution_id": spell_execution(run.run_id),
        },
        "status": {"state": JOB_STATES[run.status], **_error_result(run)},
    }


def print_time(time: datetime) -> str:
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds')[:-6]}Z"


def _error_result(run: Run) -> Json:
    return {"errorResult": run.error.to_json()} if run.error else {}


def _print_value(name: str, shown: ShownValue) -> Json:
    if shown.has_expired:
        return {f"{name}_expired": True}
    return {f"{name}_url": shown.url} if shown.url else {name: shown.value}


def _times(timed: RunSummary | TaskRun) -> Json:
    created = {"created_at": timed.created_at} if isinstance(timed, RunSummary) else {}
    times = {**created, "started_at": timed.started_at, "completed_at": timed.completed_at}
    return {name: print_time(time) for name, time in times.items() if time}
