"""In memory: which runs the tasks of a run have started and not seen the end of."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import Run, RunAttempt
from stepcall.domain.task_control import whole_ref


class MemoryChildren:
    """A part of MemoryRunStore: see RunStore."""

    def __init__(self) -> None:
        self._children: set[tuple[UUID, int, str, UUID]] = set()
        self._below = Counter[UUID]()

    def list_children(self, run: RunAttempt, ref: str | None = None) -> list[UUID]:
        of_run = [each for each in self._children if each[:2] == (run.run_id, run.run_attempt)]
        return sorted(child for *_, of_task, child in of_run if ref in {None, whole_ref(of_task)})

    def count_below(self, topmost: UUID, now: datetime) -> int:  # noqa: ARG002 - nothing is deleted here
        self._below[topmost] += 1
        return self._below[topmost]

    def forget_child(self, parent: ParentTask, run_id: UUID) -> None:
        self._children.discard((parent.run_id, parent.run_attempt, parent.ref, run_id))

    def _remember_child(self, run: Run) -> None:
        if run.parent:
            self._children.add((run.parent.run_id, run.parent.run_attempt, run.parent.ref, run.run_id))
