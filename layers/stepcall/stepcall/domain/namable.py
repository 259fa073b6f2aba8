"""What references may name at a place of a definition: its inputs, the tasks before it, and the outputs before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepcall.domain.errors import list_names, shorten
from stepcall.domain.json_schema import ANYTHING, SCHEMAS, Schema, step_into
from stepcall.domain.template import (
    Array,
    InputReference,
    ItemReference,
    Literal,
    Object,
    OutputReference,
    Reference,
    ResultReference,
    RunReference,
    Template,
    Text,
)
from stepcall.domain.times import RANGE_WORDS
from stepcall.domain.type_check import UNKNOWN_RUN_VALUE, Suggest
from stepcall.domain.types import ValueType

INTEGER = SCHEMAS[ValueType.INTEGER]
ITEM_WORDS = {"item": "the element", "index": "its number"}
OPTIONAL_TEXT = SCHEMAS[ValueType.STRING].or_null


@dataclass(frozen=True, slots=True)
class Position:
    """Where a template stands: after so many tasks, and after so many outputs of the workflow."""

    tasks: int
    outputs: int = 0
    item: Schema | None = None
    """What each element is, in the input of a task that is done for each; None elsewhere."""


@dataclass(frozen=True, slots=True)
class NameFault:
    """Why a reference names nothing."""

    code: str
    message: str
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Namable:
    """Schemas by name; tasks and outputs with their place in the order."""

    inputs: Mapping[str, Schema]
    tasks: Mapping[str, tuple[int, Schema]]
    outputs: Mapping[str, tuple[int, Schema]]
    suggest: Suggest
    knows_inputs: bool = True
    """Whether the document's inputs could be read at all."""
    used_inputs: set[str] = field(default_factory=set)

    def find(self, reference: Reference, position: Position) -> Schema | NameFault:
        """What a reference names without its path."""
        match reference:
            case InputReference(name):
                return self._find_input(name, is_each=position.item is not None)
            case OutputReference(ref):
                return self._find_task(ref, position.tasks)
            case ResultReference(name):
                return self._find_result(name, position.outputs)
            case ItemReference(name):  # a RunReference, too
                return _find_item(name, position.item)
            case RunReference(name):
                return self._find_run_value(name)

    def schema_of(self, reference: Reference, position: Position) -> Schema:
        """What a reference names; ANYTHING where it names nothing."""
        found: Schema | NameFault | None = self.find(reference, position)
        for step in reference.path:
            found = step_into(found, step) if isinstance(found, Schema) else None
        return found if isinstance(found, Schema) else ANYTHING

    def may_be_null(self, template: Template, position: Position) -> bool:
        if isinstance(template, Literal):
            return template.value is None
        if isinstance(template, Text | Object | Array):
            return False
        if template.default is not None:
            return template.default.value is None
        return self.schema_of(template, position).may_be_null

    def _find_input(self, name: str, *, is_each: bool) -> Schema | NameFault:
        self.used_inputs.add(name)
        if not self.knows_inputs:
            return ANYTHING
        if found := self.inputs.get(name):
            return found
        if is_each and name in ITEM_WORDS:
            return NameFault("unknown_input", f"there is no input `{name}`; {ITEM_WORDS[name]} is `{{{{{name}}}}}`.")
        message = f"there is no input `{shorten(name)}`{self.suggest(name, self.inputs)}"
        return NameFault("unknown_input", message, list_names(self.inputs) or None)

    def _find_task(self, ref: str, before: int) -> Schema | NameFault:
        if ref not in self.tasks:
            message = f"there is no task `{shorten(ref)}`{self.suggest(ref, self.tasks)}"
            return NameFault("unknown_ref", message, list_names(self.tasks) or None)
        index, found = self.tasks[ref]
        if index >= before:
            message = f"task `{shorten(ref)}` has no output yet here; only tasks before this one have."
            return NameFault("later_ref", message)
        return found

    def _find_result(self, name: str, before: int) -> Schema | NameFault:
        index, found = self.outputs.get(name, (before, None))
        if found and index < before:
            return found
        earlier = [known for known, (place, _) in self.outputs.items() if place < before]
        advice = self.suggest(name, earlier) if earlier else "; only outputs can name outputs, those before them."
        return NameFault("unknown_output", f"there is no output `{shorten(name)}` before this{advice}")

    def _find_run_value(self, name: str) -> Schema | NameFault:
        if name in RANGE_WORDS:
            return OPTIONAL_TEXT
        there_is = " and ".join(f"`{known}`" for known in RANGE_WORDS)
        message = f"a run has no `{shorten(name)}`{self.suggest(name, RANGE_WORDS)} It has {there_is}."
        return NameFault(UNKNOWN_RUN_VALUE, message)


def _find_item(name: str, item: Schema | None) -> Schema | NameFault:
    if item is not None:
        return item if name == "item" else INTEGER
    message = (
        f"only the `input` of a task with `for_each` has an `{name}`: its `condition`, and `for_each` itself, are "
        "about the whole task."
    )
    return NameFault("no_item", message)
