"""From a JSON Schema document to what it says; all that is not understood is told, and nothing is ignored.

Source: JSON Schema 2020-12. Keywords that would say nothing of the value, as `properties` of text, are refused, too:
their author meant something.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from stepcall.domain.errors import MAX_PROBLEMS, StepcallError, shorten
from stepcall.domain.json_schema import (
    ANYTHING,
    BOUNDS,
    NUMERIC,
    SCHEMAS,
    Listed,
    Schema,
    Variant,
    type_of,
)
from stepcall.domain.json_text import write_json
from stepcall.domain.types import JsonType, ValueType, describe_value, is_of_type

MAX_SCHEMA_DEPTH = 32
MAX_SCHEMA_PARTS = 500
"""Of all schemas of a definition, `$ref` written out. What compares them has this much to look at, and no more."""
MAX_SCHEMA_TEXT = 256 * 1024
"""Characters of what the parts say besides, as descriptions and listed values, `$ref` written out."""

Path = tuple[str, ...]


class SchemaFault(NamedTuple):
    """What is wrong with a schema, and the keys that lead to the place."""

    path: Path
    message: str


class InvalidSchemaError(StepcallError):
    """The document is no JSON Schema, or says what is not understood."""

    def __init__(self, faults: list[SchemaFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults[:3]))
        self.faults = faults


class _EnoughFaultsError(Exception):
    """The schema is too large, or has so many faults that looking for more only costs time."""


def _is_array(value: Any) -> str | None:
    return None if isinstance(value, list) and value else "This must be an array, and not an empty one."


def _is_object(value: Any) -> str | None:
    return None if isinstance(value, dict) else f"This must be an object, not {describe_value(value)}."


def _is_types(value: Any) -> str | None:
    names = value if isinstance(value, list) else [value]
    known = [member.value for member in JsonType]
    if names and all(isinstance(name, str) and name in known for name in names):
        return None
    return f"This must be one of {', '.join(f'`{name}`' for name in known)}, or an array of them."


def _is_names(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return None
    if isinstance(value, bool):
        return "This must be an array of names; which properties must be there says the object around them."
    return "This must be an array of names."


def _is_number(value: Any) -> str | None:
    return None if is_of_type(value, ValueType.NUMBER) else f"This must be a number, not {describe_value(value)}."


def _is_count(value: Any) -> str | None:
    return None if is_of_type(value, ValueType.INTEGER) and value >= 0 else "This must be an integer from 0 on."


def _is_anything(_: Any) -> str | None:
    return None


def _is_of(value_type: ValueType) -> Callable[[Any], str | None]:
    words = JsonType(value_type.value).words
    return lambda value: (
        None if is_of_type(value, value_type) else f"This must be {words}, not {describe_value(value)}."
    )


_IS_TEXT, _OBJECT, _ARRAY = _is_of(ValueType.STRING), frozenset({JsonType.OBJECT}), frozenset({JsonType.ARRAY})
ANNOTATIONS: Mapping[str, Callable[[Any], str | None]] = MappingProxyType(
    {
        "title": _IS_TEXT,
        "description": _IS_TEXT,
        "format": _IS_TEXT,
        "$schema": _IS_TEXT,
        "examples": _is_of(ValueType.ARRAY),
        "deprecated": _is_of(ValueType.BOOLEAN),
        "default": _is_anything,
        "$defs": _is_object,
    }
)
"""Keywords that say nothing of what a value may be, and what they must be."""
KEYWORDS: Mapping[str, Callable[[Any], str | None]] = MappingProxyType(
    {
        "type": _is_types,
        "enum": _is_array,
        "const": _is_anything,
        "anyOf": _is_array,
        "$ref": _IS_TEXT,
        "properties": _is_object,
        "required": _is_names,
        "additionalProperties": _is_anything,
        "items": _is_anything,
        **{keyword: _is_number if bound.types <= NUMERIC else _is_count for keyword, bound in BOUNDS.items()},
        **ANNOTATIONS,
    }
)
"""All that is understood; of what must be a schema itself, the reading of that says what is wrong."""
LIMITS: Mapping[str, frozenset[JsonType]] = MappingProxyType(
    {
        "properties": _OBJECT,
        "required": _OBJECT,
        "additionalProperties": _OBJECT,
        "items": _ARRAY,
        **{keyword: bound.types for keyword, bound in BOUNDS.items()},
    }
)
"""The types that a keyword says something of."""
SUBSCHEMAS = frozenset({"properties", "items", "additionalProperties", "anyOf", "$defs"})
PAIRS = (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"))
INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "oneOf": "write `anyOf`",
        "nullable": 'write `"type": [..., "null"]`',
        "definitions": "write `$defs`",
        "$id": "leave it out",
        "pattern": "leave it out; nobody's expression can keep the service busy",
    }
)


class SchemaReader:
    """Reads the schemas of one definition: together they have at most 500 parts."""

    def __init__(self) -> None:
        self._parts_left = MAX_SCHEMA_PARTS
        self._text_left = MAX_SCHEMA_TEXT
        self._definitions: Mapping[str, Any] = {}
        self._faults: dict[SchemaFault, None] = {}

    def read(self, document: Any) -> Schema:
        """A schema from JSON Schema. Raises InvalidSchemaError with everything that is wrong."""
        definitions = document.get("$defs") if isinstance(document, dict) else None
        self._definitions = definitions if isinstance(definitions, dict) else {}
        self._faults = {}
        try:
            schema = self._read(document, (), 0)
            for name, definition in self._definitions.items():
                self._read(definition, ("$defs", name), 1)
        except _EnoughFaultsError:
            schema = ANYTHING
        if self._faults:
            raise InvalidSchemaError([*self._faults])
        return schema

    def read_declared(self, value_type: ValueType, document: Any) -> Schema:
        """What a declared type and its `schema`, None without one, say together. Raises InvalidSchemaError."""
        if document is None:
            return SCHEMAS[value_type]
        if value_type not in {ValueType.OBJECT, ValueType.ARRAY}:
            raise InvalidSchemaError([SchemaFault((), "Only a value of type object or array takes a `schema`.")])
        if isinstance(document, dict) and not {"type", "$ref", "anyOf"} & document.keys():
            document = {"type": value_type.value, **document}
        read = self.read(document)
        if set(read.variants) != {JsonType(value_type.value)}:
            message = f"This must be a schema of type {value_type}, which is the declared one."
            raise InvalidSchemaError([SchemaFault((), message)])
        return read

    def _tell(self, path: Path, message: str) -> None:
        self._faults[SchemaFault(path, message)] = None
        if len(self._faults) >= MAX_PROBLEMS:
            raise _EnoughFaultsError

    def _read(self, document: Any, path: Path, depth: int) -> Schema:
        self._count_part(path, depth)
        if document is True:
            return ANYTHING
        if fault := _is_object(document):
            self._tell(path, fault)
            return ANYTHING
        self._count_text(document, path)
        sound = {keyword: value for keyword, value in document.items() if self._is_sound(keyword, value, path)}
        for keyword in ("$ref", "anyOf"):
            self._check_alone(keyword, sound, path)
        if "$ref" in sound:
            return self._read_reference(sound["$ref"], path, depth)
        if "anyOf" in sound:
            return self._read_alternatives(sound["anyOf"], (*path, "anyOf"), depth)
        types = self._read_types(sound, path)
        self._check_company(types, sound, path)
        return Schema({name: self._read_variant(name, sound, path, depth) for name in types})

    def _count_part(self, path: Path, depth: int) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            message = f"The schemas of a definition have at most {MAX_SCHEMA_PARTS} parts together, `$ref` written out."
            self._tell(path, message)
            raise _EnoughFaultsError
        if depth > MAX_SCHEMA_DEPTH:
            self._tell(path, f"Schemas nest at most {MAX_SCHEMA_DEPTH} deep, and never in themselves.")
            raise _EnoughFaultsError

    def _count_text(self, document: Mapping[str, Any], path: Path) -> None:
        said = {keyword: value for keyword, value in document.items() if keyword not in SUBSCHEMAS}
        self._text_left -= len(write_json(said)) if len(said) > 1 else 0  # a lone `type` is counted as a part
        if self._text_left < 0:
            message = f"All schemas of a definition say at most {MAX_SCHEMA_TEXT} characters, `$ref` written out."
            self._tell(path, message)
            raise _EnoughFaultsError

    def _is_sound(self, keyword: str, value: Any, path: Path) -> bool:
        fault = KEYWORDS[keyword](value) if keyword in KEYWORDS else _refuse_keyword(keyword)
        if keyword == "$defs" and path:
            fault = "`$defs` stands at the top of the schema."
        if fault:
            self._tell((*path, keyword), fault)
        return not fault

    def _check_alone(self, keyword: str, document: Mapping[str, Any], path: Path) -> None:
        if keyword in document:
            for beside in document.keys() - ANNOTATIONS.keys() - {keyword}:
                self._tell((*path, beside), f"`{beside}` cannot stand beside `{keyword}`; write it inside.")

    def _read_types(self, document: Mapping[str, Any], path: Path) -> tuple[JsonType, ...]:
        """The types that a schema names, else those of the values that it lists; none when it may be anything."""
        if "enum" in document and "const" in document:
            self._tell((*path, "const"), "Write `const` or `enum`, not both.")
        if "type" in document:
            names = document["type"] if isinstance(document["type"], list) else [document["type"]]
            return tuple(dict.fromkeys(JsonType(name) for name in names))
        return tuple(dict.fromkeys(type_of(value) for value in _values_of(document) or ()))

    def _check_company(self, types: tuple[JsonType, ...], document: Mapping[str, Any], path: Path) -> None:
        """Each keyword must say something of a type that the value may have."""
        for keyword in document.keys() & LIMITS.keys():
            if not types:
                message = (
                    f"Write the `type` beside `{keyword}`: without one it limits some types and allows all others."
                )
                self._tell((*path, keyword), message)
            elif not any(name in LIMITS[keyword] for name in types):
                wanted = " and ".join(sorted(LIMITS[keyword]))
                self._tell(
                    (*path, keyword), f"`{keyword}` says something of {wanted}, and this is {' or '.join(types)}."
                )
        values = _values_of(document)
        if types and values is not None and not any(_fits(value, name) for value in values for name in types):
            self._tell((*path, "const" if "const" in document else "enum"), "None of these is of the type.")
        for low, high in PAIRS:
            if low in document and high in document and document[low] > document[high]:
                self._tell((*path, high), f"This is less than `{low}`: no value is both.")

    def _read_reference(self, reference: str, path: Path, depth: int) -> Schema:
        name = reference.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        if not reference.startswith("#/$defs/") or name not in self._definitions:
            self._tell((*path, "$ref"), "This must be `#/$defs/NAME`, of the same schema's `$defs`.")
            return ANYTHING
        return self._read(self._definitions[name], ("$defs", name), depth + 1)

    def _read_alternatives(self, parts: list[Any], path: Path, depth: int) -> Schema:
        variants: dict[JsonType, Variant] = {}
        read = [self._read(part, (*path, str(index)), depth + 1) for index, part in enumerate(parts)]
        for index, schema in enumerate(read):
            if twice := variants.keys() & schema.variants.keys():
                message = f"Alternatives must be of different types; {min(twice)} is there twice."
                self._tell((*path, str(index)), message)
            variants |= schema.variants
        return ANYTHING if any(schema.is_anything for schema in read) else Schema(variants)

    def _read_variant(self, name: JsonType, document: Mapping[str, Any], path: Path, depth: int) -> Variant:
        values = _values_of(document)
        enum = None if values is None else Listed(value for value in values if _fits(value, name))
        bounds = {key: document[key] for key, bound in BOUNDS.items() if key in document and name in bound.types}
        if name is JsonType.ARRAY:
            items = self._read(document.get("items", True), (*path, "items"), depth + 1)
            return Variant(name, enum, bounds=bounds, items=items)
        if name is JsonType.OBJECT:
            required = dict.fromkeys(document.get("required", ()))
            properties = self._read_properties(document, path, depth)
            additional = self._read_additional(document, path, depth)
            return Variant(name, enum, bounds=bounds, properties=properties, required=required, additional=additional)
        return Variant(name, enum, bounds=bounds)

    def _read_properties(self, document: Mapping[str, Any], path: Path, depth: int) -> dict[str, Schema]:
        members = document.get("properties", {})
        return {name: self._read(member, (*path, "properties", name), depth + 1) for name, member in members.items()}

    def _read_additional(self, document: Mapping[str, Any], path: Path, depth: int) -> Schema | None:
        additional = document.get("additionalProperties", True)
        return None if additional is False else self._read(additional, (*path, "additionalProperties"), depth + 1)


def _refuse_keyword(keyword: str) -> str:
    if keyword in INSTEAD:
        return f"The keyword `{keyword}` is not understood: {INSTEAD[keyword]}."
    return (
        f"The keyword `{shorten(keyword)}` is not understood; these are: {', '.join(sorted(KEYWORDS))}. If it is a "
        "field of an object, it stands in `properties`."
    )


def _values_of(document: Mapping[str, Any]) -> list[Any] | None:
    return [document["const"]] if "const" in document else document.get("enum")


def _fits(value: Any, name: JsonType) -> bool:
    found = type_of(value)
    return found is name or (found is JsonType.INTEGER and name is JsonType.NUMBER)
