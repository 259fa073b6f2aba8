"""How the native face prints workflows, runs and jobs. A time that has not been reached yet is left out."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import Problem
from stepcall.domain.generation import DOCUMENT_WORDS, TASK_WORDS, Generation
from stepcall.domain.ids import spell_execution, spell_job, spell_later_execution, spell_workflow
from stepcall.domain.run import Run, RunSummary, TaskRun, TaskStatus
from stepcall.domain.run_mode import RunMode
from stepcall.domain.times import print_range, print_time
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.job_shape import print_status
from stepcall.stores.run_store import RunPage
from stepcall.stores.workflow_store import VersionPage, WorkflowPage, WorkflowSummary
from stepcall.use_cases.read_run import RunView, ShownValue

if TYPE_CHECKING:
    from stepcall.use_cases.issue_token import IssuedToken

Json = dict[str, Any]
OF_TRIGGER = "trigger:"
"""With it the principals of triggers begin: use_cases/fire_trigger.py."""
EXECUTION_ID_KEYS: Mapping[Generation, str] = {
    Generation.FIRST: "execution_id",
    Generation.LATER: "workflow_execution_id",
}


def print_stored(version: WorkflowVersion, warnings: Iterable[Problem]) -> Json:
    told = [warning.to_json() for warning in warnings]
    return _print_ids(version) | ({"warnings": told} if told else {})


def print_tag(version: WorkflowVersion) -> dict[str, str]:
    """The header by which `If-Match` can name the version."""
    return {"ETag": f'"{version.version}"'}


def print_workflow(version: WorkflowVersion) -> Json:
    return {
        **_print_ids(version),
        "created_at": print_time(version.workflow_created_at),
        "updated_at": print_time(version.created_at),
        **version.definition.to_json(),
    }


def print_workflows(page: WorkflowPage) -> Json:
    token = {"next_token": spell_workflow(page.next_workflow_id)} if page.next_workflow_id else {}
    return {"workflows": [_print_summary(workflow) for workflow in page.workflows], **token}


def print_versions(page: VersionPage) -> Json:
    versions = [
        {"workflow_version": version.version, "created_at": print_time(version.created_at)} for version in page.versions
    ]
    return {"versions": versions, **({"next_token": str(page.next_version)} if page.next_version else {})}


def locate_execution(run: RunSummary, generation: Generation) -> str:
    """Its path."""
    return f"/workflows/{spell_workflow(run.workflow_id)}/executions/{spell_execution_in(generation, run.run_id)}"


def print_started(run: RunSummary, generation: Generation) -> Json:
    return {
        "workflow_id": spell_workflow(run.workflow_id),
        "workflow_version": run.workflow_version,
        EXECUTION_ID_KEYS[generation]: spell_execution_in(generation, run.run_id),
        "externalId": spell_job(run.run_id),
        "status": run.status.value,
    }


def print_run_secret(run: Run) -> Json:
    """What calls to its `webhook_url` are signed with, if it has one: for who starts it, and nobody else."""
    if run.webhook_url is None:
        return {}
    from workflows_api.webhook_answers import print_secret_of_run  # noqa: PLC0415 - few want to be called back

    return print_secret_of_run(run.run_id)


def print_execution(view: RunView, generation: Generation, caller: Caller) -> Json:
    run, words = view.run, DOCUMENT_WORDS[generation]
    return {
        **print_started(run, generation),
        **_times(run),
        **_print_starter(run),
        **_print_mode_and_range(run),
        **_print_attempt(run),
        **_print_parent(run, generation, caller),
        "tasks": [
            print_task(task, generation, said.input)
            for task, said in zip(view.tasks, view.version.definition.tasks, strict=True)
        ],
        **_print_value(words["input"], view.input),
        **(_print_value(words["output"], view.output) if view.output else {}),
        **({"error": run.error.to_json()} if run.error else {}),
    }


def _print_starter(run: Run) -> Json:
    """A key may be called as a trigger is, and its id is a UUID: only a trigger's own id says that it was one."""
    is_trigger = run.principal_id.startswith(OF_TRIGGER)
    trigger = {"trigger_id": run.principal_id.removeprefix(OF_TRIGGER)} if is_trigger else {}
    return {"started_by": run.principal, **trigger}


def _print_mode_and_range(run: Run) -> Json:
    """How much of its workflow it runs, when that is not all, and the time that it is about, when there is one."""
    mode = {} if run.run_mode is RunMode.FULL else {"run_mode": run.run_mode.value}
    return {**mode, **print_range(run.time_range)}


def _print_attempt(run: Run) -> Json:
    """Which attempt it is, when it was resumed, and in which state it was cancelled, when it was."""
    times = {"run_attempt": run.run_attempt, "resumed_at": print_time(run.resumed_at)} if run.resumed_at else {}
    return times | ({"cancelled_from": run.cancelled_from.value} if run.cancelled_from else {})


def _print_parent(run: Run, generation: Generation, caller: Caller) -> Json:
    """Which execution's task has started it, if one has: for who may read that one."""
    if run.parent is None or not caller.sees(run.parent.workflow_id):
        return {}
    execution = {EXECUTION_ID_KEYS[generation]: spell_execution_in(generation, run.parent.run_id)}
    return {"parent": {**execution, "workflow_id": spell_workflow(run.parent.workflow_id), "task": run.parent.ref}}


def spell_execution_in(generation: Generation, run_id: UUID) -> str:
    return spell_execution(run_id) if generation is Generation.FIRST else spell_later_execution(run_id)


def print_task(task: TaskRun, generation: Generation, given: Json) -> Json:
    """`given` is its input as the definition says it."""
    return {
        TASK_WORDS[generation]["ref"]: task.ref,
        "status": task.status.value,
        **({"instances": task.instances} if task.instances is not None else {}),
        **({"used_fallback": True} if task.used_fallback else {}),
        **print_attempts_and_times(task, generation, given),
    }


def print_attempts_and_times(task: TaskRun, generation: Generation, given: Json) -> Json:
    """Of a task, or of an instance of one: what became of it besides its status."""
    return {
        **({"attempts": task.attempts} if task.attempts and task.status is not TaskStatus.SKIPPED else {}),
        **_print_child(task.awaited, generation),
        **_print_decision(task, given),
        **_times(task),
        **({"error": task.error.to_json()} if task.error else {}),
    }


def _print_child(awaited: Awaited | None, generation: Generation) -> Json:
    """The execution that a task has started, and the workflow that it is of: its address."""
    if awaited is None or awaited.child_run_id is None:
        return {}
    workflow = awaited.child_workflow_id
    return {
        EXECUTION_ID_KEYS[generation]: spell_execution_in(generation, awaited.child_run_id),
        **({"workflow_id": spell_workflow(workflow)} if workflow else {}),
    }


def _print_decision(task: TaskRun, given: Json) -> Json:
    """What somebody is asked, while nobody has answered; then who has, and when."""
    if task.decided_by is not None:
        when = {"decided_at": print_time(task.completed_at)} if task.completed_at else {}
        return {"decided_by": task.decided_by, **when}
    if task.status is not TaskStatus.RUNNING or task.awaited is None or task.awaited.message is None:
        return {}
    expiry = {"expires_at": print_time(task.awaited.expires_at)} if task.awaited.expires_at else {}
    schema = {"output_schema": given["output_schema"]} if given.get("output_schema") is not None else {}
    return {"awaiting": {"message": task.awaited.message, **expiry, **schema}}


def print_page(page: RunPage) -> Json:
    executions = [
        {
            "execution_id": spell_execution(run.run_id),
            "externalId": spell_job(run.run_id),
            "workflow_version": run.workflow_version,
            "status": run.status.value,
            **_times(run),
            "started_by": run.principal,
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
        "status": print_status(run),
    }


def print_token(token: "IssuedToken") -> Json:
    return {"token": token.text, "expires_at": print_time(token.expires_at)}


def _print_ids(version: WorkflowVersion) -> Json:
    return {"workflow_id": spell_workflow(version.workflow_id), "workflow_version": version.version}


def _print_summary(workflow: WorkflowSummary) -> Json:
    return {
        "workflow_id": spell_workflow(workflow.workflow_id),
        "workflow_version": workflow.latest_version,
        "name": workflow.name,
        **{
            name: told for name in ("description", "type", "config_id") if (told := getattr(workflow, name)) is not None
        },
        "created_at": print_time(workflow.created_at),
        "updated_at": print_time(workflow.updated_at),
        "api_access": workflow.api_access,
    }


def _print_value(name: str, shown: ShownValue) -> Json:
    if shown.has_expired:
        return {f"{name}_expired": True}
    return {f"{name}_url": shown.url} if shown.url else {name: shown.value}


def _times(timed: RunSummary | TaskRun) -> Json:
    created = {"created_at": timed.created_at} if isinstance(timed, RunSummary) else {}
    times = {**created, "started_at": timed.started_at, "completed_at": timed.completed_at}
    return {name: print_time(time) for name, time in times.items() if time}
