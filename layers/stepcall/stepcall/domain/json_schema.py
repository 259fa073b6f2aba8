"""What a value can be, as far as it is known before a run: the part of JSON Schema that task types and workflows use.

A schema has at most one variant per JSON type, each with that type's own limits, so that two schemas are compared in
the time of reading the smaller. Source: JSON Schema 2020-12; what is not understood is refused, never ignored.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from stepcall.domain.errors import shorten
from stepcall.domain.types import JsonType, ValueType

MAX_SCHEMA_DEPTH = 32
MAX_SCHEMA_PARTS = 500
"""Of all schemas of a definition, `$ref` written out. What compares them has this much to look at, and no more."""


MAX_LISTED = 16
MAX_SPELLED_BITS = 256
NUMERIC = frozenset({JsonType.INTEGER, JsonType.NUMBER})


class Listed:
    """The values that an `enum` or a `const` lists: found in the time of reading the one that is looked for."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._by_key = {key_of(value): value for value in values}

    def __contains__(self, value: Any) -> bool:
        return key_of(value) in self._by_key

    def __le__(self, other: "Listed") -> bool:
        return self._by_key.keys() <= other._by_key.keys()

    @cached_property
    def words(self) -> str:
        """What a value must be, for a person."""
        return "one of " + ", ".join(f"`{_spell(value)}`" for value in islice(self._by_key.values(), MAX_LISTED))


def key_of(value: Any) -> Any:
    """Equal for what JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    match value:
        case bool() | None:
            return (type(value), value)
        case list():
            return (list, tuple(map(key_of, value)))
        case dict():
            return (dict, frozenset((name, key_of(member)) for name, member in value.items()))
        case _:
            return value


def _spell(value: Any) -> str:
    """A value of a schema as a message shows it."""
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case dict() | list():
            return "{…}" if isinstance(value, dict) else "[…]"
        case int() if value.bit_length() > MAX_SPELLED_BITS:
            return "a very large integer"
        case _:
            return shorten(str(value))


@dataclass(frozen=True, eq=False)
class Variant:
    """One JSON type with its limits."""

    type: JsonType
    enum: "Listed | None" = None
    is_silent: bool = False
    """Whether descriptions leave it out."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """`minimum`, `maxLength`, … by their JSON Schema names."""
    properties: "Mapping[str, Schema]" = field(default_factory=dict)
    required: Mapping[str, None] = field(default_factory=dict)
    additional: "Schema | None" = None
    """What properties that are not named may hold; None when there may be none."""
    items: "Schema | None" = None
    """What an array holds."""

    @cached_property
    def words(self) -> str:
        """What it is, for a person."""
        if self.enum is not None:
            return self.enum.words
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
    def but_null(self) -> "Schema":
        """The same where null is replaced; anything, where it can be nothing else."""
        return Schema({kind: variant for kind, variant in self.variants.items() if kind is not JsonType.NULL})

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

    @cached_property
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
_TYPE_OF: Mapping[type, JsonType] = MappingProxyType(
    {
        str: JsonType.STRING,
        bool: JsonType.BOOLEAN,
        int: JsonType.INTEGER,
        dict: JsonType.OBJECT,
        list: JsonType.ARRAY,
        type(None): JsonType.NULL,
    }
)


def type_of(value: Any) -> JsonType:
    """The narrowest JSON type of a value: 3.0 is an integer."""
    if isinstance(value, float):
        return JsonType.INTEGER if value.is_integer() else JsonType.NUMBER
    return _TYPE_OF.get(type(value)) or next(name for kind, name in _TYPE_OF.items() if isinstance(value, kind))


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
    is_certain = len(schema.variants) == 1 and (isinstance(step, int) or step in variant.required)
    return member if is_certain else member.or_null


def is_undeclared(schema: Schema, name: str) -> bool:
    """Whether an object names some properties, not this one, and allows any other."""
    variant = schema.variants.get(JsonType.OBJECT)
    if variant is None or not variant.properties or name in variant.properties:
        return False
    return variant.additional is not None and variant.additional.is_anything


class Misfit(NamedTuple):
    """Why a value of one schema may not fit another."""

    words: str
    is_null: bool = False
    """Whether it is the value itself that may be null, and that is all."""


def misfit(source: Schema, target: Schema) -> Misfit | None:
    """Why a value of `source` may not fit `target`; None when all do, or when that cannot be known before the run."""
    words = _type_misfit(source, target, "it")
    if words is None and _null_misfit(source, target):
        return Misfit("it may be null", is_null=True)
    return Misfit(words) if words else None


def _misfit(source: Schema, target: Schema, subject: str) -> str | None:
    words = _type_misfit(source, target, subject)
    return f"{subject} may be null" if words is None and _null_misfit(source, target) else words


def _null_misfit(source: Schema, target: Schema) -> bool:
    return source.may_be_null and not target.may_be_null and not target.is_anything


def _type_misfit(source: Schema, target: Schema, subject: str) -> str | None:
    if source.is_anything or target.is_anything:
        return None
    typed = (variant for variant in source.variants.values() if variant.type is not JsonType.NULL)
    return next(filter(None, (_variant_misfit(variant, target, subject) for variant in typed)), None)


def _variant_misfit(source: Variant, target: Schema, subject: str) -> str | None:
    wanted = target.variant_for(source.type)
    if wanted is None:
        return f"{subject} is {source.words}"
    if source.enum is not None and wanted.enum is not None:
        return None if source.enum <= wanted.enum else f"{subject} is {source.words}"
    if source.type is JsonType.ARRAY:
        return _misfit(source.items or ANYTHING, wanted.items or ANYTHING, f"an element of {subject}")
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
        elif reason := _misfit(member, wanted, f"`{shorten(name)}` of {subject}"):
            yield reason
    yield from _other_misfits(source, target, subject)


def _other_misfits(source: Variant, target: Variant, subject: str) -> Iterator[str]:
    """What does not fit of properties that the source does not name, when something is known of them."""
    if source.additional is None or source.additional.is_anything:
        return
    if target.additional is None:
        yield f"{subject} may have fields that are not taken here"
    elif reason := _misfit(source.additional, target.additional, f"a field of {subject}"):
        yield reason
    for name, wanted in target.properties.items():
        if name not in source.properties and (
            reason := _misfit(source.additional, wanted, f"`{shorten(name)}` of {subject}")
        ):
            yield reason


def bound_broken(value: Any, variant: Variant) -> str | None:
    """What a value of the variant's type would have to be, in words, when it is over a bound."""
    for keyword, limit in variant.bounds.items():
        bound = BOUNDS[keyword]
        if not bound.holds(bound.measure(value), limit):
            return bound.words.format(_spell(limit))
    return None
