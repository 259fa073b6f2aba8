"""What runs, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

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


def plan(definition: WorkflowDefinition, catalog: Mapping[str, TaskContract]) -> Plan:
    """The plan of a checked definition: the document's order, as the source says."""
    return Plan(
        tuple(
            TaskStep(task.ref, contract.worker, contract.timeout_seconds, contract.is_query)
            for task in definition.tasks
            for contract in (catalog[task.type],)
        )
    )
