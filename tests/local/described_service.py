"""A running stack that Schemathesis calls as its description says, with one of everything on it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.seed import API_KEY
from tests.local.http_client import Client
from tests.local.test_serve import serving

HERE = Path(__file__).parent
COMMAND = Path(sys.executable).parent / "schemathesis"
SECONDS = 240
HOOKS = "tests.local.schemathesis_hooks"
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
    "tasks": [
        {
            "name": "echo",
            "type": "Data.Transform",
            "for_each": ["{{inputs.text}}"],
            "inputs": {"expression": "$", "data": "{{item}}"},
        }
    ],
    "outputs": [{"name": "text", "type": "string", "value": "{{tasks.echo.outputs[0].result}}"}],
}


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
            env=os.environ | self.environment | named | {"COLUMNS": "120", "SCHEMATHESIS_HOOKS": HOOKS},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@contextmanager
def described_service() -> Iterator[Service]:
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

    def make_webhook(of_workflow: str) -> str:
        path, body = f"/workflows/{of_workflow}/webhooks", {"url": "https://example.com/"}
        webhook_id: str = client("POST", path, body, **key).json["webhook_id"]
        return webhook_id

    def make_trigger(of_workflow: str) -> str:
        path, body = f"/workflows/{of_workflow}/triggers", {"type": "schedule", "expression": "rate(1 day)"}
        trigger_id: str = client("POST", path, body | {"input": {"text": "x"}}, **key).json["trigger_id"]
        return trigger_id

    workflow, later = define(WORKFLOW), define(LATER_WORKFLOW)
    subscribed, triggered = define(WORKFLOW), define(WORKFLOW)
    execution = execute(f"/workflows/{workflow}/execute", {"input": {"text": "x"}})
    later_execution = execute(f"/workflows/{later}/executions", {"inputs": {"text": "x"}})["workflow_execution_id"]
    environment = {
        "STEPCALL_KEY": API_KEY,
        "STEPCALL_WORKFLOW": workflow,
        "STEPCALL_CHANGED_WORKFLOW": define(WORKFLOW),
        "STEPCALL_DELETED_WORKFLOW": define(WORKFLOW),
        "STEPCALL_CONFIGURED_WORKFLOW": define(CONFIGURED_WORKFLOW),
        "STEPCALL_SUBSCRIBED_WORKFLOW": subscribed,
        "STEPCALL_WEBHOOK": make_webhook(subscribed),
        "STEPCALL_DELETED_WEBHOOK": make_webhook(subscribed),
        "STEPCALL_TRIGGERED_WORKFLOW": triggered,
        "STEPCALL_TRIGGER": make_trigger(triggered),
        "STEPCALL_DELETED_TRIGGER": make_trigger(triggered),
        "STEPCALL_EXECUTION": execution["execution_id"],
        "STEPCALL_API_KEY_ID": make_key(),
        "STEPCALL_DELETED_KEY": make_key(),
        "STEPCALL_JOB": execution["externalId"],
    }
    return Service(url, environment, later, later_execution)


def assert_nothing_found(done: "subprocess.CompletedProcess[str]", operations: int) -> None:
    assert done.returncode == 0, done.stdout
    assert f"Tested: {operations}\n" in done.stdout, done.stdout
