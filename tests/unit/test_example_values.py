"""The values in examples of calls: such that the call runs."""

from typing import Any

import pytest

from stepcall.domain.declared_value import InputParameter
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, RunWorld
from workflows_api.example_values import example_of

NESTED = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}, "minItems": 2},
        "b": {"type": ["integer", "null"], "minimum": 5},
        "c": {"type": "number"},
    },
    "required": ["a", "b"],
}
DECLARED: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, "text"),
    ({"type": "file"}, "https://example.com/file.txt"),
    ({"type": "integer"}, 1),
    ({"type": "number"}, 1.5),
    ({"type": "boolean"}, True),
    ({"type": "object"}, {}),
    ({"type": "array"}, ["text"]),
    ({"type": "integer", "default": 7}, 7),
    ({"type": "string", "default": None, "required": False}, None),
    ({"type": "string", "required": False}, None),
    ({"type": "object", "schema": NESTED}, {"a": ["x", "x"], "b": 5}),
    ({"type": "array", "schema": {"type": "array", "items": {"type": "boolean"}}}, [True]),
    ({"type": "array", "schema": {"type": "array", "items": NESTED}}, [{"a": ["x", "x"], "b": 5}]),
]


@pytest.mark.parametrize(("declared", "value"), DECLARED)
def test_an_input_has_an_example_that_a_run_takes(declared: dict[str, Any], value: Any) -> None:
    given = {"name": "it"} | declared
    assert example_of(InputParameter.model_validate(given)) == value
    world = RunWorld()
    one = world.define(workflow(inputs=[given])).workflow_id
    assert start_run(StartRun(one, {"it": value}), CALLER, world.deps).workflow_id == one
