"""What became of each element that a task is done for. Imported when it is asked for: a cold start has no time."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import InstancesNotFoundError
from stepcall.domain.instances import view_instances
from stepcall.domain.run import TaskRun
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run


class AskedTask(NamedTuple):
    """A task of an execution of a workflow."""

    workflow_id: UUID
    run_id: UUID
    ref: str


class InstancePage(NamedTuple):
    """Instances in the order of their elements; `next_index` is the one to go on after, None on the last page."""

    instances: tuple[TaskRun, ...]
    next_index: int | None


def read_instances(
    asked: AskedTask, caller: Caller, deps: FaceDependencies, *, limit: int, after: int | None
) -> InstancePage:
    """Of a task that has not begun, or was skipped, there are none.

    Raises RunNotFoundError, NotGrantedError, InstancesNotFoundError.
    """
    found = find_run(asked.run_id, caller, deps, asked.workflow_id)
    definition = deps.workflows.get_version(found.run.workflow_id, found.run.workflow_version).definition
    if not any(task.ref == asked.ref and task.for_each is not None for task in definition.tasks):
        raise InstancesNotFoundError("The workflow has no such task that is done for each element of an array.")
    task = found.task(asked.ref)
    start = 0 if after is None else after + 1
    stop = min(start + limit, task.instances or 0)
    begun = deps.runs.list_instances(asked.run_id, asked.ref, of_attempt=task.run_attempt, start=start, stop=stop)
    instances = tuple(view_instances(task, begun, range(start, stop)))
    return InstancePage(instances, stop - 1 if instances and stop < (task.instances or 0) else None)
