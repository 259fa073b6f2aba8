"""What a reader sees of a run: one query, and the version from memory. Step Functions is never asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.run import Run, RunStatus, StoredPayload, TaskRun
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.payload_store import PayloadGoneError
from stepcall.stores.run_store import RunNotFoundError, RunPage
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.dependencies import FaceDependencies

SHOWN_LIMIT_BYTES = 256 * 1024
"""A value larger than this is shown by its address: a Lambda answer has 6 MB at most."""


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value as it is shown: itself, an address to fetch it from for 15 minutes, or word that it is kept no more."""

    value: Any = None
    url: str | None = None
    has_expired: bool = False


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with all its tasks in the order of the definition."""

    run: Run
    tasks: tuple[TaskRun, ...]
    version: WorkflowVersion
    input: ShownValue
    output: ShownValue | None


def read_run(run_id: UUID, caller: Caller, deps: FaceDependencies, *, workflow_id: UUID | None = None) -> RunView:
    """A run that the caller may see, of that workflow when one is named. Raises RunNotFoundError, NotGrantedError."""
    return view_run(find_run(run_id, caller, deps, workflow_id), deps)


def wait_for_end(run_id: UUID, caller: Caller, deps: FaceDependencies, *, seconds: float) -> RunView:
    """The run once it has ended, or as it is after that time. Raises RunNotFoundError."""
    return view_run(wait_for_run(run_id, caller, deps, seconds=seconds), deps)


def wait_for_run(run_id: UUID, caller: Caller, deps: FaceDependencies, *, seconds: float) -> RunWithTasks:
    """As `wait_for_end`, without the values. Raises RunNotFoundError."""
    deadline, pause = deps.monotonic() + seconds, 0.05
    while True:
        found = deps.runs.get(caller.tenant, run_id)
        left = deadline - deps.monotonic()
        if found.run.status.has_ended or left <= 0:
            return found
        deps.sleep(min(pause, left))
        pause = min(pause * 1.5, 1.0)


def list_runs(
    workflow_id: UUID,
    caller: Caller,
    deps: FaceDependencies,
    *,
    status: RunStatus | None,
    limit: int,
    after: UUID | None,
) -> RunPage:
    """Runs of a workflow, newest first. Raises WorkflowNotFoundError, NotGrantedError."""
    # every workflow has a version 1, also one that was deleted: its runs stay readable
    if deps.workflows.get_version(workflow_id, 1).tenant != caller.tenant:
        raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
    caller.require_workflow(workflow_id)
    return deps.runs.list_by_workflow(caller.tenant, workflow_id, status=status, limit=limit, after=after)


def find_run(run_id: UUID, caller: Caller, deps: FaceDependencies, workflow_id: UUID | None) -> RunWithTasks:
    """As `read_run`, without the values. Raises RunNotFoundError, NotGrantedError."""
    found = deps.runs.get(caller.tenant, run_id)
    if workflow_id not in {None, found.run.workflow_id}:
        raise RunNotFoundError(f"The workflow has no run {run_id}.")
    caller.require_run(run_id, found.run.workflow_id)
    return found


def view_new_run(run: Run, given: Mapping[str, Any], deps: FaceDependencies) -> RunView:
    """A run that was just started with these parameters. Nothing is fetched: who was told of a failure would start it
    again."""
    version = deps.workflows.get_version(run.workflow_id, run.workflow_version)  # known: it has just been compiled
    bound = bind_parameters(version.definition, given)
    shown = ShownValue(url=deps.payloads.url(run.input)) if _is_large(run.input) else ShownValue(bound)
    return RunView(run, RunWithTasks(run).tasks_of(version.definition), version, input=shown, output=None)


def view_run(found: RunWithTasks, deps: FaceDependencies) -> RunView:
    """With its values, as far as they are shown at all."""
    run = found.run
    version = deps.workflows.get_version(run.workflow_id, run.workflow_version)
    return RunView(
        run=run,
        tasks=found.tasks_of(version.definition),
        version=version,
        input=_show(run.input, deps),
        output=_show(run.output, deps) if run.output else None,
    )


def _is_large(payload: StoredPayload) -> bool:
    return payload.key is not None and payload.size > SHOWN_LIMIT_BYTES


def _show(payload: StoredPayload, deps: FaceDependencies) -> ShownValue:
    if _is_large(payload):
        return ShownValue(url=deps.payloads.url(payload))
    try:
        return ShownValue(value=deps.payloads.get(payload))
    except PayloadGoneError:
        return ShownValue(has_expired=True)
