"""Where everything stands in the picture: the tasks one below the other as they run, inputs on the left, outputs right.

A task that uses the one before it is joined to it by a straight line; what is used further away travels along a lane
beside the tasks. All of it takes time in proportion to nodes and edges, but for sorting. Lengths are pixels.
"""

from dataclasses import dataclass

from stepcall.drawing.boxes import MARGIN, Box, boxes_of
from stepcall.drawing.graph import WorkflowGraph
from stepcall.drawing.lanes import lanes_of
from stepcall.drawing.routes import Route, Router
from stepcall.drawing.rows import rows_of


@dataclass(frozen=True, slots=True)
class Layout:
    """A box for each node and a route for each edge, in the graph's order."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


def lay_out(graph: WorkflowGraph) -> Layout:
    rows = rows_of(graph)
    lanes = lanes_of(graph, rows)
    boxes = boxes_of(graph, rows, lanes)
    router = Router(graph, rows, lanes, boxes)
    routes = tuple(router.route(edge) for edge in graph.edges)
    right = max(*(box.right for box in boxes), *(x for route in routes for x, _ in route.points), 0)
    bottom = max(box.bottom for box in boxes)
    return Layout(right + MARGIN, bottom + MARGIN, boxes, routes)
