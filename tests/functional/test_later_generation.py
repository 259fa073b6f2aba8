"""The native face in the words of the dialect's later generation. Contract: data-flow-platform.md."""

import re
from typing import Any

import pytest

from tests.functional.conftest import Api

WORKFLOW: dict[str, Any] = {
    "title": "Double a number",
    "inputs": [
        {"name": "number", "type": "integer"},
        {"name": "rows", "type": "array", "schema": {"items": {"type": "integer"}}, "default": [1]},
    ],
    "tasks": [
        {"name": "double", "type": "Data.Transform", "inputs": {"expression": "$ * 2", "data": "{{inputs.number}}"}}
    ],
    "outputs": [
        {"name": "doubled", "type": "integer", "value": "{{tasks.double.outputs.result}}"},
        {"name": "text", "type": "string", "value": "It is {{outputs.doubled}}."},
    ],
}


@pytest.fixture
def doubling(api: Api) -> str:
    created = api("POST", "/workflows", WORKFLOW)
    assert created.status == 201
    workflow_id: str = created.json["workflow_id"]
    return workflow_id


def test_a_workflow_is_defined_executed_and_read_in_those_words(api: Api, doubling: str) -> None:
    stored = api("GET", f"/workflows/{doubling}").json
    assert {key: stored[key] for key in WORKFLOW} == WORKFLOW
    answer = api("POST", f"/workflows/{doubling}/executions", {"inputs": {"number": 4}}, headers={"prefer": "wait=20"})
    assert answer.status == 200
    execution = answer.json
    assert re.fullmatch(r"we-[0-9a-z]{25}", execution["workflow_execution_id"])
    assert (execution["status"], execution["tasks"][0]["name"]) == ("COMPLETED", "double")
    assert execution["inputs"] == {"number": 4, "rows": [1]}
    assert execution["outputs"] == {"doubled": 8, "text": "It is 8."}
    assert {"execution_id", "input", "output"} & execution.keys() == set()
    assert answer.headers["location"] == f"/workflows/{doubling}/executions/{execution['workflow_execution_id']}"
    assert api("GET", answer.headers["location"]).json == execution


def test_an_execution_is_answered_in_the_words_of_the_id_that_was_asked_for(api: Api, doubling: str) -> None:
    first = api.run(doubling, {"number": 4})
    assert first["output"] == {"doubled": 8, "text": "It is 8."}
    path = f"/workflows/{doubling}/executions"
    later = api("GET", f"{path}/we-{first['execution_id'].removeprefix('ex-')}").json
    assert later["outputs"] == first["output"]
    assert later["externalId"] == first["externalId"]
    cancelled = api("POST", f"{path}/{later['workflow_execution_id']}/cancel")
    assert cancelled.status == 409


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("executions", {"inputs": {"number": "4"}}, ("/inputs/number", "wrong_type")),
        ("executions", {"inputs": {"number": 4, "rows": ["x"]}}, ("/inputs/rows/0", "wrong_type")),
        ("executions", {"input": {"number": 4}}, ("/input", "unknown_field")),
        ("execute", {"inputs": {"number": 4}}, ("/inputs", "unknown_field")),
        ("executions", {"number": 4}, ("/number", "unknown_field")),
        ("executions", {}, ("/inputs/number", "missing")),
    ],
)
def test_what_does_not_fit_is_refused_in_the_words_of_the_path(
    api: Api, doubling: str, path: str, body: Any, told: tuple[str, str]
) -> None:
    answer = api("POST", f"/workflows/{doubling}/{path}", body)
    assert answer.status == 400
    [problem] = answer.json["errors"]
    assert (problem["location"], problem["code"]) == told
    if problem["code"] == "unknown_field":
        assert "Parameters of the workflow stand in `input" in problem["message"]
    assert api("GET", f"/workflows/{doubling}/executions").json["executions"] == []


def test_a_document_that_mixes_the_generations_is_refused(api: Api) -> None:
    answer = api("POST", "/workflows", WORKFLOW | {"outputs": [], "input": []})
    assert answer.status == 400
    assert [problem["location"] for problem in answer.json["errors"]] == ["/input"]
