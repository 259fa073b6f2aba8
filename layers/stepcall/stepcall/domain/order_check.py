"""Whether the tasks of a definition can be put in an order, and which it is."""

from collections.abc import Iterator
from typing import Any

from stepcall.domain.condition import parse_condition, templates_of
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.errors import shorten
from stepcall.domain.findings import Findings
from stepcall.domain.parse_template import TemplateSyntaxError, parse
from stepcall.domain.task_order import TaskOrder, Waits, find_cycles, in_run_order
from stepcall.domain.template import refs_in

MAX_SPELLED = 12
"""Tasks of a cycle that its problem names."""


class OrderCheck:
    """The check of one definition's order. Of tasks with one ref the first counts."""

    def __init__(self, sent: DefinitionDocument, findings: Findings) -> None:
        self._sent = sent
        self._findings = findings
        self._indexes = {ref: index for index, _, ref in [*sent.names_at("tasks")][::-1]}
        self._refs = sorted(self._indexes, key=lambda ref: self._indexes[ref])
        order = sent.value.get("order", TaskOrder.SEQUENCE) if isinstance(sent.value, dict) else TaskOrder.SEQUENCE
        # what cannot be read is told with its shape, and was written to have another order than the usual one
        self.is_graph = order != TaskOrder.SEQUENCE
        self._waits: Waits = {ref: dict.fromkeys(self._waits_of(ref)) for ref in self._refs} if self.is_graph else {}
        self._cycles = [*find_cycles(self._refs, self._waits)] if self.is_graph else []

    def ranks(self) -> dict[int, int]:
        """How many tasks run before each, by its index: ascending."""
        tasks = len(self._sent.list_at("tasks"))
        if not self.is_graph:
            return {index: index for index in range(tasks)}
        known = [self._indexes[ref] for ref in in_run_order(self._refs, self._waits)]
        placed = set(known)
        unknown = (index for index in range(tasks) if index not in placed)
        return {index: rank for rank, index in enumerate((*known, *unknown))}

    @property
    def waits(self) -> Waits | None:
        """None in a sequence."""
        return self._waits if self.is_graph else None

    @property
    def has_cycle(self) -> bool:
        """Then nobody can say what is before what."""
        return bool(self._cycles)

    def check(self) -> None:
        """Tell of cycles, and of what tasks depend on that is not there or not before them."""
        for index, pointer, task in self._sent.objects_at("tasks"):
            depends_on = task.get("depends_on")
            for place, ref in enumerate(depends_on if isinstance(depends_on, list) else ()):
                if isinstance(ref, str):
                    self._check_named(f"{pointer}/depends_on/{place}", ref, index)
        for cycle in self._cycles:
            self._tell(cycle)

    def _waits_of(self, ref: str) -> Iterator[str]:
        task: dict[str, Any] = self._sent.list_at("tasks")[self._indexes[ref]]
        faults = list[TemplateSyntaxError]()  # they are told where values are checked
        yield from refs_in(parse(task.get(self._sent.task_input_key), faults.append))
        yield from refs_in(parse(task.get("for_each"), faults.append))
        if (condition := task.get("condition")) is not None:
            for template in templates_of(parse_condition(condition, faults.append)):
                yield from refs_in(template)
        fallback = task.get("fallback")
        if isinstance(fallback, dict):
            yield from refs_in(parse(fallback.get(self._sent.task_input_key), faults.append))
        depends_on = task.get("depends_on")
        yield from (other for other in depends_on if isinstance(other, str)) if isinstance(depends_on, list) else ()

    def _check_named(self, pointer: str, ref: str, index: int) -> None:
        if ref not in self._indexes:
            message = f"There is no task `{shorten(ref)}`{self._findings.suggest(ref, self._indexes)}"
            self._findings.add(pointer, "unknown_ref", message)
        elif not self.is_graph and self._indexes[ref] >= index:
            message = (
                f"Task `{shorten(ref)}` does not come before this one. Tasks run in the document's order; with "
                '`"order": "graph"` each runs as soon as what it waits for is done.'
            )
            self._findings.add(pointer, "later_ref", message)

    def _tell(self, cycle: list[str]) -> None:
        named = [f"`{shorten(ref)}`" for ref in cycle[:MAX_SPELLED]]
        first, *others = [*named, *(["…"] if len(cycle) > MAX_SPELLED else []), named[0]]
        way = f"{first} waits for {', which waits for '.join(others)}"
        message = f"These tasks wait for each other, and none could begin: {way}. Let one of them not use the next."
        self._findings.add(f"/tasks/{self._indexes[cycle[0]]}", "cycle", message)
