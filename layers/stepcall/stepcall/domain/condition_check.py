"""Whether a task's condition can come to true or false."""

import re
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
from stepcall.domain.errors import Problem
from stepcall.domain.findings import Findings
from stepcall.domain.json_schema import ANYTHING, SCHEMAS, Schema, type_of
from stepcall.domain.parse_template import TemplateSyntaxError
from stepcall.domain.template import Array, Literal, Object, Reference, Template, Text, spell_place
from stepcall.domain.type_check import TemplateFit
from stepcall.domain.types import JsonType, ValueType

NUMBERS = frozenset({JsonType.NUMBER, JsonType.INTEGER})
TEXTS = frozenset({JsonType.STRING})
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
Kinds = frozenset[JsonType] | None
"""What a side may be; None for anything."""
Sides = tuple[Kinds, Kinds]
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
            case Comparison():
                self._check_comparison(condition)
            case Combination(_, parts):
                for part in parts:
                    self._check(part)

    def _check_comparison(self, compared: Comparison) -> None:
        for side, name in ((compared.left, "left"), (compared.right, "right")):
            self._fit.fit(side, ANYTHING, (compared.place, name))
        kinds = self._kinds(compared.left), self._kinds(compared.right)
        if compared.operator in ORDERINGS:
            if not _have_order(kinds):
                told = f"`{compared.operator}` compares two numbers or two texts: "
                self._findings.keep(_problem(self._pointer, compared, kinds, "type_mismatch", told))
        elif not _may_be_equal(kinds):
            told = (
                f"`{compared.operator}` is always {str(compared.operator == '!=').lower()}, as these are never equal: "
            )
            self._findings.warn(_problem(self._pointer, compared, kinds, "never_equal", told))

    def _kinds(self, template: Template) -> Kinds:
        match template:
            case Literal(value):
                return frozenset({type_of(value)})
            case Text():
                return TEXTS
            case Object():
                return frozenset({JsonType.OBJECT})
            case Array():
                return frozenset({JsonType.ARRAY})
            case reference:
                return self._kinds_of_reference(reference)

    def _kinds_of_reference(self, reference: Reference) -> Kinds:
        found = self._schema_of(reference)
        if reference.default is None or found.is_anything:
            return None if found.is_anything else frozenset(found.variants)
        return frozenset(found.variants) - {JsonType.NULL} | {type_of(reference.default.value)}


def _have_order(kinds: Sides) -> bool:
    """Whether both may be numbers, or both texts."""
    return any(all(kind is None or kind & ordered for kind in kinds) for ordered in (NUMBERS, TEXTS))


def _may_be_equal(kinds: Sides) -> bool:
    left, right = kinds
    if left is None or right is None or left & right:
        return True
    return bool(left & NUMBERS and right & NUMBERS)  # 3 is 3.0


def _problem(pointer: str, compared: Comparison, kinds: Sides, code: str, told: str) -> Problem:
    """Where a literal stands, when one side is one: that is what its author can change."""
    left, right = (" or ".join(kind.words for kind in sorted(side or ())) or "anything" for side in kinds)
    place, advice = compared.place, "."
    match compared:
        case Comparison(Literal(), _, Literal()):
            pass
        case Comparison(Literal(value), _, _):
            place, advice = (place, "left"), _advise(value, kinds[1])
        case Comparison(_, _, Literal(value)):
            place, advice = (place, "right"), _advise(value, kinds[0])
    return Problem(pointer + spell_place(place), code, f"{told}`left` is {left}, and `right` is {right}{advice}")


def _advise(literal: Any, other: Kinds) -> str:
    """What to write in place of a literal that is compared with a value of another kind."""
    if isinstance(literal, str):
        is_number = bool(NUMBER.fullmatch(literal)) and bool(other and other & NUMBERS)
        is_boolean = literal in {"true", "false"} and bool(other and JsonType.BOOLEAN in other)
        return ": write it without quotation marks." if is_number or is_boolean else "."
    is_text = literal is not None and bool(other and other & TEXTS)
    return ": write it as text, between quotation marks." if is_text else "."
