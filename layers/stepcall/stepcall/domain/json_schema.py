"""What a value can be, as far as it is known before a run: the part of JSON Schema that task types and workflows use.

A schema has at most one variant per JSON type, each with that type's own limits, so that two schemas are compared in
the time of reading the smaller. Source: JSON Schema 2020-12; what is not understood is refused, never ignored.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from stepcall.domain.errors import StepcallError, shorten
from stepcall.domain.types import JsonType, ValueType, describe_value, is_of_type

MAX_SCHEMA_DEPTH = 32
MAX_SCHEMA_PARTS = 500
"""Of all schemas of a definition, `$ref` written out. What compares them has this much to look at, and no more."""


MAY_BE_NULL = "may be null"
NUMERIC = frozenset({JsonType.INTEGER, JsonType.NUMBER})


class UnsupportedSchemaError(StepcallError):
    """The document is not in the part of JSON Schema that is understood. `path` leads to the place."""

    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


@dataclass(frozen=True, eq=False)
class Variant:
    """One JSON type with its limits."""

    type: JsonType
    enum: tuple[Any, ...] | None = None
    is_silent: bool = False
    """Whether descriptions leave it out."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """`minimum`, `maxLength`, … by their JSON Schema names."""
    properties: "Mapping[str, Schema]" = field(default_factory=dict)
    required: tuple[str, ...] = ()
    additional: "Schema | None" = None
    """What properties that are not named may hold; None when there may be none."""
    items: "Schema | None" = None
    """What an array holds."""

    @property
    def words(self) -> str:
        """What it is, for a person."""
        if self.enum is not None:
            return "one of " + ", ".join(f"`{shorten(str(value))}`" for value in self.enum[:16])
        if self.items and not self.items.is_anything:
            return f"an array, each element {self.items.words}"
        return self.type.words

    def __str__(self) -> str:
        if self.items and not self.items.is_anything:
            return f"array of {self.items}"
        return self.type.value


@dataclass(frozen=True, eq=False)
class Schema:
    """What a value may be. Without variants nothing is known of it: it may be anything. Compared by identity."""

    variants: Mapping[JsonType, Variant] = field(default_factory=dict)

    @property
    def is_anything(self) -> bool:
        return not self.variants

    @property
    def may_be_null(self) -> bool:
        return JsonType.NULL in self.variants

    @cached_property
    def or_null(self) -> "Schema":
        if self.is_anything or self.may_be_null:
            return self
        return Schema({**self.variants, JsonType.NULL: Variant(JsonType.NULL)})

    @cached_property
    def or_silent_null(self) -> "Schema":
        """Null is taken, too, and nobody is told to give it."""
        if self.is_anything or self.may_be_null:
            return self
        return Schema({**self.variants, JsonType.NULL: Variant(JsonType.NULL, is_silent=True)})

    def variant_for(self, json_type: JsonType) -> Variant | None:
        """The variant that a value of the type is of; an integer is a number, too."""
        found = self.variants.get(json_type)
        return self.variants.get(JsonType.NUMBER) if found is None and json_type is JsonType.INTEGER else found

    @property
    def words(self) -> str:
        """What it is, for a person."""
        return " or ".join(variant.words for variant in self.variants.values() if not variant.is_silent) or "anything"

    def __str__(self) -> str:
        return " or ".join(str(variant) for variant in self.variants.values() if not variant.is_silent) or "anything"


ANYTHING = Schema()


def _schema_of(json_type: JsonType) -> Schema:
    return Schema({json_type: Variant(json_type, additional=ANYTHING, items=ANYTHING)})


# a file travels as its address
SCHEMAS: Mapping[ValueType, Schema] = MappingProxyType(
    {
        value_type: _schema_of(JsonType.STRING if value_type is ValueType.FILE else JsonType(value_type.value))
        for value_type in ValueType
    }
)
"""What a declared type says by itself."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A keyword that limits values of some types: how a value is measured, and how the limit is said."""

    types: frozenset[JsonType]
    measure: Callable[[Any], float]
    holds: Callable[[float, float], bool]
    words: str


def _at_least(got: float, limit: float) -> bool:
    return got >= limit


def _at_most(got: float, limit: float) -> bool:
    return got <= limit


_TEXT, _ARRAY = frozenset({JsonType.STRING}), frozenset({JsonType.ARRAY})
BOUNDS: Mapping[str, Bound] = MappingProxyType(
    {
        "minimum": Bound(NUMERIC, lambda value: value, _at_least, "at least {}"),
        "maximum": Bound(NUMERIC, lambda value: value, _at_most, "at most {}"),
        "exclusiveMinimum": Bound(NUMERIC, lambda value: value, lambda got, limit: got > limit, "greater than {}"),
        "exclusiveMaximum": Bound(NUMERIC, lambda value: value, lambda got, limit: got < limit, "less than {}"),
        "minLength": Bound(_TEXT, len, _at_least, "text of at least {} characters"),
        "maxLength": Bound(_TEXT, len, _at_most, "text of at most {} characters"),
        "minItems": Bound(_ARRAY, len, _at_least, "an array of at least {} elements"),
        "maxItems": Bound(_ARRAY, len, _at_most, "an array of at most {} elements"),
    }
)
ANNOTATION_TYPES: Mapping[str, ValueType] = MappingProxyType(
    {
        "title": ValueType.STRING,
        "description": ValueType.STRING,
        "format": ValueType.STRING,
        "$schema": ValueType.STRING,
        "examples": ValueType.ARRAY,
        "deprecated": ValueType.BOOLEAN,
    }
)
ANNOTATIONS = frozenset({*ANNOTATION_TYPES, "default", "$defs"})
"""Keywords that say nothing of what a value may be."""
KEYWORDS = (
    frozenset({"type", "enum", "const", "anyOf", "$ref", "properties", "required", "additionalProperties", "items"})
    | frozenset(BOUNDS)
    | ANNOTATIONS
)


class SchemaReader:
    """Reads the schemas of one definition: together they have at most 500 parts."""

    def __init__(self) -> None:
        self._parts_left = MAX_SCHEMA_PARTS
        self._definitions: Mapping[str, Any] = {}

    def read(self, document: Any) -> Schema:
        """A schema from JSON Schema. Raises UnsupportedSchemaError where it says what is not understood."""
        self._definitions = _object(_object(document, ()).get("$defs", {}), ("$defs",))
        return self._read(document, (), 0)

    def read_declared(self, value_type: ValueType, document: Any) -> Schema:
        """What a declared type and its `schema`, None without one, say together. Raises UnsupportedSchemaError."""
        if document is None:
            return SCHEMAS[value_type]
        if value_type not in {ValueType.OBJECT, ValueType.ARRAY}:
            raise UnsupportedSchemaError((), "Only a value of type object or array takes a `schema`.")
        read = self.read({"type": value_type.value, **_object(document, ())})
        if set(read.variants) != {JsonType(value_type.value)}:
            raise UnsupportedSchemaError((), f"This must be a schema of type {value_type}, which is the declared one.")
        return read

    def _read(self, document: Any, path: tuple[str, ...], depth: int) -> Schema:
        self._count_part(path, depth)
        if document is True:
            return ANYTHING
        _check_keywords(_object(document, path), path)
        if "$ref" in document:
            return self._read_reference(document["$ref"], path, depth)
        if "anyOf" in document:
            return self._read_alternatives(document["anyOf"], (*path, "anyOf"), depth)
        types = _types_of(document, path)
        return Schema({name: self._read_variant(name, document, path, depth) for name in types})

    def _count_part(self, path: tuple[str, ...], depth: int) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            message = f"The schemas of a definition have at most {MAX_SCHEMA_PARTS} parts together, `$ref` written out."
            raise UnsupportedSchemaError(path, message)
        if depth > MAX_SCHEMA_DEPTH:
            raise UnsupportedSchemaError(
                path, f"Schemas nest at most {MAX_SCHEMA_DEPTH} deep, and never in themselves."
            )

    def _read_reference(self, reference: Any, path: tuple[str, ...], depth: int) -> Schema:
        name = str(reference).removeprefix("#/$defs/")
        if reference != f"#/$defs/{name}" or name not in self._definitions:
            raise UnsupportedSchemaError((*path, "$ref"), "This must be `#/$defs/NAME`, of the same schema's `$defs`.")
        return self._read(self._definitions[name], ("$defs", name), depth + 1)

    def _read_alternatives(self, parts: Any, path: tuple[str, ...], depth: int) -> Schema:
        if not isinstance(parts, list) or not parts:
            raise UnsupportedSchemaError(path, "This must be an array of schemas.")
        variants: dict[JsonType, Variant] = {}
        for index, part in enumerate(parts):
            read = self._read(part, (*path, str(index)), depth + 1)
            if read.is_anything:
                return ANYTHING
            if twice := variants.keys() & read.variants.keys():
                message = f"Alternatives must be of different types; {min(twice)} is there twice."
                raise UnsupportedSchemaError((*path, str(index)), message)
            variants |= read.variants
        return Schema(variants)

    def _read_variant(self, name: JsonType, document: Mapping[str, Any], path: tuple[str, ...], depth: int) -> Variant:
        enum, bounds = _read_enum(name, document, path), _read_bounds(name, document)
        if name is JsonType.ARRAY:
            items = self._read(document.get("items", True), (*path, "items"), depth + 1)
            return Variant(name, enum, bounds=bounds, items=items)
        if name is JsonType.OBJECT:
            properties = self._read_properties(document, path, depth)
            additional = self._read_additional(document, path, depth)
            required = _read_required(document, path)
            return Variant(name, enum, bounds=bounds, properties=properties, required=required, additional=additional)
        return Variant(name, enum, bounds=bounds)

    def _read_properties(self, document: Mapping[str, Any], path: tuple[str, ...], depth: int) -> dict[str, Schema]:
        path = (*path, "properties")
        members = _object(document.get("properties", {}), path)
        return {name: self._read(member, (*path, name), depth + 1) for name, member in members.items()}

    def _read_additional(self, document: Mapping[str, Any], path: tuple[str, ...], depth: int) -> Schema | None:
        additional = document.get("additionalProperties", True)
        return None if additional is False else self._read(additional, (*path, "additionalProperties"), depth + 1)


def _object(value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnsupportedSchemaError(path, f"This must be an object, not {describe_value(value)}.")
    return value


def _check_keywords(document: Mapping[str, Any], path: tuple[str, ...]) -> None:
    for keyword in document:
        if keyword not in KEYWORDS:
            known = ", ".join(sorted(KEYWORDS - ANNOTATIONS))
            message = f"The keyword `{shorten(keyword)}` is not understood; these are: {known}."
            raise UnsupportedSchemaError((*path, keyword), message)
        if keyword in BOUNDS:
            _check_bound(keyword, document[keyword], path)
        wanted = ANNOTATION_TYPES.get(keyword)
        if wanted and not is_of_type(document[keyword], wanted):
            raise UnsupportedSchemaError((*path, keyword), f"This must be {JsonType(wanted.value).words}.")


def _check_bound(keyword: str, limit: Any, path: tuple[str, ...]) -> None:
    if not is_of_type(limit, ValueType.NUMBER):
        raise UnsupportedSchemaError((*path, keyword), "This must be a number.")
    counts = not BOUNDS[keyword].types & NUMERIC
    if counts and (limit < 0 or not is_of_type(limit, ValueType.INTEGER)):
        raise UnsupportedSchemaError((*path, keyword), "This must be an integer from 0 on.")


def _types_of(document: Mapping[str, Any], path: tuple[str, ...]) -> tuple[JsonType, ...]:
    """The types that a schema names, else those of the values that it lists; none when it may be anything."""
    if "type" not in document:
        return tuple(dict.fromkeys(type_of(value) for value in _values_of(document, path) or ()))
    declared = document["type"]
    names = declared if isinstance(declared, list) else [declared]
    known = {member.value for member in JsonType}
    if not names or not all(isinstance(name, str) and name in known for name in names):
        raise UnsupportedSchemaError((*path, "type"), f"This must be one of {', '.join(sorted(known))}, or several.")
    return tuple(dict.fromkeys(JsonType(name) for name in names))


def _values_of(document: Mapping[str, Any], path: tuple[str, ...]) -> list[Any] | None:
    if "const" in document:
        return [document["const"]]
    values = document.get("enum")
    if "enum" in document and (not isinstance(values, list) or not values):
        raise UnsupportedSchemaError((*path, "enum"), "This must be an array of the values that are allowed.")
    return values


def _read_enum(name: JsonType, document: Mapping[str, Any], path: tuple[str, ...]) -> tuple[Any, ...] | None:
    values = _values_of(document, path)
    return None if values is None else tuple(value for value in values if _is_of(value, name))


def _read_bounds(name: JsonType, document: Mapping[str, Any]) -> dict[str, float]:
    return {
        keyword: document[keyword] for keyword, bound in BOUNDS.items() if keyword in document and name in bound.types
    }


def _read_required(document: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...]:
    names = document.get("required", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnsupportedSchemaError((*path, "required"), "This must be an array of names.")
    return tuple(dict.fromkeys(names))


def type_of(value: Any) -> JsonType:
    """The narrowest JSON type of a value."""
    return next(name for name in JsonType if _is_of(value, name))


def _is_of(value: Any, name: JsonType) -> bool:
    return value is None if name is JsonType.NULL else is_of_type(value, ValueType(name.value))


def step_into(schema: Schema, step: str | int) -> Schema | None:
    """What lies one step deeper; None when nothing can. Where a step may lead nowhere, null lies there too."""
    if schema.is_anything:
        return ANYTHING
    variant = schema.variants.get(JsonType.ARRAY if isinstance(step, int) else JsonType.OBJECT)
    if variant is None:
        return None
    member = variant.items if isinstance(step, int) else variant.properties.get(step, variant.additional)
    if member is None:
        return None
    is_certain = len(schema.variants) == 1 and (isinstance(step, int) or _is_there(variant, step))
    return member if is_certain else member.or_null


def _is_there(variant: Variant, name: str) -> bool:
    """Whether an object has the property, or nobody has said which it has."""
    return name in variant.required or name not in variant.properties


def misfit(source: Schema, target: Schema, subject: str = "it") -> str | None:
    """Why a value of `source` may not fit `target`; None when all do, or when that cannot be known before the run."""
    if source.is_anything or target.is_anything:
        return None
    for variant in source.variants.values():
        if variant.type is not JsonType.NULL and (reason := _variant_misfit(variant, target, subject)):
            return reason
    return f"{subject} {MAY_BE_NULL}" if source.may_be_null and not target.may_be_null else None


def _variant_misfit(source: Variant, target: Schema, subject: str) -> str | None:
    wanted = target.variant_for(source.type)
    if wanted is None:
        return f"{subject} is {source.words}"
    if source.enum is not None and wanted.enum is not None:
        return None if all(_is_among(value, wanted.enum) for value in source.enum) else f"{subject} is {source.words}"
    if source.type is JsonType.ARRAY:
        return misfit(source.items or ANYTHING, wanted.items or ANYTHING, f"an element of {subject}")
    return next(_member_misfits(source, wanted, subject), None) if source.type is JsonType.OBJECT else None


def _member_misfits(source: Variant, target: Variant, subject: str) -> Iterator[str]:
    for name in target.required:
        if name not in source.required and name in source.properties:
            yield f"`{shorten(name)}` of {subject} may be missing"
        if name not in source.properties and source.additional is None:
            yield f"{subject} has no `{shorten(name)}`"
    for name, member in source.properties.items():
        wanted = target.properties.get(name, target.additional)
        if wanted is None:
            yield f"{subject} has `{shorten(name)}`, which is not taken here"
        elif reason := misfit(member, wanted, f"`{shorten(name)}` of {subject}"):
            yield reason


def _is_among(value: Any, values: tuple[Any, ...]) -> bool:
    """Python's `in` takes true for 1."""
    return any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in values)


def limit_broken(value: Any, variant: Variant) -> str | None:
    """What a value of the variant's type would have to be, in words, when it is not that."""
    if variant.enum is not None and not _is_among(value, variant.enum):
        return variant.words
    for keyword, limit in variant.bounds.items():
        bound = BOUNDS[keyword]
        if not bound.holds(bound.measure(value), limit):
            return bound.words.format(f"{limit:,}" if isinstance(limit, int) else f"{limit:g}")
    return None
