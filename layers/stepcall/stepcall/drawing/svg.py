"""A workflow's graph as SVG for light pages and dark ones: boxes bring their own light, lines are mid-tones."""

import re
from collections.abc import Iterator
from itertools import pairwise

from stepcall.domain.errors import shorten
from stepcall.drawing.boxes import BOX_HEIGHT, MARGIN, TOP, Box, shorten_to_box
from stepcall.drawing.graph import Node, NodeKind, WorkflowGraph
from stepcall.drawing.layout import Layout, lay_out
from stepcall.drawing.routes import Point, Route

# each at least 3 : 1 against white and against black
LANE_COLOURS = ("#2f7fe0", "#c2571a", "#0d8a7c", "#a44fd6", "#c2397a", "#748411")
LINE_COLOUR = "#6b7a90"
CORNER = 7
MAX_TITLE_CHARACTERS = 72
MAX_TOLD_CHARACTERS = 240
MAX_ROUND_LINES = 2000
"""Beyond it corners are square: a document of 1 MB can hold 50,000 references, and an answer has 6 MB at most."""
STYLE = (
    "text{font:12px ui-sans-serif,system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;text-anchor:middle}"
    f".title{{font-size:15px;font-weight:600;text-anchor:start;fill:{LINE_COLOUR}}}"
    f".heading{{fill:{LINE_COLOUR}}}.turn{{font-size:10px;fill:#64748b;text-anchor:start}}"
    ".name{font-weight:600;fill:#0f172a}.detail{font-size:11px;fill:#475569}"
    ".box{stroke-width:1.2}.input{fill:#e0edff;stroke:#5b8fd6}.task{fill:#fff;stroke:#64748b}"
    ".output{fill:#dcf5e3;stroke:#3f9b63}"
    f".line{{fill:none;stroke-width:1.5;stroke:{LINE_COLOUR};marker-end:url(#sc-end)}}.order{{stroke-dasharray:3 4}}"
)
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def print_svg(graph: WorkflowGraph) -> str:
    """The picture: one document without scripts, links or anything from elsewhere."""
    layout = lay_out(graph)
    height, width = layout.height, max(layout.width, 2 * MARGIN + 10 * min(len(graph.title), MAX_TITLE_CHARACTERS))
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{_escape(graph.title)}</title>",
            f"<desc>{_escape(graph.description)}</desc>" if graph.description else "",
            *_definitions(),
            *_heading(graph, layout),
            *(_line(route, is_round=len(layout.routes) <= MAX_ROUND_LINES) for route in layout.routes),
            *_nodes(graph, layout),
            "</svg>\n",
        )
    )


def _definitions() -> Iterator[str]:
    lanes = "".join(
        f".lane{number}{{stroke:{colour};marker-end:url(#sc-end{number})}}"
        for number, colour in enumerate(LANE_COLOURS)
    )
    yield f"<style>{STYLE}{lanes}</style><defs>"
    for name, colour in (("", LINE_COLOUR), *((str(number), colour) for number, colour in enumerate(LANE_COLOURS))):
        yield (
            f'<marker id="sc-end{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5L8 4L0 7.5z" fill="{colour}"/></marker>'
        )
    yield "</defs>"


def _heading(graph: WorkflowGraph, layout: Layout) -> Iterator[str]:
    yield f'<text class="title" x="{MARGIN}" y="34">{_escape(shorten(graph.title, MAX_TITLE_CHARACTERS))}</text>'
    middles = {node.kind: box.middle for node, box in zip(graph.nodes, layout.boxes, strict=True)}
    for kind, middle in middles.items():
        yield f'<text class="heading" x="{middle}" y="{TOP - 14}">{kind}s</text>'


def _line(route: Route, *, is_round: bool) -> str:
    look = f"lane{route.lane % len(LANE_COLOURS)}" if route.lane is not None else route.edge.kind
    path = _round_path(route.points) if is_round else _square_path(route.points)
    return f'<path class="line {look}" d="{path}"/>'


def _square_path(points: tuple[Point, ...]) -> str:
    steps = (f"H{x}" if y == before else f"V{y}" for (_, before), (x, y) in pairwise(points))
    return "".join((f"M{points[0][0]} {points[0][1]}", *steps))


def _round_path(points: tuple[Point, ...]) -> str:
    drawn = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        room = min(CORNER, _distance(before, corner) // 2, _distance(corner, after) // 2)
        (x1, y1), (x2, y2) = _towards(corner, before, room), _towards(corner, after, room)
        drawn.append(f"L{x1} {y1}Q{corner[0]} {corner[1]} {x2} {y2}")
    return "".join((*drawn, f"L{points[-1][0]} {points[-1][1]}"))


def _distance(one: Point, other: Point) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])  # every line is level or upright


def _towards(start: Point, end: Point, length: int) -> Point:
    def step(difference: int) -> int:
        return max(-length, min(length, difference))

    return start[0] + step(end[0] - start[0]), start[1] + step(end[1] - start[1])


def _nodes(graph: WorkflowGraph, layout: Layout) -> Iterator[str]:
    turn = 0
    for node, box in zip(graph.nodes, layout.boxes, strict=True):
        turn += node.kind is NodeKind.TASK
        yield _node(node, box, str(turn) if node.kind is NodeKind.TASK else "")


def _node(node: Node, box: Box, turn: str) -> str:
    told = shorten(f"{node.name}: {node.detail}. {node.description}".removesuffix(". "), MAX_TOLD_CHARACTERS)
    radius = 6 if node.kind is NodeKind.TASK else BOX_HEIGHT // 2
    number = f'<text class="turn" x="{box.x + 7}" y="{box.y + 14}">{turn}</text>' if turn else ""
    place = f'x="{box.x}" y="{box.y}" width="{box.width}" height="{BOX_HEIGHT}"'
    return (
        f'<g><title>{_escape(told)}</title><rect class="box {node.kind}" {place} rx="{radius}"/>'
        f'{number}<text class="name" x="{box.middle}" y="{box.y + 20}">{_escape(shorten_to_box(node.name))}</text>'
        f'<text class="detail" x="{box.middle}" y="{box.y + 36}">{_escape(shorten_to_box(node.detail))}</text></g>'
    )


def _escape(text: str) -> str:
    """Text as XML can hold it: characters that XML forbids show as U+FFFD."""
    return NOT_XML.sub("\ufffd", text).translate(ENTITIES)
