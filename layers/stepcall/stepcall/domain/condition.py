"""When a task is done: a template that is true or false, or a comparison of two values.

`"{{input.wanted}}"`, `{"left": "{{refs.count.output.result}}", "operator": ">", "right": 0}`, and of these
`{"all": […]}`, `{"any": […]}`, `{"not": …}`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any, TypeAlias

from stepcall.domain.errors import StepcallError, shorten
from stepcall.domain.parse_template import TemplateSyntaxError, parse
from stepcall.domain.render_template import Scope, render
from stepcall.domain.template import Literal, Place, Template, Text
from stepcall.domain.types import describe_value

EQUALITIES = ("==", "!=")
ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType({"<": lt, "<=": le, ">": gt, ">=": ge})
OPERATORS = (*EQUALITIES, *ORDERINGS)
WORDS = ("all", "any", "not")
OTHERS_WORDS: Mapping[str, str] = MappingProxyType(
    {"and": "all", "allOf": "all", "&&": "all", "or": "any", "anyOf": "any", "||": "any", "!": "not"}
)
"""What others call ours."""
COMPARED = ("left", "operator", "right")
MAX_DEPTH = 16
MAX_PARTS = 100
FORMS = (
    'Write a template that is true or false, such as "{{input.wanted}}", or '
    '{"left": …, "operator": "==", "right": …}, or {"all": […]}, {"any": […]}, {"not": …} of these.'
)


class ConditionSyntaxError(TemplateSyntaxError):
    """What stands there is no condition."""


class ConditionError(StepcallError):
    """A condition that came to neither true nor false."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A template alone, that is true or false."""

    template: Template
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Template
    operator: str
    right: Template
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Combination:
    """`all` or `any` of its parts, or `not` its one part."""

    word: str
    parts: "tuple[Condition, ...]"


Condition: TypeAlias = Truth | Comparison | Combination


def parse_condition(value: Any, on_fault: Callable[[TemplateSyntaxError], None] | None = None) -> Condition:
    """Read a condition. Raises TemplateSyntaxError at what is none; `on_fault` is told of each fault instead, and what
    could not be read counts as true."""
    return _Reader(on_fault or _raise).read(value, (), 0)


def _raise(fault: TemplateSyntaxError) -> None:
    raise fault


class _Reader:
    def __init__(self, on_fault: Callable[[TemplateSyntaxError], None]) -> None:
        self._on_fault = on_fault
        self._parts = 0

    def read(self, value: Any, place: Place, depth: int) -> Condition:
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS:
            return self._refuse(
                f"A condition has at most {MAX_PARTS} parts, which nest at most {MAX_DEPTH} deep.", place
            )
        if isinstance(value, bool | str):
            return self._read_truth(value, place)
        if isinstance(value, dict) and len(value) == 1 and (word := next(iter(value))) in WORDS:
            return self._read_combination(word, value[word], (place, word), depth)
        if isinstance(value, dict) and value.keys() == set(COMPARED):
            return self._read_comparison(value, place)
        return self._refuse(f"This is no condition{_guess_meant(value)} {FORMS}", place)

    def _read_truth(self, value: bool | str, place: Place) -> Condition:
        template = self._parse(value, place)
        if isinstance(template, Text) or (isinstance(template, Literal) and isinstance(template.value, str)):
            return self._refuse(f"This is text, which is neither true nor false. {FORMS}", place)
        return Truth(template, place)

    def _read_combination(self, word: str, inner: Any, place: Place, depth: int) -> Condition:
        if word == "not":
            return Combination(word, (self.read(inner, place, depth + 1),))
        if not isinstance(inner, list) or not inner:
            return self._refuse(f"`{word}` takes an array of conditions, one at least.", place)
        parts = enumerate(inner)
        return Combination(word, tuple(self.read(part, (place, index), depth + 1) for index, part in parts))

    def _read_comparison(self, value: Mapping[str, Any], place: Place) -> Condition:
        if value["operator"] not in OPERATORS:
            meant = "; did you mean `==`?" if value["operator"] in ("=", "===") else "."
            return self._refuse(f"The operator is one of {', '.join(OPERATORS)}{meant}", (place, "operator"))
        left, right = self._parse(value["left"], (place, "left")), self._parse(value["right"], (place, "right"))
        return Comparison(left, value["operator"], right, place)

    def _parse(self, value: Any, place: Place) -> Template:
        return parse(
            value, lambda fault: self._on_fault(TemplateSyntaxError(fault.message, _below(place, fault.place)))
        )

    def _refuse(self, message: str, place: Place) -> Condition:
        self._on_fault(ConditionSyntaxError(message, place))
        return Truth(Literal(value=True), place)


def _guess_meant(value: Any) -> str:
    """What the author of something else may have meant, else a full stop."""
    if not isinstance(value, dict):
        return "."
    if len(value) == 1 and (word := OTHERS_WORDS.get(next(iter(value)))):
        return f"; did you mean `{word}`?"
    missing, unknown = [name for name in COMPARED if name not in value], value.keys() - set(COMPARED)
    if not missing or len(missing) == len(COMPARED):
        return "."
    if len(missing) == 1 and len(unknown) == 1:
        return f": it has no `{missing[0]}`; did you mean that by `{shorten(*unknown)}`?"
    return f": `{missing[0]}` is missing."


def _below(place: Place, inner: Place) -> Place:
    """A place below a place."""
    return (_below(place, inner[0]), inner[1]) if inner else place


def templates_of(condition: Condition) -> Iterator[Template]:
    """Everything in it that may name something."""
    match condition:
        case Truth(template):
            yield template
        case Comparison(left, _, right):
            yield from (left, right)
        case Combination(_, parts):
            for part in parts:
                yield from templates_of(part)


def holds(condition: Condition, scope: Scope) -> bool:
    """Whether it is true. Raises RenderError where a reference leads nowhere, ConditionError for what is no answer."""
    match condition:
        case Truth(template):
            value = render(template, scope)
            if not isinstance(value, bool):
                raise ConditionError(f"The condition must be true or false, not {describe_value(value)}.")
            return value
        case Comparison(left, operator, right):
            return _compare(render(left, scope), operator, render(right, scope))
        case Combination("not", (part,)):
            return not holds(part, scope)
        case Combination(word, parts):
            return (all if word == "all" else any)(holds(part, scope) for part in parts)


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator in EQUALITIES:
        # in Python true is 1; in JSON it is not
        is_equal = left == right and isinstance(left, bool) == isinstance(right, bool)
        return is_equal == (operator == "==")
    if not (_are_numbers(left, right) or (isinstance(left, str) and isinstance(right, str))):
        raise ConditionError(
            f"`{operator}` compares two numbers or two texts, not {describe_value(left)} and {describe_value(right)}."
        )
    return ORDERINGS[operator](left, right)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
