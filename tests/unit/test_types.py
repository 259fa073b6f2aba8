"""What is of which type, without conversion."""

from typing import Any

import pytest

from stepcall.domain.errors import list_names
from stepcall.domain.types import ValueType, describe_value, is_of_type

VALUES: dict[str, Any] = {
    "text": "text",
    "empty text": "",
    "number as text": "5",
    "one": 1,
    "zero": 0,
    "whole float": 3.0,
    "half": 0.5,
    "large": 10**400,
    "small": -(10**400),
    "infinite": float("inf"),
    "not a number": float("nan"),
    "true": True,
    "false": False,
    "null": None,
    "array": [1],
    "no elements": [],
    "object": {"a": 1},
    "no fields": {},
}
WHOLE = {"one", "zero", "whole float", "large", "small"}
TEXT = {"text", "empty text", "number as text"}
OF_TYPE = {
    ValueType.STRING: TEXT,
    ValueType.FILE: TEXT,
    ValueType.NUMBER: WHOLE | {"half"},
    ValueType.INTEGER: WHOLE,
    ValueType.BOOLEAN: {"true", "false"},
    ValueType.ARRAY: {"array", "no elements"},
    ValueType.OBJECT: {"object", "no fields"},
}


@pytest.mark.parametrize("value_type", ValueType)
def test_a_value_is_of_a_type_as_it_is_or_not_at_all(value_type: ValueType) -> None:
    assert {name for name, value in VALUES.items() if is_of_type(value, value_type)} == OF_TYPE[value_type]


def test_text_is_another_word_for_string() -> None:
    assert ValueType("text") is ValueType.STRING
    assert str(ValueType("text")) == "string"


@pytest.mark.parametrize("word", ["", "String", "str", "null", "int", "texts", None, 5, ["string"]])
def test_other_words_are_no_types(word: Any) -> None:
    with pytest.raises(ValueError, match="not a valid ValueType"):
        ValueType(word)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("secret", "text"),
        (True, "a boolean"),
        (5, "a number"),
        (10**400, "a number"),
        (0.5, "a number"),
        (float("nan"), "a number that is not finite"),
        (None, "null"),
        ([1, 2], "an array of 2"),
        ({}, "an object with no fields"),
        ({"a": "secret", "b": 1}, "an object with `a`, `b`"),
        ({"k" * 100: 1}, f"an object with `{'k' * 63}…`"),
    ],
)
def test_a_value_is_described_without_repeating_it(value: Any, words: str) -> None:
    assert describe_value(value) == words


def test_a_large_object_is_described_by_its_first_fields() -> None:
    assert describe_value({f"field{n}": n for n in range(1000)}).count("`") == 2 * 8


def test_a_list_of_fields_shows_that_there_are_more() -> None:
    assert describe_value(dict.fromkeys("abcdefgh")).endswith("`g`, `h`")
    assert describe_value(dict.fromkeys("abcdefghi")).endswith("`g`, `h`, …")
    assert list_names(map(str, range(64))).endswith(", 63")
    assert list_names(map(str, range(65))).endswith(", 63, …")
