"""The lanes beside the tasks along which values travel to where they are used."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from stepcall.drawing.graph import Edge, NodeKind, WorkflowGraph

Span = tuple[int, int]
"""From one row to another, both included."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """Inputs' values travel on the left of the tasks, tasks' on their right; lanes are counted from the tasks."""

    of_source: Mapping[int, int]
    """By the source's position in the graph; none for a value that goes straight to the next task alone."""
    left: int
    right: int
    """How many there are."""


def lanes_of(graph: WorkflowGraph, rows: list[int]) -> Lanes:
    """One lane for each source, used again by another where the first one's way has ended."""
    spans: dict[NodeKind, dict[int, Span]] = {kind: {} for kind in NodeKind}
    for edge in graph.edges:
        if not is_to_next_task(edge, graph):
            of_kind, row = spans[graph.nodes[edge.source].kind], rows[edge.source]
            first, last = of_kind.get(edge.source, (row, row))
            of_kind[edge.source] = min(first, rows[edge.target]), max(last, rows[edge.target])
    inputs, tasks = _assign(spans[NodeKind.INPUT]), _assign(spans[NodeKind.TASK])
    left, right = (max(lanes.values(), default=-1) + 1 for lanes in (inputs, tasks))
    return Lanes(inputs | tasks, left, right)


def is_to_next_task(edge: Edge, graph: WorkflowGraph) -> bool:
    """Whether a straight line between two rows can draw it."""
    kinds = {graph.nodes[edge.source].kind, graph.nodes[edge.target].kind}
    return kinds == {NodeKind.TASK} and edge.target == edge.source + 1


def _assign(spans: Mapping[int, Span]) -> dict[int, int]:
    """The lane of each source, the lowest that is free; as few lanes as can be."""
    lanes: dict[int, int] = {}
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    for source, (first, last) in sorted(spans.items(), key=lambda item: item[1]):
        while busy and busy[0][0] < first:
            heappush(free, heappop(busy)[1])
        lanes[source] = heappop(free) if free else len(busy)
        heappush(busy, (last, lanes[source]))
    return lanes
