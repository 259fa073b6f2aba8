"""The types that a workflow's inputs and outputs are declared with, and what a JSON value must be to be of one.

Values are never converted: `"5"` is no number and `1` is no boolean.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import islice
from types import MappingProxyType
from typing import Any

from stepcall.domain.errors import shorten

MAX_DESCRIBED = 8
"""Fields of an object that a message names."""


class JsonType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    NULL = "null"

    @property
    def words(self) -> str:
        """What a value of the type is, for a person."""
        return _WORDS[self]


_WORDS: Mapping[JsonType, str] = MappingProxyType(
    {
        JsonType.STRING: "text",
        JsonType.INTEGER: "an integer",
        JsonType.NUMBER: "a number",
        JsonType.BOOLEAN: "true or false",
        JsonType.OBJECT: "an object",
        JsonType.ARRAY: "an array",
        JsonType.NULL: "null",
    }
)


class ValueType(StrEnum):
    """The types of the native face; the faces with other words for them translate."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    FILE = "file"

    @classmethod
    def _missing_(cls, value: object) -> "ValueType | None":
        return cls.STRING if value == "text" else None


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    # JSON Schema's integer: 3.0 is one, as in every client that has only one kind of number
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TESTS: Mapping[ValueType, Callable[[Any], bool]] = {
    ValueType.STRING: lambda value: isinstance(value, str),
    ValueType.NUMBER: _is_number,
    ValueType.INTEGER: _is_integer,
    ValueType.BOOLEAN: lambda value: isinstance(value, bool),
    ValueType.OBJECT: lambda value: isinstance(value, dict),
    ValueType.ARRAY: lambda value: isinstance(value, list),
    ValueType.FILE: lambda value: isinstance(value, str),  # a file travels as its address
}


def is_of_type(value: Any, value_type: ValueType) -> bool:
    """Whether a JSON value is of the type, without conversion."""
    return _TESTS[value_type](value)


def describe_value(value: Any) -> str:
    """What kind of JSON value this is, for a person; never the value itself."""
    return next((describe(value) for kind, describe in _DESCRIPTIONS if isinstance(value, kind)), "null")


def _describe_object(value: dict[str, Any]) -> str:
    named = [f"`{shorten(key)}`" for key in islice(value, MAX_DESCRIBED)] + ["…"] * (len(value) > MAX_DESCRIBED)
    return f"an object with {', '.join(named) or 'no fields'}"


# the first that fits: a boolean is an integer, too
_DESCRIPTIONS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda _: "a boolean"),
    (int, lambda _: "a number"),
    (float, lambda value: "a number" if math.isfinite(value) else "a number that is not finite"),
    (str, lambda _: "text"),
    (list, lambda value: f"an array of {len(value)}"),
    (dict, _describe_object),
)
