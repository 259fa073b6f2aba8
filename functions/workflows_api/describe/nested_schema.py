"""The schema of the `schema` of an input or output: the part of JSON Schema that is understood, keyword by keyword."""

from stepcall.domain.json_schema import BOUNDS
from stepcall.domain.schema_reader import ANNOTATIONS, KEYWORDS
from stepcall.domain.types import JsonType
from workflows_api.describe.parts import Json, ref

TYPE: Json = {"type": "string", "enum": [name.value for name in JsonType]}
SCHEMA = ref("ValueSchema")
PART: Json = {"anyOf": [SCHEMA, {"const": True}]}
STRUCTURE: Json = {
    "type": {"anyOf": [TYPE, {"type": "array", "items": TYPE, "minItems": 1}]},
    "enum": {"type": "array", "items": {}, "minItems": 1},
    "const": {},
    "anyOf": {"type": "array", "items": PART, "minItems": 1, "description": "Alternatives of different types."},
    "$ref": {"type": "string", "pattern": r"^#/\$defs/", "description": "One of the `$defs` of this schema."},
    "properties": {"type": "object", "additionalProperties": PART},
    "required": {"type": "array", "items": {"type": "string"}},
    "additionalProperties": {"anyOf": [SCHEMA, {"type": "boolean"}]},
    "items": PART,
}


def value_schema_component() -> Json:
    """`ValueSchema`. What only describes is taken as it is."""
    said: Json = {keyword: {} for keyword in ANNOTATIONS}
    bounds: Json = {keyword: {"type": "number"} for keyword in BOUNDS}
    known = {**STRUCTURE, **bounds, **said, "$defs": {"type": "object"}}
    return {
        "type": "object",
        "description": "JSON Schema of an object or an array.",
        "properties": {keyword: known[keyword] for keyword in sorted(KEYWORDS)},
        "additionalProperties": False,
    }
