"""The nodes and edges of a workflow: what references what, and the order of the tasks where that does not say it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, pairwise

from stepcall.domain.task_order import TaskOrder
from stepcall.domain.template import (
    EventReference,
    InputReference,
    OutputReference,
    Reference,
    ResultReference,
    RunReference,
    references,
)
from stepcall.domain.workflow import Task, WorkflowDefinition


class NodeKind(StrEnum):
    INPUT = "input"
    TASK = "task"
    OUTPUT = "output"


class EdgeKind(StrEnum):
    DATA = "data"
    """The target uses what the source gives."""
    ORDER = "order"
    """The target waits for the source, and does not use what it gives."""


@dataclass(frozen=True, slots=True)
class Node:
    """`name` is a name or ref, `detail` its type; `description` is its author's free text."""

    kind: NodeKind
    name: str
    detail: str
    description: str


@dataclass(frozen=True, slots=True)
class Edge:
    """From node to node, by their positions in the graph."""

    source: int
    target: int
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class WorkflowGraph:
    """Inputs, tasks and outputs, each in the document's order; every pair of nodes has one edge at most."""

    title: str
    description: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def positions(self, kind: NodeKind) -> list[int]:
        return [position for position, node in enumerate(self.nodes) if node.kind is kind]


def graph_of(definition: WorkflowDefinition) -> WorkflowGraph:
    """The graph of a checked definition."""
    edges = dict.fromkeys([*_data_edges(definition), *_order_edges(definition)])
    nodes = (
        *(Node(NodeKind.INPUT, value.name, value.type, value.description or "") for value in definition.input),
        *(
            Node(NodeKind.TASK, task.ref, _detail(task, definition.fallback_of(task)), task.description or "")
            for task in definition.tasks
        ),
        *(Node(NodeKind.OUTPUT, value.name, value.type, value.description or "") for value in definition.output),
    )
    return WorkflowGraph(definition.name, definition.description or "", nodes, tuple(edges))


def _detail(task: Task, instead: Task | None) -> str:
    each = task.type if task.for_each is None else f"{task.type}, for each"
    conditional = each if task.condition is None else f"{each}, if"
    return f"{conditional}, else {instead.type}" if instead else conditional


def _data_edges(definition: WorkflowDefinition) -> Iterator[Edge]:
    inputs = {value.name: position for position, value in enumerate(definition.input)}
    tasks = {task.ref: len(inputs) + position for position, task in enumerate(definition.tasks)}
    results = {value.name: len(inputs) + len(tasks) + position for position, value in enumerate(definition.output)}

    def source_of(reference: Reference) -> int | None:
        match reference:
            case InputReference(name):
                return inputs[name]
            case OutputReference(ref):
                return tasks[ref]
            case ResultReference(name):
                return results[name]
            case RunReference() | EventReference():
                return None  # what every run has is nothing to draw

    instead = map(definition.fallback_of, definition.tasks)
    tasks_and_fallbacks = zip(definition.tasks, instead, strict=True)
    of_tasks = [(*task.templates, *(other.templates if other else ())) for task, other in tasks_and_fallbacks]
    templates = of_tasks + [(value.template,) for value in definition.output]
    for target, its_templates in enumerate(templates, start=len(inputs)):
        for _, reference in chain.from_iterable(map(references, its_templates)):
            if (source := source_of(reference)) is not None:
                yield Edge(source, target, EdgeKind.DATA)


def _order_edges(definition: WorkflowDefinition) -> Iterator[Edge]:
    """From a task to each that waits for it and does not use it: in a sequence the next one, in a graph those that say
    so."""
    first = len(definition.input)
    positions = {task.ref: position for position, task in enumerate(definition.tasks, first)}
    if definition.order is TaskOrder.GRAPH:
        waits = [(task, definition.task(ref)) for task in definition.tasks for ref in task.depends_on]
    else:
        waits = [(task, before) for before, task in pairwise(definition.tasks)]
    for task, before in waits:
        if before.ref not in task.needs:
            yield Edge(positions[before.ref], positions[task.ref], EdgeKind.ORDER)
