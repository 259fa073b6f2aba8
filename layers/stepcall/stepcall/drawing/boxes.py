"""Three columns of boxes: inputs, tasks, outputs, with room for lanes between them. Lengths are pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

from stepcall.domain.errors import shorten
from stepcall.drawing.graph import Node, NodeKind, WorkflowGraph
from stepcall.drawing.lanes import Lanes

MARGIN = 24
TOP = 88
BOX_HEIGHT = 46
ROW_HEIGHT = 78
LANE_WIDTH = 11
LANE_GAP = 26
MIN_BOX_WIDTH = 132
BOX_PADDING = 40
CHARACTER_WIDTH = 8
MAX_CHARACTERS = 36


@dataclass(frozen=True, slots=True)
class Box:
    x: int
    y: int
    width: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def bottom(self) -> int:
        return self.y + BOX_HEIGHT


def boxes_of(graph: WorkflowGraph, rows: list[int], lanes: Lanes) -> tuple[Box, ...]:
    """The box of the node at the same position in the graph."""
    widths = {kind: _width(node for node in graph.nodes if node.kind is kind) for kind in NodeKind}
    tasks = MARGIN + widths[NodeKind.INPUT] + _width_of_lanes(lanes.left, has_column=bool(widths[NodeKind.INPUT]))
    outputs = tasks + widths[NodeKind.TASK] + _width_of_lanes(lanes.right, has_column=bool(widths[NodeKind.OUTPUT]))
    x = {NodeKind.INPUT: MARGIN, NodeKind.TASK: tasks, NodeKind.OUTPUT: outputs}
    placed = zip(graph.nodes, rows, strict=True)
    return tuple(Box(x[node.kind], TOP + row * ROW_HEIGHT, widths[node.kind]) for node, row in placed)


def shorten_to_box(text: str) -> str:
    return shorten(text, MAX_CHARACTERS)


def _width(nodes: Iterable[Node]) -> int:
    """Of a column; fonts differ, so this is what a wide one needs."""
    texts = [shorten_to_box(text) for node in nodes for text in (node.name, node.detail)]
    return max(MIN_BOX_WIDTH, BOX_PADDING + CHARACTER_WIDTH * max(map(len, texts))) if texts else 0


def _width_of_lanes(number: int, *, has_column: bool) -> int:
    """The room between two columns; the last lanes may have no column beyond them."""
    if not number:
        return LANE_GAP if has_column else 0
    return 2 * LANE_GAP + LANE_WIDTH * (number - 1)
