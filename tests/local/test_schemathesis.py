"""Schemathesis calls every operation that the API describes, as it is described and as it is not, on the local stack.

It finds what a description promises and the service does not keep: another status, type, header or body, a 5xx, a
request that is taken though it should not be. The same requests in every run; what it asks, and what is left out and
why: schemathesis.toml.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amperity_api.app import ACCESS as AMPERITY_ACCESS
from local.seed import API_KEY
from tests.local.http_client import Client
from tests.local.test_serve import serving
from workflows_api.describe.api import describe_api

OPERATIONS = [(method, path) for path, item in describe_api()["paths"].items() for method in item]
HERE = Path(__file__).parent
COMMAND = Path(sys.executable).parent / "schemathesis"
SECONDS = 240
EXPRESSION = {"expression": "$", "data": {"text": "{{input.text}}", "count": "{{input.count}}"}}
WORKFLOW: dict[str, Any] = {
    "name": "An echo",
    "input": [
        {"name": "text", "type": "string"},
        {"name": "count", "type": "integer", "default": 1},
        {"name": "tags", "type": "array", "schema": {"items": {"enum": ["a", "b"]}, "maxItems": 3}, "required": False},
        {
            "name": "place",
            "type": "object",
            "required": False,
            "schema": {
                "properties": {"x": {"type": "number", "minimum": 0}, "y": {"type": ["number", "null"]}},
                "required": ["x"],
                "additionalProperties": False,
            },
        },
    ],
    "tasks": [{"ref": "echo", "type": "Data.Transform", "input": EXPRESSION}],
    "output": [
        {"name": "text", "type": "string", "value": "{{input.text}}"},
        {"name": "place", "type": "object", "value": "{{input.place}}"},
        {"name": "echo", "type": "object", "value": "{{refs.echo.output.result}}"},
    ],
}
CONFIGURED_WORKFLOW: dict[str, Any] = {
    "name": "Named as the example of a start names it",
    "config_id": "cg-2efo5X8vo",
    "tasks": [{"ref": "only", "type": "Data.Transform", "stage": "source", "input": {"expression": "1"}}],
}
LATER_WORKFLOW: dict[str, Any] = {
    "title": "A later echo",
    "inputs": [{"name": "text", "type": "string"}, {"name": "on", "type": "boolean", "required": False}],
    "tasks": [{"name": "echo", "type": "Data.Transform", "inputs": {"expression": "$", "data": "{{inputs.text}}"}}],
    "outputs": [{"name": "text", "type": "string", "value": "{{tasks.echo.outputs.result}}"}],
}
# a workflow is described in the words of one generation, and its paths take those of the other, too
OF_ONE_WORKFLOW = ("--max-examples", "40", "--exclude-checks", "unsupported_method,allow_header_conformance")


@dataclass(frozen=True)
class Service:
    """A running stack, and what is there on it."""

    url: str
    environment: dict[str, str]
    later_workflow: str
    later_execution: str

    def schemathesis(
        self, document: str, *options: str, config: str = "schemathesis.toml", **ids: str
    ) -> "subprocess.CompletedProcess[str]":
        """Runs it on a document of the service; its configuration says the rest. `ids` replace those that exist."""
        named = {f"STEPCALL_{name.upper()}": spelled for name, spelled in ids.items()}
        command = [str(COMMAND), "--config-file", str(HERE / config), "run", f"{self.url}{document}"]
        return subprocess.run(  # noqa: S603
            [*command, *options],
            env=os.environ | self.environment | named | {"COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving("--port", "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        client = Client(url)
        try:
            yield fill(client, url)
        finally:
            client.close()


def fill(client: Client, url: str) -> Service:
    key = {"x_api_key": API_KEY}

    def define(document: dict[str, Any]) -> str:
        workflow_id: str = client("POST", "/workflows", document, **key).json["workflow_id"]
        return workflow_id

    def execute(path: str, body: dict[str, Any]) -> Any:
        execution = client("POST", path, body, prefer="wait=20", **key).json
        assert execution["status"] == "COMPLETED"
        return execution

    def make_key() -> str:
        key_id: str = client("POST", "/api-keys", {"name": "a key", "scopes": ["runs:read"]}, **key).json["key_id"]
        return key_id

    workflow, later = define(WORKFLOW), define(LATER_WORKFLOW)
    execution = execute(f"/workflows/{workflow}/execute", {"input": {"text": "x"}})
    later_execution = execute(f"/workflows/{later}/executions", {"inputs": {"text": "x"}})["workflow_execution_id"]
    environment = {
        "STEPCALL_KEY": API_KEY,
        "STEPCALL_WORKFLOW": workflow,
        "STEPCALL_CHANGED_WORKFLOW": define(WORKFLOW),
        "STEPCALL_DELETED_WORKFLOW": define(WORKFLOW),
        "STEPCALL_CONFIGURED_WORKFLOW": define(CONFIGURED_WORKFLOW),
        "STEPCALL_EXECUTION": execution["execution_id"],
        "STEPCALL_API_KEY_ID": make_key(),
        "STEPCALL_DELETED_KEY": make_key(),
        "STEPCALL_JOB": execution["externalId"],
    }
    return Service(url, environment, later, later_execution)


def assert_nothing_found(done: "subprocess.CompletedProcess[str]", operations: int) -> None:
    assert done.returncode == 0, done.stdout
    assert f"Tested: {operations}\n" in done.stdout, done.stdout


def test_every_route_answers_as_it_is_described(service: Service) -> None:
    assert_nothing_found(service.schemathesis("/openapi.json"), len(OPERATIONS))


def test_routes_answer_as_described_for_ids_that_there_are_not(service: Service) -> None:
    nothing = "0" * 25
    options = ("--phases", "fuzzing", "--include-path-regex", r"\{(workflow|execution|external|key)_id\}")
    missing = {"workflow": f"wf-{nothing}", "execution": f"ex-{nothing}", "job": f"ex-{nothing}"}
    missing |= {"api_key_id": f"key_{nothing}", "deleted_key": f"key_{nothing}"}
    missing |= {"changed_workflow": missing["workflow"], "deleted_workflow": missing["workflow"]}
    with_ids = [path for _, path in OPERATIONS if "_id}" in path]
    assert_nothing_found(service.schemathesis("/openapi.json", *options, **missing), len(with_ids))


def test_a_workflow_takes_exactly_what_its_own_description_says(service: Service) -> None:
    path = f"/workflows/{service.environment['STEPCALL_WORKFLOW']}/openapi.json?access_token={API_KEY}"
    assert_nothing_found(service.schemathesis(path, *OF_ONE_WORKFLOW), 5)


def test_a_later_workflow_takes_exactly_what_its_own_description_says(service: Service) -> None:
    path = f"/workflows/{service.later_workflow}/openapi.json?access_token={API_KEY}"
    assert_nothing_found(service.schemathesis(path, *OF_ONE_WORKFLOW, execution=service.later_execution), 5)


def test_every_route_of_the_amperity_face_answers_as_it_is_described(service: Service) -> None:
    done = service.schemathesis("/api/openapi.json", config="schemathesis_amperity.toml")
    assert_nothing_found(done, len(AMPERITY_ACCESS))
