"""A client of CARTO's SQL API as its users write one, workflows to call, and pages that wait for the test."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.ids import read_workflow_id
from tests.functional.conftest import Answer, Api, PageServer, put_key, send

SECONDS_TO_END = 30
PARAMETERS = {"number_of_clusters": 2, "buffer_radius": 500, "store_type": "Supermarket"}
ARGUMENTS = "@number_of_clusters,@buffer_radius,@store_type"
CLUSTERS = {
    "name": "Clusters",
    "input": [
        {"name": "number_of_clusters", "type": "integer"},
        {"name": "buffer_radius", "type": "number", "default": 500},
        {"name": "store_type", "type": "string", "required": False},
    ],
    "tasks": [
        {
            "ref": "rows",
            "type": "Sql.Query",
            "input": {
                "query": "SELECT n AS cluster, n * @radius AS reach, @kind AS kind "
                "FROM UNNEST(GENERATE_ARRAY(1, @clusters)) AS n",
                "parameters": {
                    "clusters": "{{input.number_of_clusters}}",
                    "radius": "{{input.buffer_radius}}",
                    "kind": "{{input.store_type}}",
                },
            },
        },
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
    ],
}
LIGHT = {"name": "light", "tasks": [{"ref": "a", "type": "Data.Transform", "input": {"expression": "1"}}]}


@dataclass(frozen=True)
class Carto:
    """Only its base URL and its token are not CARTO's."""

    url: str
    token: str | None = API_KEY
    connection: str = "carto_dw"

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        carried = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return send(self.url, method, path, body, headers={**carried, **(headers or {})}, raw=raw)

    def create(self, query: str, parameters: Any = None) -> Answer:
        sent = {"query": query} | ({} if parameters is None else {"queryParameters": parameters})
        return self("POST", f"/v3/sql/{self.connection}/job", sent)

    def create_by_url(self, text: str) -> Answer:
        return self("GET", f"/v3/sql/{self.connection}/job?{text}")

    def job(self, external_id: str) -> Answer:
        return self("GET", f"/v3/sql/{self.connection}/job/{external_id}")

    def cancel(self, external_id: str) -> Answer:
        return self("DELETE", f"/v3/sql/{self.connection}/job/{external_id}")

    def query(self, statement: str, parameters: Any = None) -> Answer:
        sent = {"q": statement} | ({} if parameters is None else {"queryParameters": parameters})
        return self("POST", f"/v3/sql/{self.connection}/query", sent)

    def ended(self, external_id: str) -> Any:
        """The job once it is DONE."""
        deadline = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < deadline:
            answer = self.job(external_id)
            assert answer.status == 200, answer.text
            if answer.json["status"]["state"] == "DONE":
                return answer.json
            time.sleep(0.05)
        raise AssertionError(f"the job is not DONE after {SECONDS_TO_END} seconds: {answer.text}")

    def run(self, query: str, parameters: Any = None) -> Any:
        """Create a job and wait for its end."""
        created = self.create(query, parameters)
        assert created.status == 200, created.text
        return self.ended(created.json["externalId"])


@dataclass(frozen=True)
class Deployed:
    """A workflow that is enabled, and its CALL with the arguments of the source."""

    workflow_id: str
    procedure: str
    carto: Carto

    def call(self, arguments: str = ARGUMENTS) -> str:
        return f"CALL `{self.procedure}`({arguments})"

    def create(self, arguments: str = ARGUMENTS, parameters: Any = None) -> Answer:
        return self.carto.create(self.call(arguments), PARAMETERS if parameters is None else parameters)

    def run(self, arguments: str = ARGUMENTS, parameters: Any = None) -> Any:
        return self.carto.run(self.call(arguments), PARAMETERS if parameters is None else parameters)


def enable(stack: LocalStack, definition: Mapping[str, Any], **options: Any) -> Deployed:
    """A new workflow of the local tenant, made callable."""
    api = Api(stack.url)
    workflow_id = api.define(**definition)
    enabled = api("POST", f"/workflows/{workflow_id}/api-access", options)
    assert enabled.status == 201, enabled.text
    return Deployed(workflow_id, enabled.json["procedure"], Carto(stack.url))


def executions_of(deployed: Deployed) -> int:
    """How many executions Step Functions has been asked for, for runs of the workflow."""
    states = boto3.client("stepfunctions")
    runs = 0
    for machine in states.list_state_machines(maxResults=1000)["stateMachines"]:
        arn = machine["stateMachineArn"]
        for execution in states.list_executions(stateMachineArn=arn, maxResults=1000)["executions"]:
            told = states.describe_execution(executionArn=execution["executionArn"])["input"]
            runs += str(read_workflow_id(deployed.workflow_id)) in told
    return runs


@dataclass
class HeldPages(dict[str, tuple[int, str, bytes]]):
    """Pages of which one is answered only when the test lets go."""

    gate: threading.Event = field(default_factory=threading.Event)

    def get(self, path: str, default: Any = None) -> Any:
        if path == "/held":
            self.gate.wait(SECONDS_TO_END)
            return 200, "text/html", b"<p>Let go.</p>"
        return super().get(path, default)


@contextmanager
def held_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """While this lasts `/held` is not answered, until the event is set."""
    pages = HeldPages()
    monkeypatch.setattr(PageServer, "pages", pages)
    try:
        yield pages.gate
    finally:
        pages.gate.set()


def held(host: str, definition: Mapping[str, Any] = CLUSTERS) -> dict[str, Any]:
    """The definition with a task before the others that takes until the test lets go."""
    wait = {"ref": "held", "type": "Web.Download", "input": {"url": f"http://{host}/held"}}
    return {**definition, "tasks": [wait, *definition["tasks"]]}


def carto_with_key(stack: LocalStack, text: str, **changes: Any) -> Carto:
    """A client with a new key of the local tenant."""
    return Carto(stack.url, put_key(stack, text, **changes))


def url_of(**parameters: str) -> str:
    """A query string with everything quoted."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
