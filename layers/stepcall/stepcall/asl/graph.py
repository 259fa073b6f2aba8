"""What runs, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

from stepcall.asl.parts import Order, Part, series, span_of
from stepcall.domain.errors import StepcallError
from stepcall.domain.run_mode import STAGES, RunMode, Stage
from stepcall.domain.task_contract import TaskContract, TaskKind, Worker
from stepcall.domain.task_control import DEFAULT_CONCURRENCY, OnError, Retry
from stepcall.domain.task_order import TaskOrder
from stepcall.domain.workflow import Task, WorkflowDefinition


@dataclass(frozen=True, slots=True)
class TaskStep:
    """One task of the plan: who does it, and how long one attempt may take."""

    ref: str
    worker: Worker
    timeout_seconds: int
    kind: TaskKind = TaskKind.WORK
    retry: Retry | None = None
    """As its author wants it tried again, None for nothing said; likewise the next."""
    limit_seconds: int | None = None
    continues: bool = False
    """Whether the run goes on when it has failed."""
    fallback: "TaskStep | None" = None
    """What is tried in its place then, first."""
    wait_seconds: int | None = None
    """How long somebody's answer is waited for, which ends it."""
    most_elements: int | None = None
    """For how many elements it is done at most; None for a task that is done once."""
    max_concurrency: int = DEFAULT_CONCURRENCY


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` as they stand in the document, `root` in the order in which they run, each by its number there."""

    steps: tuple[TaskStep, ...]
    root: Part
    timeout_seconds: int | None = None
    """How long all of it may take."""

    @property
    def critical_path(self) -> int:
        """How many run one after the other, at most."""
        return int(span_of(self.root, [1] * len(self.steps)))


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
    """The plan of a checked definition. Raises EmptyRunModeError."""
    tasks = definition.tasks_in(mode)
    if not tasks:
        raise EmptyRunModeError(mode)
    steps = tuple(_step(task, definition, catalog) for task in tasks)
    return Plan(steps, _root(definition, mode), definition.timeout_seconds)


def _step(task: Task, definition: WorkflowDefinition, catalog: Mapping[str, TaskContract]) -> TaskStep:
    contract, fallback = catalog[task.type], definition.fallback_of(task)
    return TaskStep(
        ref=task.ref,
        worker=contract.worker,
        timeout_seconds=contract.timeout_seconds,
        kind=contract.kind,
        retry=task.retry,
        limit_seconds=task.timeout_seconds,
        continues=task.on_error is OnError.CONTINUE,
        fallback=_step(fallback, definition, catalog) if fallback else None,
        wait_seconds=contract.awaits(task.input) if contract.awaits else None,
        most_elements=_most_elements(task, definition, catalog),
        max_concurrency=task.max_concurrency or DEFAULT_CONCURRENCY,
    )


def _most_elements(task: Task, definition: WorkflowDefinition, catalog: Mapping[str, TaskContract]) -> int | None:
    if task.for_each is None:
        return None
    from stepcall.asl.elements import most_elements  # noqa: PLC0415 - few tasks have it: a cold start has no time for it

    return most_elements(task, definition, catalog)


def _root(definition: WorkflowDefinition, mode: RunMode) -> Part:
    tasks = definition.tasks_in(mode)
    if definition.order is TaskOrder.SEQUENCE:
        return series(range(len(tasks)))
    from stepcall.asl.series_parallel import arrange  # noqa: PLC0415 - few workflows have it: a cold start has no time

    numbers = {task.ref: number for number, task in enumerate(tasks)}
    return arrange(_awaited(definition, mode, numbers))


def _awaited(definition: WorkflowDefinition, mode: RunMode, numbers: Mapping[str, int]) -> Order:
    """Of each task which others have to be done before it, also indirectly; tasks of another mode count for nothing."""
    awaited = [0] * len(numbers)
    for task in definition.tasks_in_run_order(mode):
        for number in (numbers[ref] for ref in definition.waits_of(task) if ref in numbers):
            awaited[numbers[task.ref]] |= awaited[number] | 1 << number
    return awaited


def count_ideal_path(definition: WorkflowDefinition) -> int:
    """How many tasks have to run one after the other, because each uses what the one before gives, or waits for it."""
    ends: dict[str, int] = {}
    for task in definition.tasks_in_run_order(RunMode.FULL):
        ends[task.ref] = 1 + max((ends[ref] for ref in definition.waits_of(task) if ref in ends), default=0)
    return max(ends.values())
