"""What every answer says about itself: on each route, when it succeeds and when it refuses."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from local.stack import LocalStack
from tests.functional.conftest import Answer, Api
from tests.local.http_client import Client
from workflows_api.app import app

DEFINITION = {
    "name": "Headers",
    "tasks": [{"ref": "only", "type": "Data.Transform", "input": {"expression": "1"}}],
    "output": [{"name": "text", "type": "integer", "value": "{{refs.only.output.result}}"}],
}
BODIES: dict[str, Any] = {
    "POST /workflows": DEFINITION,
    "POST /workflows/validate": DEFINITION,
    "PUT /workflows/<workflow_id>": DEFINITION,
}
KEPT = {"GET /openapi.json", "GET /docs", "GET /docs/<file_name>"}
"""What anybody may read says for how long it may be kept."""
NOT_HERE = {"server", "via", "x-powered-by", "x-amzn-trace-id", "x-aspnet-version"}
ORIGIN = "https://app.example"


class Route(NamedTuple):
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, ids: dict[str, str]) -> str:
        return re.sub(r"<(\w+)>", lambda match: ids.get(match[1], "nothing-of-this-id"), self.path)


# what deletes comes last: the others need what it deletes
ROUTES = sorted(
    (Route(route.method, route.path) for route in app._static_routes + app._dynamic_routes),
    key=lambda route: route.method == "DELETE",
)


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """Of what is there, by the parameters' names in the paths."""
    workflow_id = api.define(**DEFINITION)
    run = api.run(workflow_id)
    return {
        "workflow_id": workflow_id,
        "execution_id": run["execution_id"],
        "external_id": run["externalId"],
        "file_name": "start.js",
    }


def faults(answer: Answer) -> list[str]:
    found = [f"says {name}" for name in sorted(NOT_HERE & answer.headers.keys())]
    if answer.headers.get("x-content-type-options") != "nosniff":
        found.append("may be sniffed")
    return found


def all_faults(answers: Iterator[tuple[str, Answer]]) -> tuple[dict[str, list[str]], set[int]]:
    """By route, and the statuses that were met. What is not kept elsewhere says so, every refusal included."""
    found, statuses = {}, set()
    for name, answer in answers:
        may_keep = name in KEPT and answer.status == 200
        kept = [] if (answer.headers.get("cache-control") == "no-store") is not may_keep else ["is kept or is not"]
        statuses.add(answer.status)
        if faults(answer) + kept:
            found[f"{name} {answer.status}"] = faults(answer) + kept
    return found, statuses


def test_every_route_says_so_when_it_succeeds(api: Api, ids: dict[str, str]) -> None:
    answers = ((route.name, api(route.method, route.filled(ids), BODIES.get(route.name))) for route in ROUTES)
    found, statuses = all_faults(answers)
    assert found == {}
    assert {200, 201, 202, 204} <= statuses


def test_every_route_says_so_when_it_refuses(stack: LocalStack, api: Api, ids: dict[str, str]) -> None:
    def refused() -> Iterator[tuple[str, Answer]]:
        stranger = Api(stack.url, key=None)
        for route in ROUTES:
            yield route.name, stranger(route.method, route.filled(ids))
            yield route.name, api("PATCH", route.filled(ids))
            yield route.name, api(route.method, route.filled({}), raw=b"{" if route.method in {"POST", "PUT"} else None)
        yield "GET /nothing", api("GET", "/nothing")

    found, statuses = all_faults(refused())
    assert found == {}
    assert {400, 401, 404, 405} <= statuses


def test_a_body_too_large_is_refused_with_the_same_headers(api: Api) -> None:
    oversized = api("POST", "/workflows", raw=b" " * (1024 * 1024 + 1))
    assert (oversized.status, faults(oversized)) == (413, [])


def test_a_page_of_any_origin_may_ask_with_the_headers_of_the_contract(stack: LocalStack) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT", "access-control-request-headers": "x-api-key"}
    client = Client(stack.url)
    answer = client("OPTIONS", "/workflows/wf-1", **asked)
    client.close()
    headers = dict(answer.headers)
    assert (answer.status, headers["access-control-allow-origin"]) == (204, "*")
    assert headers.keys() & {"access-control-allow-credentials", *NOT_HERE} == set()
    allowed = set(headers["access-control-allow-headers"].split(","))
    assert {"authorization", "content-type", "x-api-key", "idempotency-key", "prefer", "if-match"} <= allowed
    assert {"GET", "POST", "PUT", "DELETE"} <= set(headers["access-control-allow-methods"].split(","))


@pytest.mark.parametrize(("path", "status"), [("/workflows", 200), ("/nothing", 404)])
def test_a_page_of_any_origin_reads_answers_and_refusals(api: Api, path: str, status: int) -> None:
    answer = api("GET", path, headers={"origin": ORIGIN})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, "*")
    exposed = answer.headers["access-control-expose-headers"].split(",")
    assert {"location", "retry-after", "etag", "link", "preference-applied"} <= set(exposed)
