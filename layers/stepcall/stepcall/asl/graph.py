"""What runs, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

from stepcall.domain.errors import StepcallError
from stepcall.domain.run_mode import STAGES, RunMode, Stage
from stepcall.domain.task_contract import TaskContract, Worker
from stepcall.domain.workflow import WorkflowDefinition


@dataclass(frozen=True, slots=True)
class TaskStep:
    """One task of the plan: who does it, and how long one attempt may take."""

    ref: str
    worker: Worker
    timeout_seconds: int
    is_query: bool = False
    """Whether the connection's engine does it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks in the order in which they run, one after the other."""

    steps: tuple[TaskStep, ...]


class EmptyRunModeError(StepcallError):
    """No task of the workflow runs in that mode."""

    def __init__(self, mode: RunMode) -> None:
        stages = " or ".join(f"`{stage}`" for stage in Stage if stage in STAGES[mode])
        super().__init__(
            f"The run mode `{mode}` leaves nothing to run: no task of the workflow has the stage {stages}. "
            "Take another mode, or give the tasks that it should run such a stage."
        )
        self.mode = mode


def plan(definition: WorkflowDefinition, catalog: Mapping[str, TaskContract], mode: RunMode = RunMode.FULL) -> Plan:
    """The plan of a checked definition in the document's order, as the source says. Raises EmptyRunModeError."""
    tasks = definition.tasks_in(mode)
    if not tasks:
        raise EmptyRunModeError(mode)
    return Plan(
        tuple(
            TaskStep(task.ref, contract.worker, contract.timeout_seconds, contract.is_query)
            for task in tasks
            for contract in (catalog[task.type],)
        )
    )
