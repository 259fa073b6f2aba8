"""What a workflow declares of its inputs and outputs, as the schemas of one OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Any

from stepcall.domain.declared_value import DeclaredValue, InputParameter, OutputValue
from stepcall.domain.types import ValueType
from workflows_api.describe.answer_schemas import INPUT_DESCRIPTION, OUTPUT_DESCRIPTION
from workflows_api.describe.parts import Json

NULL: Json = {"type": "null"}
FILE_DESCRIPTION = "The address of a file."
ANNOTATIONS = ("title", "description", "default", "examples", "deprecated", "format")
SUBSCHEMAS = ("items", "additionalProperties")
NOT_TAKEN_OVER = ("$defs", "$schema", "properties", *SUBSCHEMAS, *ANNOTATIONS)


def given_inputs(inputs: Iterable[InputParameter]) -> Json:
    """What a call gives: what is required must be there, what is not may be null."""
    inputs = tuple(inputs)
    properties = {parameter.name: _given(parameter) for parameter in inputs}
    required = [parameter.name for parameter in inputs if parameter.must_be_given]
    return _object("The value of each input by name.", properties, required)


def bound_inputs(inputs: Iterable[InputParameter]) -> Json:
    """What an execution has been given: all of them."""
    properties = {parameter.name: _bound(parameter) for parameter in inputs}
    return _object(INPUT_DESCRIPTION, properties, list(properties))


def outputs(values: Iterable[OutputValue]) -> Json:
    """Null fits any output."""
    properties = {value.name: or_null(value_schema(value)) for value in values}
    return _object(OUTPUT_DESCRIPTION, properties, list(properties))


def value_schema(declared: DeclaredValue) -> Json:
    """What a declared value may be; a nested schema is written out, as its references lead nowhere elsewhere."""
    said = declared.json_schema if isinstance(declared.json_schema, dict) else {}
    is_file = declared.type is ValueType.FILE
    description = declared.description or (FILE_DESCRIPTION if is_file else None)
    return {
        **_written_out({"type": "string" if is_file else declared.type.value, **said}, said.get("$defs", {})),
        **({"description": description} if description else {}),
    }


def or_null(schema: Json) -> Json:
    """The schema, or null; what it says for people stays outside."""
    said = _annotations(schema)
    kept = {key: value for key, value in schema.items() if key not in said}
    return ({"type": [kept["type"], "null"]} if kept.keys() == {"type"} else {"anyOf": [kept, NULL]}) | said


def _bound(parameter: InputParameter) -> Json:
    """Null given for an input with a default means its default."""
    is_never_null = parameter.must_be_given or parameter.default is not None
    return value_schema(parameter) if is_never_null else or_null(value_schema(parameter))


def _given(parameter: InputParameter) -> Json:
    schema = value_schema(parameter)
    if parameter.must_be_given:
        return schema
    return or_null(schema) | ({"default": parameter.default} if parameter.has_default else {})


def _object(description: str, properties: Json, required: list[str]) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _written_out(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with its `$ref`s replaced: bounded, for none that was checked nests in itself or has many parts."""
    if not isinstance(schema, dict):
        return schema
    said = _annotations(schema)
    if "$ref" in schema:
        return _written_out(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions) | said
    if "anyOf" in schema:
        return {"anyOf": [_written_out(part, definitions) for part in schema["anyOf"]]} | said
    parts = {key: _written_out(schema[key], definitions) for key in SUBSCHEMAS if key in schema}
    properties = {name: _written_out(part, definitions) for name, part in schema.get("properties", {}).items()}
    if "array" in schema.get("type", ()):
        parts.setdefault("items", {})  # says nothing, and not every generator goes on without it
    kept = {key: value for key, value in schema.items() if key not in NOT_TAKEN_OVER}
    return {**kept, **parts, **({"properties": properties} if properties else {}), **said}


def _annotations(schema: Mapping[str, Any]) -> Json:
    return {key: schema[key] for key in ANNOTATIONS if key in schema}
