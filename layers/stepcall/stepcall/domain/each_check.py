"""Whether a task can be done for each element of an array, and what each element is."""

from collections.abc import Callable, Mapping
from typing import Any

from stepcall.domain.errors import shorten
from stepcall.domain.fallback_check import either
from stepcall.domain.findings import Findings
from stepcall.domain.json_schema import ANYTHING, SCHEMAS, Schema, Variant, step_into, type_of
from stepcall.domain.parse_template import read_bare
from stepcall.domain.sql_check import OUTPUT_TASK, QUERY_TASK
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.task_control import MAX_ELEMENTS
from stepcall.domain.template import Array, Literal, Object, Reference, Template, Text
from stepcall.domain.type_check import TemplateFit
from stepcall.domain.types import JsonType, ValueType, describe_value

SchemaOf = Callable[[Reference], Schema]
ELEMENTS = Schema({JsonType.ARRAY: Variant(JsonType.ARRAY, items=ANYTHING, bounds={"maxItems": MAX_ELEMENTS})})
_PLAIN = {kind: Schema({kind: Variant(kind)}) for kind in JsonType}
NOT_FOR_EACH: Mapping[str, str] = {
    QUERY_TASK: "later queries read its table by the task's name, and there would be many. Give the array to one "
    "query, in its `parameters`.",
    OUTPUT_TASK: "the workflow's result is one table, and each element would name another. Bring them together by a "
    "query before.",
}
"""What SQL does has one table, and why that is so."""


def array_of(items: Schema) -> Schema:
    """What a task gives that is done for each element."""
    return Schema({JsonType.ARRAY: Variant(JsonType.ARRAY, items=items)})


class EachCheck:
    """The check of one definition's tasks with `for_each`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def check_task(self, pointer: str, task: Mapping[str, Any], contract: TaskContract | None) -> None:
        """What goes with `for_each` and without it."""
        if task.get("for_each") is None:
            if task.get("max_concurrency") is not None:
                message = "This is for how many elements at once: say `for_each` which elements, or leave this out."
                self._findings.add(f"{pointer}/max_concurrency", "invalid_value", message)
            return
        if contract and contract.name in NOT_FOR_EACH:
            message = f"`{contract.name}` cannot be done for each element: {NOT_FOR_EACH[contract.name]}"
            self._findings.add(f"{pointer}/for_each", "invalid_for_each", message)
        if isinstance(task.get("fallback"), dict):
            message = (
                "A task with `for_each` has no fallback: nobody could say which of its elements have what. Let it fail "
                "with `on_error`, and use another task for what is missing."
            )
            self._findings.add(f"{pointer}/fallback", "invalid_fallback", message)

    def has_too_many(self, pointer: str, each: Any) -> bool:
        """Whether an array is written out that is too long; that is told, and nothing else of it is looked at."""
        if not isinstance(each, list) or len(each) <= MAX_ELEMENTS:
            return False
        message = f"A task is done for {MAX_ELEMENTS:,} elements at most: write out fewer, or use several tasks."
        self._findings.add(pointer, "too_many_elements", message, f"at most {MAX_ELEMENTS}", str(len(each)))
        return True

    def item_of(self, pointer: str, template: Template, fit: TemplateFit, schema_of: SchemaOf) -> Schema:
        """What each element of the array is that stands at `pointer`; what is no array is told."""
        if isinstance(template, Literal) and (meant := _meant_template(template.value)):
            message = f"This is text, not an array; did you mean `{{{{{shorten(meant)}}}}}`?"
            self._findings.add(pointer, "wrong_type", message, "array", describe_value(""))
            return ANYTHING
        fit.fit(template, ELEMENTS)
        if isinstance(template, Array):
            return _schema_of_elements(template, schema_of)
        if isinstance(template, Literal | Text | Object):
            return ANYTHING
        found = schema_of(template)
        array = found.variants.get(JsonType.ARRAY)
        if array and (most := array.bounds.get("maxItems", 0)) > MAX_ELEMENTS:
            message = (
                f"`{{{{{shorten(str(template))}}}}}` may have {most:,.0f} elements by its `schema`, and a task is done "
                f"for {MAX_ELEMENTS:,} at most: say a lower `maxItems`, or none, or hand on fewer by a task before."
            )
            self._findings.add(pointer, "too_many_elements", message, f"at most {MAX_ELEMENTS}", f"{most:.0f}")
        return step_into(found.but_null, 0) or ANYTHING


def _meant_template(value: object) -> str | None:
    """What a text would name if it stood between braces."""
    bare = value.strip("${} ") if isinstance(value, str) else ""
    return bare if read_bare(bare) else None


def _schema_of_elements(array: Array, schema_of: SchemaOf) -> Schema:
    """What each is of those that are written out."""
    return either(*[_schema_of(element, schema_of) for element in array.elements] or [ANYTHING])


def _schema_of(template: Template, schema_of: SchemaOf) -> Schema:
    """What one element of an array is that is written out."""
    match template:
        case Literal(value):
            kind = type_of(value)
            return _PLAIN[kind]
        case Text():
            return SCHEMAS[ValueType.STRING]
        case Object(members):
            fields = {name: _schema_of(member, schema_of) for name, member in members}
            known = Variant(JsonType.OBJECT, properties=fields, required=dict.fromkeys(fields))
            return Schema({JsonType.OBJECT: known})
        case Array():
            return array_of(_schema_of_elements(template, schema_of))
        case reference:
            found = schema_of(reference)
            if reference.default is None or found.is_anything:
                return found
            return either(found.but_null, _schema_of(reference.default, schema_of))
