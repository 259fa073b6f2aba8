"""A run with its tasks and the versions of its workflow, without what it carries: no payload is fetched."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.run import Run, TaskRun
from stepcall.domain.run_with_tasks import RunWithTasks
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
    return _view(find_run(run_id, caller, deps, None), deps)


def stop_whole_run(run_id: UUID, caller: Caller, deps: FaceDependencies) -> WholeRun:
    """The run once it is cancelled. Raises RunNotFoundError, NotGrantedError, RunHasEndedError.

    All is read before: what was stopped can be shown, whatever fails then.
    """
    whole = read_whole_run(run_id, caller, deps)
    return whole._replace(run=stop_run(whole.run, deps))


def view_started_run(run: Run, deps: FaceDependencies) -> WholeRun:
    """A run that has just been started, of the newest version: nothing is read that was not read for the start."""
    version = deps.workflows.get_version(run.workflow_id, run.workflow_version)
    return WholeRun(run, RunWithTasks(run).tasks_of(version.definition), version, run.workflow_version)


def _view(found: RunWithTasks, deps: FaceDependencies) -> WholeRun:
    version = deps.workflows.get_version(found.run.workflow_id, found.run.workflow_version)
    return WholeRun(found.run, found.tasks_of(version.definition), version, _newest(found.run, deps))


def _newest(run: Run, deps: FaceDependencies) -> int | None:
    try:
        return deps.workflows.get_latest(run.tenant, run.workflow_id).version
    except WorkflowNotFoundError:
        return None
