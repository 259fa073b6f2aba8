"""Whether the task that has started a run waits for it."""

from enum import StrEnum

from stepcall.domain.run import Run, RunStatus, TaskStatus
from stepcall.domain.task_control import whole_ref
from stepcall.stores.run_store import RunNotFoundError
from stepcall.use_cases.dependencies import WorkerDependencies


class Bond(StrEnum):
    """Between a run and the task that it was stored for."""

    NOT_YET = "not yet"
    """The task is under way, and does not say yet that it waits: its worker does, or will when it is tried again."""
    AWAITED = "awaited"
    CUT = "cut"
    """It will never wait for it again: it has ended, or its run has, or goes on as another attempt."""


def bond_of(child: Run, deps: WorkerDependencies) -> Bond:
    if child.parent is None:
        return Bond.CUT
    try:
        found = deps.runs.get_for_work(child.parent.run_id, {child.parent.ref, whole_ref(child.parent.ref)})
    except RunNotFoundError:
        return Bond.CUT
    if found.run.status is not RunStatus.RUNNING or found.run.run_attempt != child.parent.run_attempt:
        return Bond.CUT
    task, whole = found.tasks.get(child.parent.ref), found.tasks.get(whole_ref(child.parent.ref))
    if task is None or whole is None or {task.status, whole.status} != {TaskStatus.RUNNING}:
        return Bond.CUT
    return Bond.AWAITED if task.child_run_id == child.run_id else Bond.NOT_YET
