"""What of a run's records counts, and how a reader should see its tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stepcall.domain.run import CALL_LOCATION, OUTPUT_LOCATION, Run, RunStatus, TaskRun, TaskStatus
from stepcall.domain.task_control import task_ref, whole_ref

if TYPE_CHECKING:
    from stepcall.domain.workflow import WorkflowDefinition


@dataclass(frozen=True, slots=True)
class RunWithTasks:
    """A run and the records of those of its tasks that have begun, by ref: as far as they count in its attempt.

    What an earlier attempt has left counts where the run keeps it, and is COMPLETED. The rest is as if it were not.
    Of a task whose fallback was tried there is what came of that.
    """

    run: Run
    tasks: Mapping[str, TaskRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counted = {ref: task for ref, task in self.tasks.items() if self._counts(task)}
        instead = {task_ref(ref): task for ref, task in counted.items() if task_ref(ref) != ref}
        merged = {ref: _merge(counted.get(ref), task, ref) for ref, task in instead.items()}
        object.__setattr__(self, "tasks", counted | merged)

    def _counts(self, task: TaskRun) -> bool:
        is_kept = task_ref(task.ref) in self.run.kept_refs and task.status is TaskStatus.COMPLETED
        return is_kept or task.run_attempt == self.run.run_attempt

    def task(self, ref: str) -> TaskRun:
        """The task as a reader should see it: what a run that was ended from outside left under way has ended with it,
        whatever came of it, and what another branch's failure stopped was cancelled.

        Of a cancelled run such a task shows no error: its worker may write one later.
        Of a run that shows another's output every task is SKIPPED.
        """
        if self.run.reused_run_id:
            return TaskRun(ref, TaskStatus.SKIPPED)
        task = self.tasks.get(ref, TaskRun(ref, run_attempt=self.run.run_attempt))
        if (self._is_ended_from_outside() or self._failed_beside(ref)) and self._outlasts_run(task):
            status = TaskStatus.CANCELLED if self._failed_beside(ref) else TaskStatus(self.run.status.value)
            error = (task.error or self.run.error) if status is TaskStatus.FAILED else None
            return replace(task, status=status, completed_at=self.run.completed_at, output=None, error=error)
        return task

    def tasks_of(self, definition: "WorkflowDefinition") -> tuple[TaskRun, ...]:
        """All tasks of the run's definition in its order, as `task`; those that the run mode leaves out are SKIPPED."""
        return tuple(
            self.task(task.ref) if self.run.run_mode.takes(task.stage) else TaskRun(task.ref, TaskStatus.SKIPPED)
            for task in definition.tasks
        )

    def _is_ended_from_outside(self) -> bool:
        """Cancelled, or failed for no task's sake, nor its outputs': Step Functions has ended its execution."""
        if self.run.status is not RunStatus.FAILED:
            return self.run.status is RunStatus.CANCELLED
        return self.run.error is not None and self.run.error.location == CALL_LOCATION

    def _failed_beside(self, ref: str) -> bool:
        """Failed at another task, which has stopped this one if they ran at once."""
        elsewhere, error = {CALL_LOCATION, OUTPUT_LOCATION, whole_ref(ref)}, self.run.error
        return self.run.status is RunStatus.FAILED and bool(error and whole_ref(error.location) not in elsewhere)

    def _outlasts_run(self, task: TaskRun) -> bool:
        if task.status is TaskStatus.RUNNING:
            return True
        return bool(task.completed_at and self.run.completed_at and task.completed_at > self.run.completed_at)


def _merge(task: TaskRun | None, instead: TaskRun, ref: str) -> TaskRun:
    """A task whose fallback was tried: it began when it did itself, and its own error stays to be read."""
    before = task or instead
    return replace(
        instead, ref=ref, started_at=before.started_at, error=instead.error or before.error, used_fallback=True
    )
