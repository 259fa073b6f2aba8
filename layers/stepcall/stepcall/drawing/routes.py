"""The way of each edge from box to box, by its lane. Lines are level or upright. Lengths are pixels."""

from collections.abc import Iterator
from dataclasses import dataclass

from stepcall.drawing.boxes import BOX_HEIGHT, LANE_GAP, LANE_WIDTH, ROW_HEIGHT, Box
from stepcall.drawing.graph import Edge, NodeKind, WorkflowGraph
from stepcall.drawing.lanes import Lanes, is_to_next_task

PORT_INSET = 9
PORT_SHIFT = 6

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Route:
    """`lane` numbers what must look apart; None for a line from a task to the next."""

    edge: Edge
    points: tuple[Point, ...]
    lane: int | None


class Router:
    """Finds ways between boxes. A port is the height at which a value leaves or reaches the side of a box."""

    def __init__(self, graph: WorkflowGraph, rows: list[int], lanes: Lanes, boxes: tuple[Box, ...]) -> None:
        self._graph, self._rows, self._lanes, self._boxes = graph, rows, lanes, boxes
        self._tasks = boxes[graph.positions(NodeKind.TASK)[0]]
        self._ports = self._place_ports()

    def route(self, edge: Edge) -> Route:
        source, target = self._boxes[edge.source], self._boxes[edge.target]
        if is_to_next_task(edge, self._graph):
            return Route(edge, ((source.middle, source.bottom), (target.middle, target.y)), None)
        if edge.source not in self._lanes.of_source:
            return Route(edge, tuple(self._way_between_outputs(edge)), 0)
        lane = self._lanes.of_source[edge.source]
        if self._kind(edge.source) is NodeKind.TASK:
            return Route(edge, tuple(self._way_on_the_right(edge, lane)), self._lanes.left + lane)
        return Route(edge, tuple(self._way_on_the_left(edge, lane)), lane)

    def _way_on_the_right(self, edge: Edge, lane: int) -> Iterator[Point]:
        """From a task to one further down, or to an output."""
        x, y, end_y = self._tasks.right + LANE_GAP + lane * LANE_WIDTH, self._out_of(edge), self._into(edge)
        target = self._boxes[edge.target]
        is_task = self._kind(edge.target) is NodeKind.TASK
        yield from ((self._tasks.right, y), (x, y), (x, end_y), (target.right if is_task else target.x, end_y))

    def _way_on_the_left(self, edge: Edge, lane: int) -> Iterator[Point]:
        """From an input to a task; to an output between two rows, and then down beside the outputs."""
        x, y, end_y = self._tasks.x - LANE_GAP - lane * LANE_WIDTH, self._out_of(edge), self._into(edge)
        target = self._boxes[edge.target]
        yield from ((self._boxes[edge.source].right, y), (x, y))
        if self._kind(edge.target) is NodeKind.OUTPUT:
            gap_y, x_beside = target.y - (ROW_HEIGHT - BOX_HEIGHT) // 2, target.x - LANE_GAP // 2
            yield from ((x, gap_y), (x_beside, gap_y), (x_beside, end_y))
        else:
            yield x, end_y
        yield target.x, end_y

    def _way_between_outputs(self, edge: Edge) -> Iterator[Point]:
        """From an output to one that uses it, which the later generation of the dialect allows."""
        source, target = self._boxes[edge.source], self._boxes[edge.target]
        x, y, end_y = source.right + LANE_GAP, source.y + BOX_HEIGHT // 2, self._into(edge)
        yield from ((source.right, y), (x, y), (x, end_y), (target.right, end_y))

    def _out_of(self, edge: Edge) -> int:
        return self._ports[edge.source, edge.source]

    def _into(self, edge: Edge) -> int:
        return self._ports[edge.target, edge.source]

    def _kind(self, position: int) -> NodeKind:
        return self._graph.nodes[position].kind

    def _place_ports(self) -> dict[tuple[int, int], int]:
        """The height of each port, by its box and by the source of what goes through it."""
        ports = {
            (position, source): self._boxes[position].y + _spread(index, len(sources))
            for (position, _), sources in self._sides().items()
            for index, (_, source) in enumerate(sorted(sources))
        }
        for (position, _), [(_, source), *others] in self._sides().items():
            if not others and self._rows[position] == self._rows[source] and self._kind(source) is NodeKind.TASK:
                ports[position, source] = ports[source, source]  # one beside the other: a straight line
        return ports | self._shift_inputs(ports)

    def _shift_inputs(self, ports: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
        """Where another input's value reaches a task at the same height: one line must not lie on the other."""
        reached: dict[int, set[int]] = {}
        for (target, source), height in ports.items():
            if self._kind(target) is NodeKind.TASK and self._kind(source) is NodeKind.INPUT:
                reached.setdefault(height, set()).add(source)
        return {
            (position, source): height - PORT_SHIFT
            for (position, source), height in ports.items()
            if position == source and self._kind(source) is NodeKind.INPUT and reached.get(height, set()) - {source}
        }

    def _sides(self) -> dict[tuple[int, bool], list[tuple[int, int]]]:
        """The sources that use each side (box, whether right), each with its rank from the top."""
        below_what_comes_in = self._lanes.right
        sides = {(source, True): [(below_what_comes_in, source)] for source in self._lanes.of_source}
        for edge in self._graph.edges:
            if not is_to_next_task(edge, self._graph):
                sides.setdefault((edge.target, self._ends_on_right(edge)), []).append((self._rank(edge), edge.source))
        return sides

    def _ends_on_right(self, edge: Edge) -> bool:
        if self._kind(edge.target) is NodeKind.OUTPUT:
            return self._kind(edge.source) is NodeKind.OUTPUT
        return self._kind(edge.source) is NodeKind.TASK

    def _rank(self, edge: Edge) -> int:
        """So that lines to one box do not cross: from above, the nearest lane comes first; from below, last."""
        lane = self._lanes.of_source.get(edge.source, 0)
        if self._kind(edge.target) is NodeKind.OUTPUT:
            return -lane
        return lane if self._rows[edge.source] <= self._rows[edge.target] else 2 * self._lanes.left - lane


def _spread(index: int, number: int) -> int:
    """The height of one of several ports, evenly along the side of a box."""
    return PORT_INSET + (BOX_HEIGHT - 2 * PORT_INSET) * (2 * index + 1) // (2 * number)
