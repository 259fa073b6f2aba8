"""What became of each element that a task is done for. Imported when it is asked for: a cold start has no time."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.decision_errors import TaskNotFoundError
from stepcall.domain.errors import InstancesNotFoundError, shorten
from stepcall.domain.instances import view_instances
from stepcall.domain.model_problems import Suggester
from stepcall.domain.run import Run, TaskRun, TaskStatus
from stepcall.domain.task_control import index_of
from stepcall.domain.workflow import Task
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run

MOST_LOOKED_AT = 1000
"""Elements, for a page of those of one status: a record has up to 8 KB, and DynamoDB reads 1 MB at a time."""


class AskedTask(NamedTuple):
    """A task of an execution of a workflow."""

    workflow_id: UUID
    run_id: UUID
    ref: str


class InstancePage(NamedTuple):
    """Instances in the order of their elements; `next_index` is the one to go on after, None on the last page."""

    instances: tuple[TaskRun, ...]
    next_index: int | None
    task: Task
    """As the definition says it."""


def read_instances(
    asked: AskedTask,
    caller: Caller,
    deps: FaceDependencies,
    *,
    status: TaskStatus | None,
    limit: int,
    after: int | None,
) -> InstancePage:
    """Of a task that has not begun, or was skipped, there are none. With a `status` a page may hold fewer than there
    are, or none, and not be the last.

    Raises RunNotFoundError, NotGrantedError, TaskNotFoundError, InstancesNotFoundError.
    """
    found = find_run(asked.run_id, caller, deps, asked.workflow_id)
    said = _task_of(found.run, asked.ref, deps)
    task = found.task(asked.ref)
    start, number = 0 if after is None else after + 1, task.instances or 0
    stop = min(start + (limit if status is None else MOST_LOOKED_AT), number)
    begun = deps.runs.list_instances(asked.run_id, asked.ref, of_attempt=task.run_attempt, start=start, stop=stop)
    seen = view_instances(task, begun, range(start, stop))
    instances = [one for one in seen if status in {None, one.status}]
    if len(instances) > limit:
        stop = index_of(instances[limit].ref)
    return InstancePage(tuple(instances[:limit]), stop - 1 if start < stop < number else None, said)


def _task_of(run: Run, ref: str, deps: FaceDependencies) -> Task:
    """Raises TaskNotFoundError, InstancesNotFoundError."""
    definition = deps.workflows.get_version(run.workflow_id, run.workflow_version).definition
    tasks = {task.ref: task for task in definition.tasks}
    if ref not in tasks:
        raise TaskNotFoundError(f"The execution has no task `{shorten(ref)}`{Suggester()(ref, tasks)}")
    if tasks[ref].for_each is None:
        message = f"The task `{ref}` has no `for_each`: it is done once, and the execution shows what became of it."
        raise InstancesNotFoundError(message)
    return tasks[ref]
