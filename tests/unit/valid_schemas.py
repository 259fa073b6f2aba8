"""Hypothesis strategies for JSON Schemas, for values that are valid by them, and for schemas beside another.

A second opinion on `domain/json_schema.py`: nothing of it is used here. A schema is a plain dict without `$ref`;
`spellings` writes one as an author might.
"""

from typing import Any

from hypothesis import strategies as st

JsonSchema = dict[str, Any]
ANYTHING: JsonSchema = {}
NULL: JsonSchema = {"type": "null"}
SCALAR_TYPES = ("string", "integer", "number", "boolean")
# braces: what comes from a run is copied and never parsed; "ß" and "é" have more bytes than characters
TEXT = st.text(alphabet='ab{} ß\u00e9"\\', min_size=1, max_size=12)
INTEGERS = st.integers(-9, 9) | st.sampled_from([2**53 + 1, -(10**30)])
NUMBERS = st.sampled_from([0.5, -1.25, 1e21]) | INTEGERS
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "integer": INTEGERS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "null": st.none(),
}
JSON = st.recursive(
    st.one_of(*SCALARS.values()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
SCALAR_WITNESSES: dict[str, list[Any]] = {
    "string": ["s"],
    "integer": [3],
    "number": [1.5, 3],
    "boolean": [True],
    "null": [None],
}
ENUMS: dict[str, tuple[Any, ...]] = {"string": ("calm", "bold", "{{", "é"), "integer": (0, 1, 7, -(10**30))}
PROPERTY_NAMES = ("a", "b", "html_content", "_x", "no path/~", "ünd")


def is_nullable(schema: JsonSchema) -> bool:
    return NULL in schema.get("anyOf", ())


def or_null(schema: JsonSchema) -> JsonSchema:
    return schema if is_nullable(schema) or not schema else {"anyOf": [schema, NULL]}


def without_null(schema: JsonSchema) -> JsonSchema:
    return next(part for part in schema["anyOf"] if part != NULL) if is_nullable(schema) else schema


def object_of(
    properties: dict[str, JsonSchema], required: list[str], additional: bool | JsonSchema = False
) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": additional}


@st.composite
def schemas(draw: st.DrawFn, types: tuple[str, ...] = (*SCALAR_TYPES, "object", "array"), depth: int = 2) -> JsonSchema:
    """Of one of these types; below, objects are closed, so that all that is in a value is known."""
    flat = tuple(kind for kind in types if kind in SCALAR_TYPES)
    kind = draw(st.sampled_from(types if depth or not flat else flat))
    if kind == "object":
        names = draw(st.lists(st.sampled_from(PROPERTY_NAMES), unique=True, max_size=3)) if depth else []
        properties = {name: draw(_members(depth)) for name in names}
        return object_of(properties, [name for name in names if draw(st.booleans())])
    if kind == "array":
        least = {"minItems": draw(st.integers(0, 2))} if draw(st.booleans()) else {}
        return {"type": "array", "items": draw(_members(depth)) if depth else {"type": "string"}} | least
    if kind in ENUMS and draw(st.integers(0, 3)) == 0:
        return {"type": kind, "enum": draw(st.lists(st.sampled_from(ENUMS[kind]), unique=True, min_size=1))}
    return {"type": kind}


def _members(depth: int) -> st.SearchStrategy[JsonSchema]:
    plain = schemas(depth=depth - 1)
    return st.one_of(plain, plain, plain.map(or_null))


def values(schema: JsonSchema) -> st.SearchStrategy[Any]:
    """Values that are valid by a schema. Text has at least one character: what it feeds may ask for that."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of(*map(values, schema["anyOf"]))
    if "minimum" in schema:
        return st.integers(schema["minimum"], schema["maximum"])
    kind = schema.get("type")
    if kind == "array":
        least: int = schema.get("minItems", 0)
        return st.lists(values(schema["items"]), min_size=least, max_size=least + 2)
    return _objects(schema) if kind == "object" else SCALARS[kind] if kind else JSON


def _objects(schema: JsonSchema) -> st.SearchStrategy[Any]:
    properties: dict[str, JsonSchema] = schema.get("properties", {})
    required = schema.get("required", [])
    named: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {name: values(properties[name]) for name in required},
        optional={name: values(member) for name, member in properties.items() if name not in required},
    )
    additional = schema.get("additionalProperties", True)
    if additional is False:
        return named
    others = st.dictionaries(
        st.sampled_from(["extra", "more"]), values(ANYTHING if additional is True else additional), max_size=2
    )
    return st.tuples(others, named).map(lambda parts: parts[0] | parts[1])


@st.composite
def wider(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    """A schema that takes every value of this one, and nothing that is not known to be taken."""
    if draw(st.integers(0, 5)) == 0:
        return or_null(draw(wider(schema)))
    if "anyOf" in schema:
        return or_null(draw(wider(without_null(schema)))) if is_nullable(schema) else schema
    match schema.get("type"):
        case "object":
            return draw(_wider_object(schema))
        case "array":
            least = {"minItems": draw(st.integers(0, schema["minItems"]))} if "minItems" in schema else {}
            return {"type": "array", "items": draw(wider(schema["items"]))} | least
        case "integer" if draw(st.booleans()):
            return {"type": "number"} | ({"enum": [*schema["enum"], 0.5]} if "enum" in schema else {})
    return {"type": schema["type"]} if "enum" in schema and draw(st.booleans()) else schema


@st.composite
def _wider_object(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    properties = {name: draw(wider(member)) for name, member in schema.get("properties", {}).items()}
    required = [name for name in schema.get("required", []) if draw(st.booleans())]
    additional = schema.get("additionalProperties", True)
    if additional is False and "spare" not in properties and draw(st.booleans()):
        properties["spare"] = draw(schemas(depth=1))  # it is optional, and never there
    return object_of(properties, required, True if draw(st.booleans()) else additional)


@st.composite
def narrower(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    """A schema whose every value is taken by this one."""
    if "anyOf" in schema:
        inner = draw(narrower(without_null(schema))) if is_nullable(schema) else schema
        return or_null(inner) if draw(st.booleans()) else inner
    match schema.get("type"):
        case "object" if schema.get("properties"):
            kept = [name for name in schema["properties"] if name in schema["required"] or draw(st.booleans())]
            required = [name for name in kept if name in schema["required"] or draw(st.booleans())]
            return object_of({name: draw(narrower(schema["properties"][name])) for name in kept}, required)
        case "object" if schema.get("additionalProperties", True) is True:
            return draw(schemas(types=("object",)))
        case "array":
            items = draw(narrower(schema["items"] or {"type": "string"}))
            return {"type": "array", "items": items, "minItems": max(1, schema.get("minItems", 0))}
        case "number" if "enum" not in schema and draw(st.booleans()):
            return {"type": "integer"}
    return schema


@st.composite
def related(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    """A schema beside another one: like it, wider, or with something else somewhere in it.

    It limits only what can be compared: `enum` where the other has one, required names that the other knows.
    """
    way = draw(st.integers(0, 5))
    if way == 0:
        return or_null(draw(related(schema)))
    if way == 1:
        return draw(st.one_of(wider(schema), schemas(depth=1).map(_without_limits)))
    if is_nullable(schema):
        plain = draw(related(without_null(schema)))
        return plain if way == 2 else or_null(plain)
    return draw(_related_inside(schema))


@st.composite
def _related_inside(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    if schema["type"] == "object":
        return draw(_related_object(schema))
    if schema["type"] == "array":
        return {"type": "array", "items": draw(related(schema["items"]))}
    if "enum" in schema:
        return schema | {"enum": draw(st.lists(st.sampled_from(ENUMS[schema["type"]]), unique=True, min_size=1))}
    return schema


@st.composite
def _related_object(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    names = [name for name in schema["properties"] if draw(st.integers(0, 4))]
    properties = {name: draw(related(schema["properties"][name])) for name in names}
    if draw(st.integers(0, 4)) == 0:
        properties["spare"] = {"type": "string"}
    return object_of(properties, [name for name in properties if draw(st.booleans())], draw(st.booleans()))


def _without_limits(schema: Any) -> Any:
    """Without what is not compared."""
    if isinstance(schema, list):
        return [_without_limits(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_limits(value) for key, value in schema.items() if key not in {"enum", "minItems"}}


def witnesses(schema: JsonSchema) -> list[Any]:
    """Values of a schema that show each thing that a value of it may be: each type, null, each property there or not.

    A schema built by `schemas` breaks another one only if one of these does.
    """
    if "enum" in schema:
        return list(schema["enum"])
    if "anyOf" in schema:
        return [value for part in schema["anyOf"] for value in witnesses(part)]
    match schema["type"]:
        case "object":
            return _object_witnesses(schema)
        case "array":
            least = schema.get("minItems", 0)
            filled = [[value] * max(1, least) for value in witnesses(schema["items"])]
            return filled if least else [[], *filled]
    return SCALAR_WITNESSES[schema["type"]]


def _object_witnesses(schema: JsonSchema) -> list[Any]:
    properties = {name: witnesses(member) for name, member in schema["properties"].items()}
    full = {name: found[0] for name, found in properties.items()}
    least = {name: full[name] for name in schema["required"]}
    return [full, least, *(full | {name: value} for name, found in properties.items() for value in found)]


@st.composite
def spellings(draw: st.DrawFn, schema: JsonSchema) -> JsonSchema:
    """The same schema as an author might write it: with `$ref`, other ways to say null, and words that say nothing."""
    definitions: dict[str, JsonSchema] = {}
    spelled: JsonSchema = _spell(draw, schema, definitions)
    return spelled | ({"$defs": definitions} if definitions else {})


def _spell(draw: st.DrawFn, schema: Any, definitions: dict[str, JsonSchema], *, is_root: bool = True) -> Any:
    if not isinstance(schema, dict):
        return schema
    spelled = dict(schema)
    if "properties" in spelled:
        members = spelled["properties"].items()
        spelled["properties"] = {name: _spell(draw, member, definitions, is_root=False) for name, member in members}
    if "items" in spelled:
        spelled["items"] = _spell(draw, spelled["items"], definitions, is_root=False)
    if is_nullable(spelled):
        inner = _spell(draw, without_null(spelled), definitions, is_root=False)
        plain = isinstance(inner.get("type"), str) and "enum" not in inner and draw(st.booleans())
        spelled = inner | {"type": [inner["type"], "null"]} if plain else {"anyOf": [inner, NULL]}
    if draw(st.integers(0, 7)) == 0:
        spelled["description"] = "of an author"
    if not is_root and draw(st.integers(0, 7)) == 0:
        name = f"part{len(definitions)}"
        definitions[name] = spelled
        return {"$ref": f"#/$defs/{name}"}
    return spelled


def meaning_of(document: JsonSchema) -> JsonSchema:
    """A schema that pydantic wrote, with `$ref` written out and without what says nothing."""

    def read(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return read(document["$defs"][part["$ref"].removeprefix("#/$defs/")])
        kept = {key: value for key, value in part.items() if key not in {"title", "description", "default", "$defs"}}
        if "properties" in kept:
            kept["properties"] = {name: read(member) for name, member in kept["properties"].items()}
        for key in ("items", "additionalProperties"):
            kept |= {key: read(kept[key])} if key in kept else {}
        if "anyOf" in kept:
            kept["anyOf"] = [read(alternative) for alternative in kept["anyOf"]]
        return {"properties": {}, "required": [], **kept} if kept.get("type") == "object" else kept

    read_out: JsonSchema = read(document)
    return read_out
