"""Workflows in which every construct stands in every other: an inner task, and what is put around it, one by one."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from tests.sample_workflows import Document, declare, transform

DEPTH = 3
"""So many constructs, one in the other, around a task."""
INPUTS = {"given": "integer", "wanted": "boolean", "elements": "array"}
EXECUTE = "Workflow.Execute"
INNER = "t"
"""The ref of the task that all of it is around."""


class Nest(NamedTuple):
    """Constructs, the outermost first, around a task of that kind."""

    constructs: tuple[str, ...]
    leaf: str

    def __str__(self) -> str:
        return " > ".join((*self.constructs, self.leaf))


LEAVES: Mapping[str, Callable[[], Document]] = {
    "Data.Transform": lambda: transform("t", "{{input.given}}"),
    "Flow.Wait": lambda: {"ref": "t", "type": "Flow.Wait", "input": {"seconds": 5}},
    "Http.Request": lambda: {"ref": "t", "type": "Http.Request", "input": {"url": "https://example.com"}},
    "Sql.Query": lambda: {"ref": "t", "type": "Sql.Query", "input": {"query": "SELECT 1 AS one"}},
    "Flow.Approval": lambda: {"ref": "t", "type": "Flow.Approval", "input": {"message": "Shall it?", "expires_in": 60}},
    "Lambda.Invoke": lambda: {"ref": "t", "type": "Lambda.Invoke", "input": {"function": "own", "payload": 1}},
    "Own.Type": lambda: {"ref": "t", "type": "Own.Type", "input": {"value": "{{input.given}}"}},
}
FIELDS: Mapping[str, Document] = {
    "condition": {"condition": "{{input.wanted}}"},
    "retry": {"retry": {"attempts": 4, "delay": 2}},
    "timeout_seconds": {"timeout_seconds": 20},
    "on_error": {"on_error": "continue"},
    "fallback": {"fallback": {"type": "Data.Transform", "input": {"expression": "$", "data": 1}}},
    "depends_on": {"depends_on": ["before"]},
    "for_each": {"for_each": "{{input.elements}}", "max_concurrency": 2},
}


def _in_graph(document: Document) -> Document:
    """What it is around runs in a branch, beside another task."""
    return document | {"order": "graph", "tasks": [*document["tasks"], transform(f"beside{len(document['tasks'])}")]}


def _with_fields(name: str) -> Callable[[Document], Document]:
    def put(document: Document) -> Document:
        tasks = [task | FIELDS[name] if task["ref"] == INNER else task for task in document["tasks"]]
        return document | {"tasks": tasks}

    return put


CONSTRUCTS: Mapping[str, Callable[[Document], Document]] = {
    "order": _in_graph,
    **{name: _with_fields(name) for name in FIELDS},
}


def nests(leaf: str) -> Iterator[Nest]:
    """Each construct in each other, and in itself, to that depth."""
    for depth in range(DEPTH + 1):
        yield from (Nest(constructs, leaf) for constructs in product((*CONSTRUCTS, EXECUTE), repeat=depth))


def documents_of(nest: Nest) -> Iterator[tuple[Document, set[str]]]:
    """Workflows of which each executes the one before it, by its name, with what stands in each."""
    task, said = LEAVES[nest.leaf](), {nest.leaf}
    around, depth = list[str](), 0
    for construct in (*reversed(nest.constructs), EXECUTE):
        if construct != EXECUTE:
            around.append(construct)
            continue
        name = f"workflow {depth}"
        yield _document(name, task, around), {*said, *around}
        task, said, around, depth = _execute(name), {EXECUTE}, [], depth + 1


def _document(name: str, task: Document, around: list[str]) -> Document:
    inputs = [declare(each, kind) for each, kind in INPUTS.items()]
    tasks = [transform("before", [f"{{{{input.{each}}}}}" for each in INPUTS]), task]
    document: Document = {"name": name, "input": inputs, "tasks": tasks}
    for construct in around:
        document = CONSTRUCTS[construct](document)
    return document


def _execute(name: str) -> Document:
    given = {each: f"{{{{input.{each}}}}}" for each in INPUTS}
    return {"ref": INNER, "type": EXECUTE, "input": {"workflow_id": name, "input": given}}
