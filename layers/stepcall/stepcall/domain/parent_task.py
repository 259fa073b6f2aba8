"""The task that a run was started by, where another run has started it: `Workflow.Execute`."""

from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.ids import spell_execution
from stepcall.domain.run_mode import RunMode

WORKFLOW_EXECUTE = "Workflow.Execute"
MAX_NAME_LENGTH = 64
"""Of what a task calls the workflow by: its id or its `config_id`."""
MAX_CHILD_DEPTH = 5
"""How many runs may stand above a run, each of which has started the next by a task of its own."""
MAX_BELOW = 10_000
"""Executions below one topmost run, on all levels and in all its attempts: about, as a start that dies in between may
count twice. They take no slot of their tenant's and count for no key's limit."""
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

    top_run_id: UUID | None = None
    """The run that none has started; None where that is `run_id`."""
    run_mode: RunMode = RunMode.FULL
    """Of the topmost run: what that leaves out is not done below it, however deep."""

    @property
    def topmost(self) -> UUID:
        """The run above all."""
        return self.top_run_id or self.run_id

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
