"""The description of the whole API against what it describes."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.sample_workflows import Document, transform, workflow
from tests.unit.test_architecture import run_apart
from workflows_api.app import ACCESS, app
from workflows_api.describe.api import describe_api
from workflows_api.problems import ANSWERS, BUG

ROOT = Path(__file__).parents[2]
DOCUMENT = describe_api()
OPERATIONS = {
    (method.upper(), path): operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.workflow.json"))
VALID = [path for path in GOLDEN if not path.name.startswith("error_")]
# what is wrong with a document's form, rather than with what its templates mean
OF_FORM = (
    "head",
    "head_limits",
    "literal_of_wrong_type",
    "name_missing",
    "no_tasks",
    "not_an_object",
    "task_input_missing_and_unknown",
    "unknown_field",
    "unknown_task_type",
    "unknown_type_of_input",
    "wrong_type_of_field",
)


def in_the_document(schema: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]})


def test_it_is_openapi_3_1() -> None:
    validate(DOCUMENT)


def test_routes_and_paths_are_the_same_set() -> None:
    routes = {
        (route.method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in app._static_routes + app._dynamic_routes
    }
    assert OPERATIONS.keys() == routes


def test_an_operation_is_open_exactly_when_its_route_is() -> None:
    described = {f"{method} {path}" for (method, path), operation in OPERATIONS.items() if operation["security"] == []}
    assert described == {re.sub(r"<(\w+)>", r"{\1}", route) for route, scope in ACCESS.items() if scope is None}


def test_an_operation_says_which_scope_it_needs() -> None:
    for route, scope in ACCESS.items():
        method, path = re.sub(r"<(\w+)>", r"{\1}", route).split()
        assert (f"`{scope}`" in OPERATIONS[method, path].get("description", "")) == (scope is not None)


def test_every_parameter_of_a_path_is_described() -> None:
    for (_, path), operation in OPERATIONS.items():
        described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert described == set(re.findall(r"\{(\w+)\}", path)), path


def test_every_problem_that_can_be_answered_stands_among_the_answers_of_some_route() -> None:
    described = {
        (int(status), kind)
        for operation in OPERATIONS.values()
        for status, response in operation["responses"].items()
        for kind in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    # a method that a path does not take has no route whose answer that could be
    expected = {(answer.status.value, answer.type) for answer in (*ANSWERS.values(), BUG)} - {
        (405, "method-not-allowed")
    }
    assert described == expected


def test_every_refusal_of_ours_is_a_problem() -> None:
    of_rfc_6749 = {"getAccessToken"}
    for operation in (each for each in OPERATIONS.values() if each["operationId"] not in of_rfc_6749):
        for status, response in operation["responses"].items():
            if "$ref" not in response and status != "503" and int(status) >= 400:
                assert "application/problem+json" in response["content"], (operation["operationId"], status)


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


def test_examples_fit_their_schemas() -> None:
    checked = 0
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])
                checked += 1
        for media in operation.get("requestBody", {}).get("content", {}).values():
            for example in media.get("examples", {}).values():
                schema = {**media["schema"], "components": DOCUMENT["components"]}
                Draft202012Validator(schema).validate(example["value"])
                checked += 1
    assert checked >= 10
    for example in DOCUMENT["components"]["examples"].values():
        in_the_document("Problem").validate(example["value"])


@pytest.mark.parametrize("path", VALID, ids=[path.name for path in VALID])
def test_a_definition_that_the_check_accepts_fits_the_schema(path: Path) -> None:
    in_the_document("Definition").validate(json.loads(path.read_text()))


@pytest.mark.parametrize("name", OF_FORM)
def test_an_editor_sees_what_is_wrong_with_the_form_of_a_definition(name: str) -> None:
    document = json.loads((ROOT / "tests" / "golden" / f"error_{name}.workflow.json").read_text())
    assert not in_the_document("Definition").is_valid(document)


QUERY = {"ref": "rows", "type": "Sql.Query", "input": {"query": "SELECT 1 AS n"}}
OUTPUT = {"ref": "out", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}}
PAUSE = {"ref": "pause", "type": "Flow.Wait", "input": {"seconds": 1}}
ASK = {"ref": "ask", "type": "Flow.Approval", "input": {"message": "Pay?"}}
CHILD = {"ref": "child", "type": "Workflow.Execute", "input": {"workflow_id": "other"}}


@pytest.mark.parametrize(
    "task",
    [
        transform("t") | {"for_each": 3},
        transform("t") | {"for_each": "all of {{input.texts}}"},
        transform("t") | {"fallback": {"type": "Workflow.Execute", "input": {"workflow_id": "other"}}},
        QUERY | {"for_each": [1]},
        OUTPUT | {"for_each": [1]},
        OUTPUT | {"condition": "{{input.wanted}}"},
        OUTPUT | {"on_error": "continue"},
        PAUSE | {"timeout_seconds": 5},
        ASK | {"timeout_seconds": 5},
        ASK | {"input": {"message": "Pay?", "expires_in": "{{input.n}}"}},
        CHILD | {"input": {"workflow_id": "{{input.which}}"}},
        CHILD | {"input": {"workflow_id": "other", "version": "{{input.version}}"}},
        {"ref": "t", "type": "Lambda.Invoke", "input": {"function": "{{input.name}}"}},
    ],
    ids=lambda task: json.dumps(task)[:120],
)
def test_an_editor_sees_what_a_type_of_task_never_takes(task: Document) -> None:
    assert not in_the_document("Definition").is_valid(workflow(task))


@pytest.mark.parametrize(
    "task",
    [
        transform("t") | {"for_each": "{{input.texts}}", "fallback": None},
        transform("t") | {"for_each": ["{{input.texts}}", 1], "max_concurrency": 3},
        transform("t") | {"for_each": None, "fallback": {"type": "Data.Transform", "input": {"expression": "1"}}},
        QUERY | {"for_each": None, "condition": "{{input.wanted}}", "timeout_seconds": 5},
        OUTPUT | {"on_error": "fail", "condition": None, "timeout_seconds": 5},
        PAUSE | {"for_each": [1], "timeout_seconds": None},
        ASK | {"input": {"message": "{{input.question}}", "expires_in": 60, "output_schema": None}},
        CHILD
        | {"input": {"workflow_id": "other", "version": None, "input": {"a": "{{input.a}}"}}, "timeout_seconds": 5},
        {"ref": "t", "type": "Lambda.Invoke", "input": {"function": "own", "payload": "{{input.a}}"}},
    ],
    ids=lambda task: json.dumps(task)[:120],
)
def test_an_editor_lets_pass_what_such_a_type_takes(task: Document) -> None:
    in_the_document("Definition").validate(workflow(task))


def test_the_service_starts_without_loading_its_description() -> None:
    code = """
import sys, workflows_api.app
print([name for name in sys.modules if name.startswith("workflows_api.describe")])
"""
    assert run_apart(code) == "[]"
