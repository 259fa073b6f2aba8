"""Documents of up to a megabyte whose nested schemas, references or words of two generations are meant to cost time."""

from collections.abc import Callable
from typing import Any

from tests.sample_workflows import declare, give, transform, workflow

Document = dict[str, Any]


def later(*tasks: Document, **fields: Any) -> Document:
    light = {"name": "a", "type": "Data.Transform", "inputs": {"expression": "1"}}
    return {"title": "t", "tasks": [*tasks] or [light], **fields}


def typed(name: str, value: Any, schema: Document, value_type: str = "array") -> Document:
    return give(name, value, value_type) | {"schema": schema}


def listed(values: list[Any], items: Document) -> Document:
    """A workflow with an input of these values by default."""
    return workflow(inputs=[declare("m", "array", default=values, schema={"items": items})])


def bomb(depth: int) -> Document:
    """Each definition names the next one twice."""
    definitions: Document = {f"p{depth}": {"type": "string"}}
    for level in range(depth):
        below = {"$ref": f"#/$defs/p{level + 1}"}
        definitions[f"p{level}"] = {"type": "object", "properties": {"l": below, "r": below}}
    return {"$defs": definitions, "properties": {"x": {"$ref": "#/$defs/p0"}}}


def nested(depth: int, member: Document) -> Document:
    """Whatever the steps are called, there is something `depth` deep."""
    for _ in range(depth):
        member = {"type": "object", "additionalProperties": member}
    return member


def wide(properties: int, member: Document) -> Document:
    return {
        "type": "object",
        "properties": {f"p{n}": member for n in range(properties)},
        "required": [f"p{n}" for n in range(properties)],
    }


HOSTILE: dict[str, Callable[[], Document]] = {
    "many schemas": lambda: workflow(
        inputs=[declare(f"i{n}", "object", schema={"properties": {"a": {"type": "string"}}}) for n in range(9_000)]
    ),
    "a bomb of references": lambda: workflow(inputs=[declare("m", "object", schema=bomb(30))]),
    "many bombs": lambda: workflow(inputs=[declare(f"m{n}", "object", schema=bomb(8)) for n in range(1_000)]),
    "a schema in itself": lambda: workflow(inputs=[declare("m", "array", schema=_in_itself())]),
    "references in a ring": lambda: workflow(
        inputs=[
            declare(
                "m",
                "object",
                schema={
                    "$defs": {f"r{n}": {"$ref": f"#/$defs/r{(n + 1) % 5_000}"} for n in range(5_000)},
                    "properties": {"a": {"$ref": "#/$defs/r0"}},
                },
            )
        ]
    ),
    "alternatives in alternatives": lambda: workflow(
        inputs=[declare("m", "object", schema={"properties": {"a": _alternatives(60)}})]
    ),
    "a type of many types": lambda: workflow(
        inputs=[declare("m", "object", schema={"properties": {"a": {"type": ["string", "object"] * 50_000 + ["x"]}}})]
    ),
    "an unknown keyword of a long name": lambda: workflow(
        inputs=[declare(f"m{n}", "object", schema={"k" * 900: 1}) for n in range(1_000)]
    ),
    "an unknown keyword very deep in long names": lambda: workflow(
        inputs=[
            declare("m", "object", schema=_deep_names(30, "n" * 30_000, {"type": "string", "pattern": "x"})),
        ]
    ),
    "distinct deep paths that are too long by one": lambda: workflow(
        outputs=[
            typed(
                "o",
                [f"{{{{input.m{''.join(f'.a{n}' for _ in range(21))}}}}}" for n in range(8_000)],
                {"items": {"type": "integer"}},
            )
        ],
        inputs=[declare("m", "object", schema=nested(20, {"type": "integer"}))],
    ),
    "two large schemas that do not fit, compared from many places": lambda: workflow(
        inputs=[declare("m", "object", schema=wide(200, {"type": "integer"}))],
        outputs=[
            typed(
                "o",
                ["{{input.m}}"] * 50_000,
                {"items": wide(199, {"type": "integer"}) | {"additionalProperties": False}},
            )
        ],
    ),
    "the fields of a large schema compared from many places": lambda: workflow(
        inputs=[declare("m", "object", schema=wide(200, {"type": "array", "items": {"type": "integer"}}))],
        outputs=[
            typed(
                "o",
                [f"{{{{input.m.p{n % 200}}}}}" for n in range(40_000)],
                {"items": {"type": "array", "items": {"type": "string"}}},
            )
        ],
    ),
    "many values that are none of many": lambda: listed([-1] * 90_000, {"enum": [*range(90_000)]}),
    "many values that are the last of many, and one that is not": lambda: listed(
        [89_999] * 90_000 + [-1], {"enum": [*range(90_000)]}
    ),
    "a list of many values against another": lambda: workflow(
        inputs=[declare("m", "array", schema={"items": {"enum": [*range(70_000)]}})],
        outputs=[typed("o", "{{input.m}}", {"items": {"enum": [-1, *range(69_999)]}})],
    ),
    "many names that must be there against others": lambda: workflow(
        inputs=[declare("m", "object", schema={"required": [f"a{n}" for n in range(45_000)]})],
        outputs=[
            typed(
                "o",
                "{{input.m}}",
                {"required": [f"b{n}" for n in range(45_000)], "additionalProperties": {"type": "string"}},
                "array",
            )
        ],
    ),
    "many references past many names that must be there": lambda: workflow(
        transform("t", ["{{input.m.z}}"] * 12_000 + ["{{input.m.q.r}}"]),
        inputs=[
            declare(
                "m",
                "object",
                schema={
                    "properties": {"z": {"type": "string"}, "q": {"type": "string"}},
                    "required": [*(f"a{n}" for n in range(20_000)), "z", "q"],
                },
            )
        ],
    ),
    "many objects without many names": lambda: listed(
        [{}] * 20_000, {"type": "object", "required": [f"a{n}" for n in range(80_000)]}
    ),
    "a limit of many digits": lambda: listed([1] * 2_000, {"type": "integer", "minimum": 10**4_000}),
    "wrong values against long names": lambda: listed(
        [{"x": 1}] * 1_000,
        {"type": "object", "properties": {f"{n}{'p' * 2_000}": {} for n in range(400)}, "additionalProperties": False},
    ),
    "wrong values against long words": lambda: listed(
        [None] * 1_000, {"enum": [f"{n}{'v' * 50_000}" for n in range(16)]}
    ),
    "arrays in arrays in words": lambda: listed([5] * 1_000, _arrays(30)),
    "many tasks in the other generation's words": lambda: later(*[transform(f"t{n}") for n in range(9_000)]),
    "both generations' words in each task": lambda: later(
        *[transform(f"t{n}") | {"name": f"t{n}", "inputs": {"expression": "1"}} for n in range(6_000)]
    ),
    "many templates in the other generation's words": lambda: workflow(transform("a", ["{{inputs.x}}"] * 60_000)),
    "many outputs of the other generation": lambda: workflow(
        outputs=[give(f"o{n}", f"{{{{outputs.o{n}}}}}") for n in range(15_000)]
    ),
    "outputs that name later ones": lambda: later(
        outputs=[give(f"output_{n:05d}", f"{{{{outputs.output_{n + 1:05d}}}}}") for n in range(12_000)]
    ),
    "a deep literal where a schema is": lambda: workflow(inputs=[declare("m", "object", schema=_lists(180))]),
    "a schema that is no object": lambda: workflow(
        inputs=[declare(f"m{n}", "object", schema=[[]]) for n in range(15_000)]
    ),
}
"""Each is refused."""


def _in_itself() -> Document:
    again = {"$ref": "#/$defs/m"}
    return {"$defs": {"m": {"type": "array", "items": again}}, "items": again}


def _alternatives(depth: int) -> Document:
    schema: Document = {"type": "string"}
    for _ in range(depth):
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema


def _deep_names(depth: int, name: str, schema: Document) -> Document:
    for _ in range(depth):
        schema = {"type": "object", "properties": {name: schema}}
    return schema


def _arrays(depth: int) -> Document:
    schema: Document = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def _lists(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


VALID: dict[str, Callable[[int], Document]] = {
    "values of a list": lambda size: listed([*range(size)], {"enum": [*range(size)]}),
    "lists of values": lambda size: workflow(
        inputs=[declare("m", "array", schema={"items": {"enum": [*range(size)]}})],
        outputs=[typed("o", "{{input.m}}", {"items": {"enum": [*range(size)]}})],
    ),
    "names that must be there": lambda size: workflow(
        inputs=[declare("m", "object", schema={"required": [f"a{n}" for n in range(size)]})],
        outputs=[typed("o", "{{input.m}}", {"required": [f"a{n}" for n in range(size)]}, "object")],
    ),
    "references past names that must be there": lambda size: workflow(
        transform("t", ["{{input.m.z}}"] * size),
        inputs=[
            declare(
                "m",
                "object",
                schema={"properties": {"z": {}}, "required": [*(f"a{n}" for n in range(size)), "z"]},
            )
        ],
    ),
    "references into a deep schema": lambda size: workflow(
        transform("t", [f"{{{{input.m{''.join(f'.a{n}' for _ in range(20))}}}}}" for n in range(size // 10)]),
        inputs=[declare("m", "object", schema=nested(21, {"type": "integer"}))],
    ),
    "references that share two large schemas": lambda size: workflow(
        inputs=[declare("m", "object", schema=wide(200, {"type": "integer"}))],
        outputs=[typed("o", ["{{input.m}}"] * size, {"items": wide(199, {"type": "integer"})})],
    ),
}
"""Each is accepted, and twice the size is twice the work."""
