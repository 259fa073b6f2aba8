"""A workflow's graph as a Mermaid flowchart: https://mermaid.js.org/syntax/flowchart.html."""

import json
from collections.abc import Iterator

from stepcall.drawing.graph import EdgeKind, Node, NodeKind, WorkflowGraph

SHAPES = {NodeKind.INPUT: ("([", "])"), NodeKind.TASK: ("[", "]"), NodeKind.OUTPUT: ("[/", "/]")}
ARROWS = {EdgeKind.DATA: "-->", EdgeKind.ORDER: "-.->"}
PLAIN = frozenset(" _.,:!?()=")


def print_mermaid(graph: WorkflowGraph) -> str:
    """The text: solid arrows are data, dotted ones order alone. Ids are ours, so no name ends a node."""
    return "\n".join(("---", f"title: {_quote(graph.title)}", "---", *_lines(graph), ""))


def _lines(graph: WorkflowGraph) -> Iterator[str]:
    yield "flowchart TD"
    for position, node in enumerate(graph.nodes):
        yield f"    n{position}{_shape(node)}"
    for edge in graph.edges:
        yield f"    n{edge.source} {ARROWS[edge.kind]} n{edge.target}"


def _shape(node: Node) -> str:
    opening, closing = SHAPES[node.kind]
    return f'{opening}"{_escape(node.name)}<br>{_escape(node.detail)}"{closing}'


def _quote(text: str) -> str:
    """As YAML takes it, which reads JSON's texts but not this character."""
    return json.dumps(text.replace("\x7f", ""))


def _escape(text: str) -> str:
    """Letters and digits as they are; what might be HTML, Markdown or a directive as Mermaid's numbered entities."""
    return "".join(char if char.isalnum() or char in PLAIN else f"#{ord(char)};" for char in text)
