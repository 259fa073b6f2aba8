"""Small definitions and schemas of which JSON Schema, or a run, says what the check must say."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.fault import Fault
from stepcall.domain.model_problems import Suggester
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.render_template import Scope, render
from stepcall.domain.schema_reader import InvalidSchemaError, SchemaReader
from stepcall.domain.type_check import ValueFit
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import Document, checked, declare, give, workflow
from tests.unit.hostile_schemas import later, typed
from tests.unit.valid_workflows import EVERYTHING, EverythingOutput, OutputPart

TEXT_A = {"properties": {"a": {"type": "string"}}}
NUMBERS, TEXTS = ({"additionalProperties": {"type": name}} for name in ("integer", "string"))

RUNS: dict[str, tuple[Document, Document]] = {
    "a path past an object that is null": (
        workflow(
            inputs=[declare("o", "object", required=False, schema=TEXT_A | {"required": ["a"]})],
            outputs=[give("x", "{{input.o.a}}")],
        ),
        {},
    ),
    "a path past an object that is null, in text": (
        workflow(
            inputs=[declare("o", "object", required=False, schema=TEXT_A | {"required": ["a"]})],
            outputs=[give("x", "a: {{input.o.a}}")],
        ),
        {},
    ),
    "a property that is not there": (
        workflow(inputs=[declare("o", "object", schema=TEXT_A)], outputs=[give("x", "{{input.o.a}}")]),
        {"o": {}},
    ),
    "an output that is null, in one that must hold text": (
        later(
            inputs=[declare("n", required=False)],
            outputs=[
                give("x", "{{inputs.n}}"),
                typed("y", {"a": "{{outputs.x}}"}, TEXT_A, "object"),
            ],
        ),
        {},
    ),
    "a map of numbers for one of texts": (
        workflow(inputs=[declare("m", "object", schema=NUMBERS)], outputs=[typed("x", "{{input.m}}", TEXTS, "object")]),
        {"m": {"a": 1}},
    ),
    "a map of numbers for an object of texts": (
        workflow(
            inputs=[declare("m", "object", schema=NUMBERS)], outputs=[typed("x", "{{input.m}}", TEXT_A, "object")]
        ),
        {"m": {"a": 1}},
    ),
    "an object of numbers for a map of texts": (
        workflow(
            inputs=[declare("m", "object", schema={"properties": {"a": {"type": "integer"}}})],
            outputs=[typed("x", "{{input.m}}", TEXTS, "object")],
        ),
        {"m": {"a": 1}},
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_what_would_fail_in_a_run_is_refused(name: str) -> None:
    """Or else it does not fail in a run."""
    document, parameters = RUNS[name]
    try:
        definition = check_definition(document, CATALOG).definition
    except InvalidDefinitionError:
        return
    scope = Scope(bind_parameters(definition, parameters), {})
    for output in definition.output:
        value = scope.results[output.name] = render(output.template, scope)
        if value is not None:
            Draft202012Validator({"type": output.type.value, **(output.json_schema or {})}).validate(value)


VALUES: dict[str, tuple[Document, Any]] = {
    "a limit beside a $ref": ({"$defs": {"i": {"type": "integer"}}, "$ref": "#/$defs/i", "maximum": 3}, 5),
    "names that must be there beside anyOf": ({"anyOf": [{"type": "object"}], "required": ["a"]}, {}),
    "properties beside anyOf": ({"anyOf": [{"type": "object"}], "properties": {"a": {"type": "string"}}}, {"a": 5}),
    "properties without a type": ({"properties": {"a": {"type": "string"}}}, {"a": 5}),
    "a limit without a type": ({"minimum": 3}, 2),
    "an object that is none of those listed": ({"type": "object", "enum": [{"a": 1}]}, {"a": 2}),
    "an object that is not the constant": ({"const": {"a": 1}}, {"a": 2}),
    "true for 1, deep in a value that is listed": ({"enum": [[1]]}, [True]),
    "true for 1, deep in an object that is listed": ({"enum": [{"a": 1}]}, {"a": True}),
    "1.0 for 1": ({"enum": [1]}, 1.0),
    "a constant beside a list": ({"const": "a", "enum": ["b"]}, "a"),
    "two limits": ({"type": "number", "exclusiveMinimum": 1, "maximum": 2}, 1),
    "elements beside others": ({"type": ["array", "object"], "items": {"type": "string"}}, [5]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_schema_is_refused_or_means_what_json_schema_says(name: str) -> None:
    document, value = VALUES[name]
    Draft202012Validator.check_schema(document)
    try:
        schema = SchemaReader().read(document)
    except InvalidSchemaError:
        return
    faults: list[Fault] = []
    ValueFit(Suggester(), faults.append).fit(value, schema)
    assert (faults == []) == Draft202012Validator(document).is_valid(value)


LISTED: dict[str, tuple[Any, list[Any]]] = {
    "a literal array that is listed": ([1], [[1]]),
    "a literal array of arrays that is listed": ([["x"]], [[["x"]], []]),
    "a literal object that is listed": ({"a": 1}, [{"a": 1}]),
}


@pytest.mark.parametrize("name", LISTED)
def test_a_literal_that_a_schema_lists_is_accepted_as_an_output(name: str) -> None:
    value, allowed = LISTED[name]
    kind = "object" if isinstance(value, dict) else "array"
    document = workflow(outputs=[typed("x", value, {"enum": allowed}, kind)])
    assert checked(document).to_json() == document


def test_what_a_task_gives_is_what_its_schema_says() -> None:
    part = OutputPart(label="a", size=1)
    given = EverythingOutput(
        text="", count=1, ratio=0.5, flag=True, part=part, maybe=part, parts=[part], words=[], mood="calm"
    )
    Draft202012Validator(EVERYTHING.output_json_schema).validate(given.to_json())
