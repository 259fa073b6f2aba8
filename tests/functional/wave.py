"""A client of the Wave API as its users write one, and workflows to call."""

import time
from collections.abc import Mapping
from typing import Any

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.ids import read_workflow_id
from tests.functional.conftest import Api, KeyClient, put_key

SECONDS_TO_END = 30
GREETING = {
    "name": "Greeting",
    "description": "Says hello, so many times.",
    "input": [{"name": "name", "type": "string"}, {"name": "times", "type": "integer", "default": 2}],
    "tasks": [
        {
            "ref": "greet",
            "type": "Data.Transform",
            "input": {
                "expression": "$join([1..times].('Hello ' & $$.name), ', ')",
                "data": {"name": "{{input.name}}", "times": "{{input.times}}"},
            },
        }
    ],
    "output": [{"name": "greeting", "type": "string", "value": "{{refs.greet.output.result}}"}],
}
FAILING = {
    "name": "Failing",
    "tasks": [{"ref": "bad", "type": "Data.Transform", "input": {"expression": "$error('no such luck')"}}],
}


class Wave(KeyClient):
    """Only its base URL and its key are not Wave's."""

    BASE = "/wave"
    IS_DESCRIBED = False

    def execute(self, workflow_id: str, parameters: Mapping[str, Any]) -> Any:
        """The run that was started."""
        answer = self("POST", f"/workflows/{workflow_id}/execute", parameters)
        assert answer.status == 200, answer.text
        return answer.json

    def polled(self, run_id: str) -> Any:
        """The run, as the source says: poll, and stop when the status is not `running` any more."""
        deadline = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < deadline:
            answer = self("GET", f"/runs/{run_id}")
            assert answer.status == 200, answer.text
            if answer.json["status"] != "running":
                return answer.json
            assert answer.headers["retry-after"] == "10"
            time.sleep(0.05)
        raise AssertionError(f"the run goes on after {SECONDS_TO_END} seconds")

    def run(self, workflow_id: str, parameters: Mapping[str, Any]) -> Any:
        return self.polled(self.execute(workflow_id, parameters)["id"])


def define(stack: LocalStack, definition: Mapping[str, Any], key: str = API_KEY) -> str:
    """The id of a new workflow as a UUID, which is how Wave names it."""
    return str(read_workflow_id(Api(stack.url, key).define(**definition)))


def wave_with_key(stack: LocalStack, text: str, **changes: Any) -> Wave:
    """A client with a new key of the local tenant, or of the one that is named."""
    return Wave(stack.url, put_key(stack, text, **changes))
