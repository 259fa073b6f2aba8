"""Which task is tried in another's place, and what both of them give."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.errors import shorten
from stepcall.domain.findings import Findings
from stepcall.domain.json_schema import ANYTHING, Schema, Variant
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import OutputReference, Reference
from stepcall.domain.types import JsonType


class SaidFallback(NamedTuple):
    """A fallback as far as it could be read: its type's contract, its input, and where that stands."""

    contract: TaskContract
    input: Mapping[str, Any]
    pointer: str


class FallbackCheck:
    """The check of one definition's fallbacks. What is of the wrong type is told with its shape."""

    def __init__(self, sent: DefinitionDocument, catalog: Mapping[str, TaskContract], findings: Findings) -> None:
        self._sent = sent
        self._catalog = catalog
        self._findings = findings
        self._word = "task" if sent.is_later else "ref"
        tasks = sent.list_at("tasks")
        self._tasks = {ref: (pointer, tasks[index]) for index, pointer, ref in [*sent.names_at("tasks")][::-1]}

    def read(self, pointer: str, task: Mapping[str, Any]) -> SaidFallback | None:
        """None where there is none, or it cannot be; `check` says why."""
        said = task.get("fallback")
        if not isinstance(said, dict) or (said.get(self._word) is None) == (said.get("type") is None):
            return None
        place, named = self._tasks.get(str(said.get(self._word)), (pointer, {}))
        contract = self._contract_of(said)
        if contract is None or contract.may_take_phases:
            return None
        key = self._sent.task_input_key
        given, place = (said[key], f"{pointer}/fallback") if key in said else (named.get(key, {}), place)
        return SaidFallback(contract, given, f"{place}/{key}") if isinstance(given, dict) else None

    def check(self, pointer: str, task: Mapping[str, Any]) -> None:
        """Tell of what names no task, or none that can be tried so."""
        said = task.get("fallback")
        if not isinstance(said, dict) or self.read(pointer, task):
            return
        pointer = f"{pointer}/fallback"
        if (said.get(self._word) is None) == (said.get("type") is None):
            message = f"Say either the `type` of what is tried, or the `{self._word}` of a task that is of its type."
            self._findings.add(pointer, "invalid_fallback", message)
        elif said.get("type") is not None:
            self._check_named(f"{pointer}/type", said, "type", self._catalog, "unknown_task_type")
        else:
            self._check_named(f"{pointer}/{self._word}", said, self._word, self._tasks, "unknown_ref")

    def why_no_field(self, reference: Reference, position: int) -> str:
        """Why the output of a task with a fallback has no such field, although one of both types gives it; or empty."""
        if position or not isinstance(reference, OutputReference) or reference.ref not in self._tasks:
            return ""
        _, task = self._tasks[reference.ref]
        own, said, step = self._catalog.get(str(task.get("type"))), self.read("", task), reference.path[0]
        if own is None or said is None:
            return ""
        fields = _fields_of(own), _fields_of(said.contract)
        advice = (
            "Name what both give." if fields[0] & fields[1] else "They have no field in common: name the whole output."
        )
        if step in fields[0]:
            return f": its fallback `{said.contract.name}` does not give it. {advice}"
        if step in fields[1]:
            return f": its fallback gives it, and its own type `{own.name}` does not. {advice}"
        return ""

    def _check_named(
        self, pointer: str, said: Mapping[str, Any], word: str, known: Mapping[str, Any], code: str
    ) -> None:
        name, contract = said[word], self._contract_of(said)
        if contract and contract.may_take_phases:
            message = f"`{contract.name}` cannot be tried in another task's place."
            self._findings.add(pointer, "invalid_fallback", message)
        elif isinstance(name, str) and contract is None:
            what = "task type" if word == "type" else "task"
            message = f"There is no {what} `{shorten(name)}`{self._findings.suggest(name, known)}"
            self._findings.add(pointer, code, message)

    def _contract_of(self, said: Mapping[str, Any]) -> TaskContract | None:
        """Of its type; of that of the task that it names; and the later generation's word names either."""
        _, named = self._tasks.get(str(said.get(self._word)), ("", {}))
        name = named.get("type") or said.get("type") or (said.get(self._word) if self._sent.is_later else None)
        return self._catalog.get(str(name))


def _fields_of(contract: TaskContract) -> frozenset[str | int]:
    return frozenset(name for variant in contract.output_schema.variants.values() for name in variant.properties)


def either(*schemas: Schema) -> Schema:
    """What is known of a value that is of one of the schemas, whichever: no more than of all of them.

    Each schema is looked at once, at all levels: an author may name one a thousand times.
    """
    one, *others = {id(schema): schema for schema in schemas}.values()
    if not others:
        return one
    if any(schema.is_anything for schema in (one, *others)):
        return ANYTHING
    variants: dict[JsonType, dict[int, Variant]] = {}
    for schema in (one, *others):
        for kind, variant in schema.variants.items():
            variants.setdefault(kind, {})[id(variant)] = variant
    return Schema({kind: _either_variant(kind, [*found.values()]) for kind, found in variants.items()})


def _either_variant(kind: JsonType, variants: Sequence[Variant]) -> Variant:
    one, *others = variants
    if not others:
        return one
    both = [name for name in one.properties if all(name in other.properties for other in others)]
    return Variant(
        kind,
        properties={name: either(*(variant.properties[name] for variant in variants)) for name in both},
        required=dict.fromkeys(name for name in one.required if all(name in other.required for other in others)),
        additional=_either_known([variant.additional for variant in variants]),
        items=_either_known([variant.items for variant in variants]),
    )


def _either_known(schemas: Sequence[Schema | None]) -> Schema | None:
    known = [schema for schema in schemas if schema]
    return either(*known) if len(known) == len(schemas) else None
