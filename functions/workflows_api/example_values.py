"""A value for each input of a workflow, so that an example of a call runs as it stands, or nearly so."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.declared_value import InputParameter
from stepcall.domain.types import ValueType

MAX_DEPTH = 8
BY_TYPE: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}
ADDRESS = "https://example.com/file.txt"


def example_of(declared: InputParameter) -> Any:
    """Its default, else a value that its schema allows; null where that will do."""
    if declared.has_default:
        return declared.default
    if not declared.required:
        return None
    if declared.type is ValueType.FILE:
        return ADDRESS
    schema = declared.json_schema if isinstance(declared.json_schema, dict) else {}
    return _value_of({"type": declared.type.value, **schema}, MAX_DEPTH)


def _value_of(schema: Any, depth: int) -> Any:
    """What JSON Schema says first; bounds and patterns are left to who pastes it."""
    if not isinstance(schema, dict) or not depth:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return _object_of(schema, depth)
    if kind == "array":
        return [_value_of(schema.get("items", {}), depth - 1)] * max(1, schema.get("minItems", 1))
    return schema.get("minimum", BY_TYPE.get(kind, "text"))


def _object_of(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = schema.get("required") or list(properties)
    return {name: _value_of(properties.get(name, {}), depth - 1) for name in names}
