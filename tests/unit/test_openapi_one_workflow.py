"""The description of one workflow against what a call of it takes and gives."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from stepcall.domain.approval import FLOW_APPROVAL
from stepcall.domain.errors import InvalidParametersError
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from tests.sample_workflows import checked, declare, give, transform, workflow
from workflows_api.describe.one_workflow import describe_workflow, operation_name

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.workflow.json"))
VALID = [path for path in GOLDEN if not path.name.startswith("error_")]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
LINE = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 1}}, "required": ["count"]}
ORDER = {"$defs": {"line": LINE}, "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}}}
INPUTS = [
    declare("order", "object", description="What is ordered.", schema={**ORDER, "required": ["lines"]}),
    declare("currency", default="EUR"),
    declare("discount", "number", required=False),
    declare("file", "file", required=False),
    declare("count", "integer", required=False, default=None),
    declare("tags", "array", schema={"items": {"type": ["string", "null"]}, "minItems": 1}, required=False),
]
ORDERS = workflow(
    transform("same", ["{{input." + parameter["name"] + "}}" for parameter in INPUTS]),
    inputs=INPUTS,
    outputs=[give("lines", "{{input.order.lines}}", "array"), give("any", "{{refs.same.output.result}}", "object")],
)


def describe(document: dict[str, Any], number: int = 1) -> dict[str, Any]:
    definition = WorkflowDefinition.from_json(document)  # checked by the tests of golden files
    version = WorkflowVersion(UUID(int=7), number, "acme", definition, NOW, NOW)
    described = describe_workflow(version)
    validate(described)
    return described


def validator(document: dict[str, Any], schema: str) -> Draft202012Validator:
    described = describe(document)
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": described["components"]})


@pytest.mark.parametrize("path", VALID, ids=[path.name for path in VALID])
def test_every_workflow_has_a_valid_description(path: Path) -> None:
    document = json.loads(path.read_text())
    described = describe(document)
    assert described["info"]["title"] == document.get("name", document.get("title"))
    ids = [operation["operationId"] for item in described["paths"].values() for operation in item.values()]
    asks = any(task["type"] == FLOW_APPROVAL for task in document["tasks"])
    lists_elements = any("for_each" in task for task in document["tasks"])
    assert len(ids) == len(set(ids)) == 6 + (2 if asks else 0) + lists_elements


def test_who_is_to_decide_for_each_element_finds_what_awaits_a_decision() -> None:
    ask = {"ref": "ask", "type": "Flow.Approval", "for_each": [1, 2], "input": {"message": "Pay {{item}}?"}}
    described = describe(workflow(ask))
    path = "/workflows/wf-0000000000000000000000007/executions/{execution_id}/tasks/{ref}/instances"
    operation = described["paths"][path]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == [
        *("execution_id", "ref", "status", "limit", "next_token"),
    ]
    instance = described["components"]["schemas"]["Instance"]["properties"]
    assert {"index", "status", "awaiting"} <= instance.keys()


def test_its_paths_are_its_own() -> None:
    described = describe(workflow())
    own = "/workflows/wf-0000000000000000000000007"
    assert list(described["paths"]) == [
        f"{own}/execute",
        f"{own}/executions",
        f"{own}/executions/{{execution_id}}",
        f"{own}/executions/{{execution_id}}/cancel",
        f"{own}/executions/{{execution_id}}/resume",
        "/jobs/{external_id}",
    ]
    assert "{workflow_id}" not in json.dumps(described["paths"])


def test_a_workflow_in_the_later_generations_words_is_described_in_them() -> None:
    document = {
        "title": "Echo",
        "inputs": [declare("text")],
        "tasks": [{"name": "same", "type": "Data.Transform", "inputs": {"expression": "$", "data": "{{inputs.text}}"}}],
        "outputs": [give("text", "{{tasks.same.outputs.result}}")],
    }
    described = describe(document)
    own = "/workflows/wf-0000000000000000000000007"
    assert f"{own}/execute" not in described["paths"]
    assert described["paths"][f"{own}/executions"]["post"]["operationId"] == "executeEcho"
    schemas = described["components"]["schemas"]
    assert schemas["ExecuteRequest"]["required"] == ["inputs"]
    assert schemas["StartedExecution"]["properties"]["workflow_execution_id"]["pattern"] == "^we-[0-9a-z]{25}$"
    assert {"inputs", "outputs"} <= schemas["Execution"]["properties"].keys()
    assert "name" in schemas["TaskRun"]["properties"]


def test_inputs_keep_their_types_descriptions_and_defaults() -> None:
    schemas = describe(ORDERS)["components"]["schemas"]
    assert schemas["Input"]["required"] == ["order"]
    properties = schemas["Input"]["properties"]
    assert properties["order"]["description"] == "What is ordered."
    assert properties["order"]["properties"]["lines"]["items"]["properties"]["count"] == {
        "type": "integer",
        "minimum": 1,
    }
    assert properties["currency"] == {"type": ["string", "null"], "default": "EUR"}
    assert properties["discount"] == {"type": ["number", "null"]}
    assert properties["count"] == {"type": ["integer", "null"], "default": None}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1.0, 1.5, -0.5]) | st.text(max_size=3),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(["lines", "count", "x"]), values, max_size=3)
    ),
    max_leaves=8,
)
LINES = st.fixed_dictionaries({"count": VALUES}) | VALUES
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "order": st.fixed_dictionaries({"lines": st.lists(LINES, max_size=3)}) | VALUES,
        **{parameter["name"]: VALUES for parameter in INPUTS[1:]},
        "unknown": VALUES,
    },
)
INPUT, BOUND_INPUT = validator(ORDERS, "Input"), validator(ORDERS, "BoundInput")
DEFINITION = checked(ORDERS)


@given(GIVEN)
@example({"order": {"lines": [{"count": 1}]}, "tags": ["a", None]})
@example({"order": {"lines": []}})
@example({"order": {"lines": [{"count": 0}]}})
def test_what_fits_the_description_is_what_a_call_takes(parameters: dict[str, Any]) -> None:
    try:
        bound = bind_parameters(DEFINITION, parameters)
    except InvalidParametersError:
        assert not INPUT.is_valid(parameters)
    else:
        INPUT.validate(parameters)
        BOUND_INPUT.validate(bound)


def test_any_output_may_be_null_and_all_are_there() -> None:
    output = validator(ORDERS, "Output")
    output.validate({"lines": None, "any": {"a": 1}})
    assert not output.is_valid({"lines": []})
    assert not output.is_valid({"lines": {}, "any": None})


def test_the_older_version_says_that_a_call_executes_the_newest() -> None:
    info = describe(workflow(), number=3)["info"]
    assert info["version"] == "3"
    assert "version 3" in info["description"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Page title length", "PageTitleLength"),
        ("größe & preis", "GroePreis"),
        ("日本", "Workflow"),
        ("9 lives", "9Lives"),
        ("x" * 200, "X" + "x" * 47),
        ("a/b {c}", "ABC"),
    ],
)
def test_operations_are_called_by_the_workflows_name(title: str, name: str) -> None:
    assert operation_name(title) == name
