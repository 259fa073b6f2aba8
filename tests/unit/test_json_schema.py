"""What values can be: reading schemas, stepping into them, comparing them."""

from collections.abc import Callable
from typing import Any

import pytest

from stepcall.domain.json_schema import (
    ANYTHING,
    SCHEMAS,
    Schema,
    misfit,
    step_into,
)
from stepcall.domain.schema_reader import MAX_SCHEMA_DEPTH, MAX_SCHEMA_PARTS, InvalidSchemaError, SchemaReader
from stepcall.domain.types import JsonType, ValueType
from stepcall.tasks.catalog import CATALOG
from tests.unit.counted_calls import count_calls

POINT = {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}, "required": ["x"]}


def read(document: Any) -> Schema:
    return SchemaReader().read(document)


def array_of(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


@pytest.mark.parametrize(
    ("document", "spelled"),
    [
        ({}, "anything"),
        ({"description": "d", "title": "t", "examples": [1], "format": "date"}, "anything"),
        ({"type": "string"}, "string"),
        ({"type": ["integer", "null"]}, "integer or null"),
        ({"enum": ["a", 1, None]}, "string or integer or null"),
        ({"const": True}, "boolean"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, "string or null"),
        ({"anyOf": [{"type": "string"}, {}]}, "anything"),
        (array_of({"type": "string"}), "array of string"),
        (array_of(True), "array"),
        (POINT, "object"),
        ({"$ref": "#/$defs/p", "$defs": {"p": array_of({"$ref": "#/$defs/q"}), "q": POINT}}, "array of object"),
    ],
)
def test_a_schema_reads_as_what_it_says(document: Any, spelled: str) -> None:
    assert str(read(document)) == spelled


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("string", ()),
        (False, ()),
        ({"type": "text"}, ("type",)),
        ({"type": []}, ("type",)),
        ({"type": ["string", 5]}, ("type",)),
        ({"type": {}}, ("type",)),
        ({"oneOf": []}, ("oneOf",)),
        ({"pattern": "(a+)+$", "type": "string"}, ("pattern",)),
        ({"anyOf": []}, ("anyOf",)),
        ({"anyOf": {}}, ("anyOf",)),
        ({"anyOf": [POINT, POINT]}, ("anyOf", "1")),
        ({"enum": "a"}, ("enum",)),
        ({"enum": []}, ("enum",)),
        ({"type": "integer", "minimum": "1"}, ("minimum",)),
        ({"type": "integer", "minimum": True}, ("minimum",)),
        ({"type": "string", "minLength": -1}, ("minLength",)),
        ({"type": "array", "maxItems": 1.5}, ("maxItems",)),
        ({"maxItems": "1"}, ("maxItems",)),
        ({"description": 5}, ("description",)),
        ({"title": []}, ("title",)),
        ({"format": None}, ("format",)),
        ({"$schema": 3}, ("$schema",)),
        ({"examples": "x"}, ("examples",)),
        ({"deprecated": "no"}, ("deprecated",)),
        ({"type": "object", "properties": []}, ("properties",)),
        ({"type": "object", "properties": {"a": {"tpye": "string"}}}, ("properties", "a", "tpye")),
        ({"type": "object", "required": "a"}, ("required",)),
        ({"type": "object", "required": [1]}, ("required",)),
        ({"type": "object", "additionalProperties": 5}, ("additionalProperties",)),
        (array_of([POINT]), ("items",)),
        ({"$ref": "#/definitions/a"}, ("$ref",)),
        ({"$ref": "https://example.com/schema"}, ("$ref",)),
        ({"$ref": 5}, ("$ref",)),
        ({"$defs": [], "type": "string"}, ("$defs",)),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "x"}}}, ("$defs", "a", "type")),
    ],
)
def test_what_is_not_understood_is_refused_at_its_place(document: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSchemaError) as refused:
        read(document)
    [fault] = refused.value.faults
    assert fault.path == path
    assert fault.message.endswith(".")


def test_everything_wrong_with_a_schema_is_told_at_once() -> None:
    part = {"type": "string", "pattern": "a", "required": True, "properties": {}, "minLength": 3, "maxLength": 2}
    document = {
        "type": "object",
        "properties": {"a": part, "b": {"type": "int"}, "c": {"$ref": "#/$defs/u", "minimum": 1}, "d": "string"},
        "oneOf": [],
        "$defs": {"u": {"enum": [1], "type": "string"}, "unused": {"nullable": True}},
    }
    with pytest.raises(InvalidSchemaError) as refused:
        read(document)
    assert {"/".join(fault.path) for fault in refused.value.faults} == {
        "oneOf",
        "properties/a/pattern",
        "properties/a/required",
        "properties/a/properties",
        "properties/a/maxLength",
        "properties/b/type",
        "properties/c/minimum",
        "properties/d",
        "$defs/u/enum",
        "$defs/unused/nullable",
    }


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth):
        document = array_of(document)
    return document


def doubling(levels: int) -> dict[str, Any]:
    """Each definition names the next one twice: 2 ** levels parts when it is written out."""
    definitions = {
        f"d{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "lr"}}
        for n in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": definitions | {f"d{levels}": {}}}


BOMBS: dict[str, Callable[[], Any]] = {
    "too deep": lambda: nested(MAX_SCHEMA_DEPTH + 1),
    "a thousand deep": lambda: nested(1000),
    "too many": lambda: {"type": "object", "properties": {f"p{n}": {} for n in range(MAX_SCHEMA_PARTS)}},
    "doubling": lambda: doubling(30),
    "in itself": lambda: {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "in itself, twice": lambda: {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "object", "properties": {side: {"$ref": "#/$defs/a"} for side in "lr"}}},
    },
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_schema_too_large_is_refused_with_little_work(name: str) -> None:
    def refuse() -> None:
        with pytest.raises(InvalidSchemaError, match="at most"):
            read(BOMBS[name]())

    assert count_calls(refuse) < 60_000


def test_the_largest_schema_is_read() -> None:
    assert str(read(nested(MAX_SCHEMA_DEPTH))).startswith("array of array of")
    largest = read({"type": "object", "additionalProperties": False, "properties": {f"p{n}": {} for n in range(499)}})
    assert len(largest.variants[JsonType.OBJECT].properties) == 499


def test_schemas_of_one_definition_share_their_parts() -> None:
    reader = SchemaReader()
    for _ in range(MAX_SCHEMA_PARTS // 2):
        reader.read(array_of({}))
    with pytest.raises(InvalidSchemaError):
        reader.read({})


@pytest.mark.parametrize(
    ("value_type", "document", "spelled"),
    [
        (ValueType.ARRAY, {"items": POINT}, "array of object"),
        (ValueType.OBJECT, POINT, "object"),
        (ValueType.FILE, None, "string"),
        (ValueType.INTEGER, None, "integer"),
    ],
)
def test_a_declared_type_and_its_schema_are_one(value_type: ValueType, document: Any, spelled: str) -> None:
    assert str(SchemaReader().read_declared(value_type, document)) == spelled


@pytest.mark.parametrize(
    ("value_type", "document"),
    [
        (ValueType.STRING, {"type": "string"}),
        (ValueType.OBJECT, {"type": "array"}),
        (ValueType.OBJECT, {"type": ["object", "null"]}),
        (ValueType.OBJECT, {"anyOf": [POINT, {"type": "null"}]}),
        (ValueType.OBJECT, "object"),
        (ValueType.ARRAY, True),
    ],
)
def test_a_schema_of_another_type_than_the_declared_one_is_refused(value_type: ValueType, document: Any) -> None:
    with pytest.raises(InvalidSchemaError):
        SchemaReader().read_declared(value_type, document)


@pytest.mark.parametrize(
    ("document", "step", "spelled"),
    [
        ({}, "x", "anything"),
        ({}, 0, "anything"),
        (POINT, "x", "number"),
        (POINT, "y", "number or null"),
        (POINT, "z", "anything"),
        (POINT | {"additionalProperties": False}, "z", None),
        (POINT | {"additionalProperties": {"type": "string"}}, "z", "string or null"),
        (POINT, 0, None),
        (array_of(POINT), 0, "object"),
        (array_of(POINT), "x", None),
        ({"type": "array"}, 7, "anything"),
        ({"type": "string"}, "length", None),
        ({"anyOf": [POINT, {"type": "null"}]}, "x", "number or null"),
    ],
)
def test_a_step_leads_to_what_lies_there(document: Any, step: str | int, spelled: str | None) -> None:
    found = step_into(read(document), step)
    assert (None if found is None else str(found)) == spelled


FITS: list[tuple[Any, Any]] = [
    ({}, {"type": "string"}),
    ({"type": "string"}, {}),
    ({"type": "integer"}, {"type": "number"}),
    ({"type": "integer"}, {"type": ["string", "number"]}),
    ({"type": ["integer", "null"]}, {"type": ["null", "number"]}),
    ({"type": "string"}, {"type": "string", "maxLength": 5}),  # known when the run has the value
    ({"type": "string"}, {"enum": ["a"]}),
    ({"enum": ["a"]}, {"enum": ["b", "a"]}),
    ({"enum": ["a", 1]}, {"type": ["string", "number"]}),
    (POINT, {"type": "object"}),
    ({"type": "object"}, POINT),  # nothing is known of its fields
    (POINT, {"type": "object", "properties": {"x": {"type": ["number", "string"]}}}),
    (POINT | {"required": ["x", "y"]}, POINT),
    (array_of({"type": "integer"}), array_of({"type": "number"})),
    ({"type": "array"}, array_of({"type": "number"})),
]
MISFITS: list[tuple[Any, Any, str]] = [
    ({"type": "number"}, {"type": "integer"}, "it is a number"),
    ({"type": "integer"}, {"type": "string"}, "it is an integer"),
    ({"type": "boolean"}, {"type": "number"}, "it is true or false"),
    ({"type": "string"}, {"type": ["integer", "null"]}, "it is text"),
    ({"type": ["string", "null"]}, {"type": "string"}, "it may be null"),
    ({"type": ["null", "integer"]}, {"type": "string"}, "it is an integer"),
    ({"enum": ["a", "c"]}, {"enum": ["a", "b"]}, "it is one of `a`, `c`"),
    ({"enum": [True]}, {"enum": [1, False]}, "it is one of `true`"),
    (array_of({"type": "string"}), array_of({"type": "number"}), "an element of it is text"),
    (array_of({"type": ["string", "null"]}), array_of({"type": "string"}), "an element of it may be null"),
    (POINT, POINT | {"required": ["x", "y"]}, "`y` of it may be missing"),
    (POINT | {"additionalProperties": False}, {"type": "object", "required": ["z"]}, "it has no `z`"),
    (POINT, {"type": "object", "properties": {"x": {"type": "string"}}}, "`x` of it is a number"),
    (
        POINT,
        {"type": "object", "properties": {"x": {}}, "additionalProperties": False},
        "it has `y`, which is not taken here",
    ),
    (POINT, {"type": "object", "additionalProperties": {"type": "string"}}, "`x` of it is a number"),
]


@pytest.mark.parametrize(("source", "target"), FITS)
def test_what_may_always_be_given_fits(source: Any, target: Any) -> None:
    assert misfit(read(source), read(target)) is None


@pytest.mark.parametrize(("source", "target", "reason"), MISFITS)
def test_what_may_be_of_another_kind_does_not_fit(source: Any, target: Any, reason: str) -> None:
    found = misfit(read(source), read(target))
    assert found
    assert (found.words, found.is_null) == (reason, reason == "it may be null")


def test_null_is_taken_silently_where_nobody_should_be_told_to_give_it() -> None:
    text = read({"type": "string"})
    assert (str(text.or_null), str(text.or_silent_null), text.or_silent_null.words) == (
        "string or null",
        "string",
        "text",
    )
    assert misfit(text.or_null, text.or_silent_null) is None
    assert ANYTHING.or_null is ANYTHING.or_silent_null is ANYTHING


def test_every_task_types_models_are_understood() -> None:
    for contract in CATALOG.values():
        for schema, model in (
            (contract.input_schema, contract.input_model),
            (contract.output_schema, contract.output_model),
        ):
            variant = schema.variants[JsonType.OBJECT]
            assert list(variant.properties) == list(model.model_fields)
            assert variant.additional is None
    text = CATALOG["Web.ExtractText"].output_schema.variants[JsonType.OBJECT]
    assert list(text.required) == ["text", "title", "language"]


def test_every_declared_type_has_a_schema() -> None:
    assert {value_type: str(schema) for value_type, schema in SCHEMAS.items()} == {
        ValueType.STRING: "string",
        ValueType.NUMBER: "number",
        ValueType.INTEGER: "integer",
        ValueType.BOOLEAN: "boolean",
        ValueType.OBJECT: "object",
        ValueType.ARRAY: "array",
        ValueType.FILE: "string",
    }
