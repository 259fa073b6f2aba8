"""The task that a run was started by, where another run has started it: `Workflow.Execute`."""

from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.ids import spell_execution

WORKFLOW_EXECUTE = "Workflow.Execute"
MAX_CHILD_DEPTH = 5
"""How many runs may stand above a run, each of which has started the next by a task of its own."""
OF_EXECUTION = "execution:"
"""With it the principals of runs begin that another run has started: no key is called so by its id."""


class ParentTask(NamedTuple):
    """Which task of which attempt of which run waits for a run."""

    run_id: UUID
    run_attempt: int
    ref: str
    """Of the task's record: of one of several instances `each[17]`."""
    lineage: tuple[UUID, ...]
    """The workflows of all runs above, the topmost first, its own the last: none of them is started once more."""

    @property
    def workflow_id(self) -> UUID:
        return self.lineage[-1]

    @property
    def principal(self) -> str:
        """Who has started the runs of it: no caller."""
        return f"{OF_EXECUTION}{spell_execution(self.run_id)}"

    @property
    def start_key(self) -> str:
        """To the one run that it starts, whoever comes again: the same in every delivery and every try."""
        return f"{self.run_attempt}:{self.ref}"


class MaybeChild(Protocol):
    """A run of which is known whether another has started it."""

    @property
    def parent(self) -> ParentTask | None: ...

    @property
    def run_attempt(self) -> int: ...


def runs_for_parent(run: MaybeChild) -> bool:
    """Whether a task of another run waits for it: it runs in that one's place. Who resumes it does so for himself."""
    return run.parent is not None and run.run_attempt == 1
