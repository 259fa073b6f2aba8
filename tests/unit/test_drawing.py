"""Both printers: hostile text stays text, boxes do not overlap, large workflows take their time and no more."""

import json
import re
from itertools import pairwise
from random import Random
from xml.etree import ElementTree

import pytest

from stepcall.domain.workflow import WorkflowDefinition
from stepcall.drawing.boxes import BOX_HEIGHT
from stepcall.drawing.graph import Edge, EdgeKind, Node, NodeKind, WorkflowGraph, graph_of
from stepcall.drawing.layout import Layout, lay_out
from stepcall.drawing.mermaid import print_mermaid
from stepcall.drawing.svg import LANE_COLOURS, LINE_COLOUR, print_svg
from tests.sample_workflows import Document, declare, give, transform, workflow

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "</title><script>alert(1)</script>",
    '"]; click n0 href "javascript:alert(1)"',
    '%%{init: {"securityLevel": "loose"}}%%',
    "\n---\nconfig:\n  securityLevel: loose\n---\n",
    '" onload="alert(1)',
    "]]> --> <!-- &amp; #quot;",
    "a\x00b\x1fc\x7fd\ufffe\u2028",
    "`**x**` $$x$$ \\ end",
    "émoji \U0001f600 漢字",
]


def hostile_graph(text: str) -> WorkflowGraph:
    """The text wherever a caller's text can stand, and more."""
    return WorkflowGraph(text, text, tuple(Node(kind, text, text, text) for kind in NodeKind), (_data(0, 1),))


def _data(source: int, target: int) -> Edge:
    return Edge(source, target, EdgeKind.DATA)


def large_workflow(tasks: int, references: int) -> Document:
    """Every task uses some that ran before it, chosen by a generator that always chooses the same."""
    choose = Random(1)
    each = references // tasks
    steps = [
        transform(
            f"task_{n}", [f"{{{{refs.task_{choose.randrange(n)}.output.result}}}}" for _ in range(each if n else 0)]
        )
        for n in range(tasks)
    ]
    steps[-1]["input"]["data"] = [f"{{{{input.in_{n}}}}}" for n in range(5)]
    outputs = [give(f"out_{n}", f"{{{{refs.task_{choose.randrange(tasks)}.output.result}}}}") for n in range(5)]
    return workflow(*steps, inputs=[declare(f"in_{n}") for n in range(5)], outputs=outputs)


def laid_out(tasks: int, references: int) -> tuple[WorkflowGraph, Layout]:
    graph = graph_of(WorkflowDefinition.from_json(large_workflow(tasks, references)))
    return graph, lay_out(graph)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_svg(text: str) -> None:
    root = ElementTree.fromstring(print_svg(hostile_graph(text)))  # noqa: S314
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "defs", "marker", "path", "text", "g", "rect",
    }  # fmt: skip
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or "href" in name}
    shown = root.findtext(f"{SVG}title") or ""
    assert shown == re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_label_in_mermaid(text: str) -> None:
    """That Mermaid's own parser sees three nodes and nothing else was tried with mermaid 11.17 and 12.3 from npm."""
    [fence, title, closing, kind, *nodes, edge, empty] = print_mermaid(hostile_graph(text)).split("\n")
    assert (fence, closing, kind, edge, empty) == ("---", "---", "flowchart TD", "    n0 --> n1", "")
    assert re.fullmatch(r'title: "(?:[ !#-\[\]-~]|\\["\\nrtbf]|\\u[0-9a-f]{4})*"', title)
    label = r'"(?:[\w .,:!?()=]|#\d+;)*<br>(?:[\w .,:!?()=]|#\d+;)*"'
    shapes = (rf"    n0\(\[{label}\]\)", rf"    n1\[{label}\]", rf"    n2\[/{label}/\]")
    assert [bool(re.fullmatch(shape, node)) for shape, node in zip(shapes, nodes, strict=True)] == [True] * 3


@pytest.mark.parametrize(("tasks", "references"), [(1, 1), (3, 3), (20, 40), (50, 150)])
def test_no_two_boxes_overlap_and_all_lies_in_the_picture(tasks: int, references: int) -> None:
    _, layout = laid_out(tasks, references)
    places = {(box.x, box.y) for box in layout.boxes}
    assert len(places) == len(layout.boxes)
    columns = sorted({(box.x, box.right) for box in layout.boxes})
    assert all(left[1] < right[0] for left, right in pairwise(columns))
    points = [point for route in layout.routes for point in route.points]
    assert all(0 < x < layout.width and 0 < y < layout.height for x, y in points)


def test_a_line_leaves_the_border_of_its_source_and_ends_at_that_of_its_target() -> None:
    graph, layout = laid_out(20, 40)
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        for position, (x, y) in ((edge.source, route.points[0]), (edge.target, route.points[-1])):
            box = layout.boxes[position]
            on_side = x in {box.x, box.right} and box.y < y < box.y + BOX_HEIGHT
            assert on_side or (x == box.middle and y in {box.y, box.bottom})


def test_lines_turn_at_right_angles_only() -> None:
    _, layout = laid_out(50, 150)
    for route in layout.routes:
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(route.points))


def test_values_that_travel_side_by_side_have_lanes_of_their_own() -> None:
    graph, layout = laid_out(50, 150)
    upright: dict[int, list[tuple[int, int, int]]] = {}
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        for (x, y), (x2, y2) in pairwise(route.points[1:-1]):
            if x == x2:
                upright.setdefault(x, []).append((min(y, y2), max(y, y2), edge.source))
    for pieces in upright.values():
        for first in pieces:
            assert all(other[2] == first[2] or other[0] >= first[1] or other[1] <= first[0] for other in pieces)


def test_the_line_of_one_input_does_not_lie_on_that_of_another() -> None:
    document = workflow(
        transform("a", ["{{input.one}}", "{{input.two}}"]),
        transform("b", "{{input.one}}"),
        transform("c", ["{{input.one}}", "{{input.three}}"]),
        inputs=[declare("one"), declare("two"), declare("three")],
    )
    level = [
        (route.edge.source, y, min(x, to_x), max(x, to_x))
        for route in lay_out(graph_of(WorkflowDefinition.model_validate_json(json.dumps(document)))).routes
        for (x, y), (to_x, to_y) in pairwise(route.points)
        if y == to_y
    ]
    for source, y, left, right in level:
        for other, other_y, other_left, other_right in level:
            assert source == other or y != other_y or min(right, other_right) <= max(left, other_left)


def test_a_thousand_tasks_and_five_thousand_references_make_a_picture_of_bounded_size() -> None:
    graph, layout = laid_out(1000, 5000)
    assert len(graph.edges) > 5000
    assert len(print_svg(graph)) < 2_000_000
    assert layout.height < 100_000
    assert layout.width < 20_000


def test_the_most_references_that_a_request_can_hold_make_an_answer_that_lambda_takes() -> None:
    tasks = [transform(f"t{n}", [f"{{{{refs.t{m}.output}}}}" for m in range(n)]) for n in range(310)]
    tasks[0]["description"] = "'" * 4096
    document = workflow(*tasks)
    assert len(json.dumps(document)) > 1_000_000
    graph = graph_of(WorkflowDefinition.from_json(document))
    assert len(graph.edges) > 47_000
    for printed in (print_svg(graph), print_mermaid(graph)):
        assert len(json.dumps(printed)) < 5_000_000
    ElementTree.fromstring(print_svg(graph))  # noqa: S314


@pytest.mark.parametrize("colour", [LINE_COLOUR, *LANE_COLOURS])
@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_lines_show_on_light_pages_and_on_dark_ones(colour: str, page: str) -> None:
    """WCAG 2.2 asks 3 : 1 of what is drawn (success criterion 1.4.11)."""
    darker, lighter = sorted(_luminance(each) for each in (colour, page))
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
