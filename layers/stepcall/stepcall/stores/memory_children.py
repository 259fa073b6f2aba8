"""In memory: which runs the tasks of a run have started and not seen the end of."""

from uuid import UUID

from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import Run, RunAttempt


class MemoryChildren:
    """A part of MemoryRunStore: see RunStore."""

    def __init__(self) -> None:
        self._children: set[tuple[UUID, int, UUID]] = set()

    def list_children(self, run: RunAttempt) -> list[UUID]:
        of_run = (run.run_id, run.run_attempt)
        return sorted(child for *parent, child in self._children if tuple(parent) == of_run)

    def forget_child(self, parent: ParentTask, run_id: UUID) -> None:
        self._children.discard((parent.run_id, parent.run_attempt, run_id))

    def _remember_child(self, run: Run) -> None:
        if run.parent:
            self._children.add((run.parent.run_id, run.parent.run_attempt, run.run_id))
