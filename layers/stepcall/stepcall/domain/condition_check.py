"""Whether a task's condition can come to true or false."""

from collections.abc import Callable
from typing import Any

from stepcall.domain.condition import (
    ORDERINGS,
    Combination,
    Comparison,
    Condition,
    ConditionSyntaxError,
    Truth,
    parse_condition,
)
from stepcall.domain.findings import Findings
from stepcall.domain.json_schema import ANYTHING, SCHEMAS, Schema, type_of
from stepcall.domain.parse_template import TemplateSyntaxError
from stepcall.domain.template import Array, Literal, Object, Reference, Template, Text, spell_place
from stepcall.domain.type_check import TemplateFit
from stepcall.domain.types import JsonType, ValueType

NUMBERS = frozenset({JsonType.NUMBER, JsonType.INTEGER})
TEXTS = frozenset({JsonType.STRING})
SchemaOf = Callable[[Reference], Schema]


class ConditionCheck:
    """The check of one condition: `fit` fits templates that stand at `pointer`."""

    def __init__(self, pointer: str, fit: TemplateFit, schema_of: SchemaOf, findings: Findings) -> None:
        self._pointer = pointer
        self._fit = fit
        self._schema_of = schema_of
        self._findings = findings

    def check(self, value: Any) -> Condition:
        """What could be read of it."""
        condition = parse_condition(value, self._tell)
        self._check(condition)
        return condition

    def _tell(self, fault: TemplateSyntaxError) -> None:
        code = "invalid_condition" if isinstance(fault, ConditionSyntaxError) else "bad_template"
        self._findings.add(self._pointer + spell_place(fault.place), code, fault.message)

    def _check(self, condition: Condition) -> None:
        match condition:
            case Truth(template, place):
                self._fit.fit(template, SCHEMAS[ValueType.BOOLEAN], place)
            case Comparison(left, operator, right, place):
                for side, name in ((left, "left"), (right, "right")):
                    self._fit.fit(side, ANYTHING, (place, name))
                if operator in ORDERINGS and not self._have_order(left, right):
                    message = f"`{operator}` compares two numbers or two texts, and these are neither."
                    self._findings.add(self._pointer + spell_place(place), "type_mismatch", message)
            case Combination(_, parts):
                for part in parts:
                    self._check(part)

    def _have_order(self, left: Template, right: Template) -> bool:
        """Whether both may be numbers, or both texts."""
        kinds = self._kinds(left), self._kinds(right)
        return any(all(kind is None or kind & ordered for kind in kinds) for ordered in (NUMBERS, TEXTS))

    def _kinds(self, template: Template) -> frozenset[JsonType] | None:
        """What it may be; None for anything."""
        match template:
            case Literal(value):
                return frozenset({type_of(value)})
            case Text():
                return TEXTS
            case Object() | Array():
                return frozenset()
            case reference:
                found = self._schema_of(reference)
                return None if found.is_anything else frozenset(found.variants)
