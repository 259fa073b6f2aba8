"""The row of each node: a task's is its turn, an input's that of its first user, an output's that of its source."""

from collections.abc import Iterable, Mapping

from stepcall.drawing.graph import NodeKind, WorkflowGraph


def rows_of(graph: WorkflowGraph) -> list[int]:
    """Row 0 is the top one. No two nodes of a kind share a row: who finds its row taken stands in the next free one."""
    tasks = graph.positions(NodeKind.TASK)
    turns = {position: turn for turn, position in enumerate(tasks)}
    first_use: dict[int, int] = {}
    last_source: dict[int, int] = {}
    for edge in graph.edges:
        if edge.target in turns:
            first_use[edge.source] = min(turns[edge.target], first_use.get(edge.source, len(tasks)))
        if edge.source in turns:
            last_source[edge.target] = max(turns[edge.source], last_source.get(edge.target, 0))
    bottom = len(tasks) - 1
    inputs = _settle(graph.positions(NodeKind.INPUT), first_use, bottom)
    outputs = _settle(graph.positions(NodeKind.OUTPUT), last_source, bottom)
    row_of = turns | inputs | outputs
    return [row_of[position] for position in range(len(graph.nodes))]


def _settle(positions: Iterable[int], wishes: Mapping[int, int], otherwise: int) -> dict[int, int]:
    rows: dict[int, int] = {}
    free = 0
    for position in sorted(positions, key=lambda position: wishes.get(position, otherwise)):
        rows[position] = max(free, wishes.get(position, otherwise))
        free = rows[position] + 1
    return rows
