"""Every way to start a workflow, for tests that start one by each of them with an `Idempotency-Key`."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from tests.functional.amperity import RUNS
from tests.functional.carto import enable, url_of
from tests.functional.conftest import ENDED, Answer, Api, faults, send
from tests.sample_workflows import declare, transform

DESCRIBED = ("/workflows/", "/api/")


class Door(NamedTuple):
    """One way to start a workflow: a request, another one, the key of an error's text, and that of the run's id."""

    name: str
    method: str
    path: str
    body: Any
    other: Any
    text: str
    id: str | None
    reused: int = 422

    def send(self, url: str, idempotency_key: str | None = None, *, key: str = API_KEY, body: Any = None) -> Answer:
        carried = {"x-api-key": key} | ({} if idempotency_key is None else {"idempotency-key": idempotency_key})
        path, sent = self.path, self.body if body is None else body
        if isinstance(sent, str):
            path, sent = f"{path}?{sent}", None
        while True:
            answer = send(url, self.method, path, sent, headers=carried)
            if path.startswith(DESCRIBED):
                assert faults(self.method, path, answer) == []
            if answer.status != 429:
                return answer
            time.sleep(float(answer.headers["retry-after"]))

    def run_id(self, answer: Answer) -> UUID:
        return read_run_id(answer.json[self.id])


DOORS = (
    "native",
    "native, later",
    "Wave",
    "Amperity",
    "CARTO job",
    "CARTO job by GET",
    "CARTO query",
)


class Called(NamedTuple):
    """A workflow, and its doors by their names."""

    workflow_id: str
    doors: Mapping[str, Door]


def deploy(stack: LocalStack) -> Called:
    """A new workflow of one input that may be left out; its table is made anew with each call."""
    config_id = f"cg-{uuid4().hex[:9]}"
    definition = {
        "name": "Once",
        "config_id": config_id,
        "input": [declare("number", "integer", required=False)],
        "tasks": [transform("only")],
    }
    deployed = enable(stack, definition, cache=False)
    native, call = f"/workflows/{deployed.workflow_id}", f"CALL `{deployed.procedure}`"
    one, two = f"{call}(1)", f"{call}(2)"
    job = f"/v3/sql/{deployed.carto.connection}"
    doors = (
        Door("native", "POST", f"{native}/execute", {"input": {"number": 1}}, {"input": {}}, "detail", "execution_id"),
        Door(
            "native, later",
            "POST",
            f"{native}/executions",
            {"inputs": {"number": 1}},
            {"inputs": {}},
            "detail",
            "workflow_execution_id",
        ),
        Door("Wave", "POST", f"/wave{native}/execute", {"number": 1}, {"number": 2}, "message", "id"),
        Door("Amperity", "POST", RUNS, {"config_id": config_id}, {"config_id": "cg-0"}, "message", "id", 409),
        Door("CARTO job", "POST", f"{job}/job", {"query": one}, {"query": two}, "error", "externalId"),
        Door("CARTO job by GET", "GET", f"{job}/job", url_of(query=one), url_of(query=two), "error", "externalId"),
        Door("CARTO query", "POST", f"{job}/query", {"q": one}, {"q": two}, "error", None),
    )
    return Called(deployed.workflow_id, {door.name: door for door in doors})


def runs_of(stack: LocalStack, called: Called) -> list[str]:
    page = Api(stack.url)("GET", f"/workflows/{called.workflow_id}/executions?limit=100").json
    assert "next_token" not in page
    return [execution["execution_id"] for execution in page["executions"]]


def said(answer: Answer) -> Any:
    """The body, without the token that each answer of the CARTO face makes anew."""
    return {name: value for name, value in answer.json.items() if name != "token"}


def headers_of(answer: Answer) -> dict[str, str]:
    """Those that are not about the one request."""
    own = {"date", "apigw-requestid", "amperity-request-id", "idempotent-replayed", "content-length", "ratelimit"}
    return {name: value for name, value in answer.headers.items() if name not in own}


def is_replayed(answer: Answer) -> bool:
    assert answer.headers.get("idempotent-replayed", "true") == "true"
    return "idempotent-replayed" in answer.headers


def wait_for_end(stack: LocalStack, called: Called) -> None:
    path, deadline = f"/workflows/{called.workflow_id}/executions?limit=100", time.monotonic() + 30
    while time.monotonic() < deadline:
        if {each["status"] for each in Api(stack.url)("GET", path).json["executions"]} <= ENDED:
            return
        time.sleep(0.1)
    raise AssertionError("the runs do not end")
