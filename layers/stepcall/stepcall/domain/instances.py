"""How a reader should see what a task is done for: each of its instances."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stepcall.domain.run import TaskRun, TaskStatus
from stepcall.domain.task_control import index_of, instance_ref

STOPPED = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})
UNFINISHED = frozenset({TaskStatus.PENDING, TaskStatus.RUNNING})


def view_instances(task: TaskRun, begun: Iterable[TaskRun], indexes: Iterable[int]) -> Iterator[TaskRun]:
    """Those of these indexes. What a task has not come to any more, or later than its own end, was cancelled with it.

    `task` is as a reader sees it, `begun` the records that there are.
    """
    records = {index_of(one.ref): one for one in begun}
    for index in indexes:
        one = records.get(index, TaskRun(instance_ref(task.ref, index)))
        if task.status in STOPPED and _outlasts(one, task):
            ended = None if one.started_at is None else task.completed_at
            one = replace(one, status=TaskStatus.CANCELLED, completed_at=ended, output=None, error=None)
        yield one


def _outlasts(one: TaskRun, task: TaskRun) -> bool:
    if one.status in UNFINISHED:
        return True
    return bool(one.completed_at and task.completed_at and one.completed_at > task.completed_at)
