"""A call of a procedure: its arguments, each with its place, against the inputs that the workflow declares.

Source: contracts/carto.md, "Job status". Arguments are positional, in the order of the inputs; the values come from
the call itself or from its query parameters, by name or by position.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stepcall.domain.declared_value import InputParameter
from stepcall.domain.errors import InvalidParametersError, Problem, StepcallError, count, list_names, shorten
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.procedure import OUTPUT_INFIX, PREFIX, SCHEMA, SQL_TYPES, canonical
from stepcall.domain.template import escape_pointer
from stepcall.domain.types import ValueType
from stepcall.domain.workflow import WorkflowDefinition

HASH = "[0-9a-f]{16}"
PROCEDURE_NAME = rf"[A-Za-z0-9_-]{{1,64}}\.{SCHEMA}\.{PREFIX}{HASH}"
INT64 = range(-(2**63), 2**63)
OUTPUT_TABLE_NAME = rf"{PROCEDURE_NAME}{OUTPUT_INFIX}{HASH}"

ARRAY_NEEDED = " (queryParameters must be an array for ?)"
OBJECT_NEEDED = " (queryParameters must be an object for @name)"

QueryParameters = Mapping[str, Any] | Sequence[Any]


class Place(NamedTuple):
    """Where in a query: both from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"[{self.line}:{self.column}]"


class Argument(NamedTuple):
    """A literal's `value`; or the `parameter` it takes its value from, by name or, for `?`, by position from 0."""

    place: Place
    value: Any = None
    parameter: str | int | None = None


class Call(NamedTuple):
    """``CALL `procedure`(arguments)``."""

    procedure: str
    arguments: tuple[Argument, ...]
    start: Place
    """Of CALL."""
    end: Place
    """Of the closing parenthesis."""


class InvalidCallError(StepcallError):
    """The arguments do not fit the procedure; the message says why and, at its end, where: `… at [line:column]`."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"{message} at {place}")


def is_procedure_name(name: str) -> bool:
    """Whether a procedure can be called so; any other name is unknown without looking."""
    return re.fullmatch(PROCEDURE_NAME, name) is not None


def is_output_table(name: str) -> bool:
    return re.fullmatch(OUTPUT_TABLE_NAME, name) is not None


def bind_call(definition: WorkflowDefinition, call: Call, given: QueryParameters) -> dict[str, Any]:
    """The value of every declared input, after defaults. Raises InvalidCallError with the first thing wrong."""
    _check_count(definition, call)
    sent = _Sent(given)
    values = [sent.value_of(argument) for argument in call.arguments]
    sent.check_use(call)
    names = [parameter.name for parameter in definition.input]
    try:
        bound = bind_parameters(definition, dict(zip(names, values, strict=True)), "")
    except InvalidParametersError as exc:
        raise _refusal(exc.problems[0], definition, call.arguments) from exc
    return {
        declared.name: _settle(bound[declared.name], declared, argument)
        for declared, argument in zip(definition.input, call.arguments, strict=True)
    }


def _settle(value: Any, declared: InputParameter, argument: Argument) -> Any:
    """The one spelling of a value: equal calls share one execution. Raises InvalidCallError."""
    if declared.type is not ValueType.INTEGER or value is None:
        return canonical(value)
    if int(value) not in INT64:
        raise InvalidCallError(f"Cannot coerce {_expression(argument)} to type INT64", argument.place)
    return int(value)


def _check_count(definition: WorkflowDefinition, call: Call) -> None:
    wanted, got = len(definition.input), len(call.arguments)
    if wanted != got:
        place = call.arguments[wanted].place if got > wanted else call.end
        names = f" ({list_names(parameter.name for parameter in definition.input)})" if wanted else ""
        message = f"The procedure takes {count(wanted, 'argument')}{names} and is called with {got}"
        raise InvalidCallError(message, place)


class _Sent:
    """The query parameters. BigQuery does not tell apart names by case; we do where two differ by it alone."""

    def __init__(self, given: QueryParameters) -> None:
        self._is_object = isinstance(given, Mapping)
        self._by_name = given if isinstance(given, Mapping) else {}
        self._by_position = [] if isinstance(given, Mapping) else given
        self._keys: dict[str, str | None] = {}
        for key in self._by_name:
            self._keys[key.lower()] = None if key.lower() in self._keys else key

    def value_of(self, argument: Argument) -> Any:
        match argument.parameter:
            case None:
                return argument.value
            case int(position):
                if position >= len(self._by_position):
                    advice = ARRAY_NEEDED if self._is_object else ""
                    raise InvalidCallError(f"Query parameter number {position + 1} not found{advice}", argument.place)
                return self._by_position[position]
            case name:
                if (key := self._key_of(name)) is None:
                    advice = "" if self._is_object else OBJECT_NEEDED
                    raise InvalidCallError(f"Query parameter '{shorten(name)}' not found{advice}", argument.place)
                return self._by_name[key]

    def check_use(self, call: Call) -> None:
        """What is sent and never used is a misspelling, or one argument too few. Raises InvalidCallError."""
        taken = [argument.parameter for argument in call.arguments]
        if len(self._by_position) > (used := sum(isinstance(parameter, int) for parameter in taken)):
            raise InvalidCallError(f"Query parameter number {used + 1} is never used", call.end)
        used_keys = {self._key_of(name) for name in taken if isinstance(name, str)}
        for key in self._by_name:
            if key not in used_keys:
                raise InvalidCallError(f"Query parameter '{shorten(key)}' is never used", call.end)

    def _key_of(self, name: str) -> str | None:
        return name if name in self._by_name else self._keys.get(name.lower())


def _refusal(problem: Problem, definition: WorkflowDefinition, arguments: Sequence[Argument]) -> InvalidCallError:
    """What `bind_parameters` says in BigQuery's words. Its locations are JSON Pointers that begin with the input."""
    for declared, argument in zip(definition.input, arguments, strict=True):
        own = f"/{escape_pointer(declared.name)}"
        if problem.location == own or problem.location.startswith(f"{own}/"):
            return InvalidCallError(_message(problem, declared, argument, own), argument.place)
    raise AssertionError(f"{problem.code} of no input")


def _message(problem: Problem, declared: InputParameter, argument: Argument, own: str) -> str:
    if problem.code == "wrong_type" and problem.got == "null":
        return f"Argument '{declared.name}' must not be NULL, for it has no default"
    if problem.code == "wrong_type" and problem.location == own:
        return f"Cannot coerce {_expression(argument)} to type {SQL_TYPES[declared.type]}"
    inside = shorten(problem.location.removeprefix(own)) or "/"
    return f"Argument '{declared.name}' does not fit its schema at `{inside}`: {problem.message}"


def _expression(argument: Argument) -> str:
    match argument.parameter:
        case None:
            return "literal"  # what a caller has sent is not repeated
        case int(position):
            return f"query parameter number {position + 1}"
        case name:
            return f"expression @{shorten(name)}"
