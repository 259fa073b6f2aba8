"""A run with its tasks and the versions of its workflow, without what it carries: no payload is fetched."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.run import Run, RunWithTasks, TaskRun
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run


class WholeRun(NamedTuple):
    """A run and its tasks in the order of the definition."""

    run: Run
    tasks: tuple[TaskRun, ...]
    version: WorkflowVersion
    """The one that it runs."""
    current_version: int | None
    """The newest one's number; None when the workflow is deleted."""


def read_whole_run(run_id: UUID, caller: Caller, deps: FaceDependencies) -> WholeRun:
    """Raises RunNotFoundError, NotGrantedError."""
    return view_whole_run(find_run(run_id, caller, deps, None), deps)


def stop_whole_run(run_id: UUID, caller: Caller, deps: FaceDependencies) -> WholeRun:
    """The run once it is cancelled. Raises RunNotFoundError, NotGrantedError, RunHasEndedError."""
    stop_run(find_run(run_id, caller, deps, None).run, deps)
    return read_whole_run(run_id, caller, deps)


def view_whole_run(found: RunWithTasks, deps: FaceDependencies) -> WholeRun:
    """A run that was read, or has just been started."""
    version = deps.workflows.get_version(found.run.workflow_id, found.run.workflow_version)
    return WholeRun(found.run, found.tasks_of(version.definition), version, _newest(found.run, deps))


def _newest(run: Run, deps: FaceDependencies) -> int | None:
    try:
        return deps.workflows.get_latest(run.tenant, run.workflow_id).version
    except WorkflowNotFoundError:
        return None
