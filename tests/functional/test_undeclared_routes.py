"""A route for which nobody has said which scope it needs is closed to everybody."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from local.seed import API_KEY, TENANT
from local.stack import LocalStack
from stepcall.domain.access import Scope
from tests.functional.conftest import send


def ask(access: Mapping[str, Scope | None], path: str, key: str) -> tuple[int, str]:
    """What a face with the routes `/static` and `/dynamic/<name>` answers."""
    from stepcall.runtime.http import json_response, resolver  # noqa: PLC0415 - importable while the stack runs
    from workflows_api.problems import print_error  # noqa: PLC0415

    face = resolver(print_error, access)

    @face.get("/static")
    def get_static() -> Response[str]:
        return json_response(200, {})

    @face.get("/dynamic/<name>")
    def get_dynamic(name: str) -> Response[str]:
        return json_response(200, {"name": name})

    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"x-api-key": key},
        "requestContext": {"http": {"method": "GET", "path": path}, "requestId": "request", "stage": "$default"},
        "body": None,
        "isBase64Encoded": False,
    }
    answer = face.resolve(event, None)  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"]).get("type", "")


@pytest.mark.parametrize("path", ["/static", "/dynamic/one"])
def test_what_is_not_declared_is_closed_to_a_key_with_every_scope(stack: LocalStack, path: str) -> None:
    declared = {"GET /static": Scope.RUNS_READ, "GET /dynamic/<name>": Scope.RUNS_READ}
    assert ask(declared, path, API_KEY)[0] == 200
    assert ask({}, path, API_KEY) == (404, "urn:stepcall:problem:not-found")
    assert ask({}, path, "sc_unknown")[0] == 401


FACES = {
    "/health": {},
    "/workflows": {},
    "/task-types/Web.Download": {},
    "/wave/workflows": {},
    "/v3/sql/jobs": {"authorization": f"Bearer {API_KEY}"},
    "/api/workflow/runs": {"authorization": f"Bearer {API_KEY}", "api-version": "2024-04-01"},
    "/api/openapi.json": {},
}


@pytest.mark.parametrize("path", FACES)
def test_a_path_with_a_control_character_is_no_other_path(stack: LocalStack, path: str) -> None:
    sent = {"x-api-key": API_KEY} | FACES[path] | ({"X-Amperity-Tenant": TENANT} if path.startswith("/api/") else {})
    assert send(stack.url, "GET", path, headers=sent).status == 200
    for control in ("%0A", "%00", "%7F", "%C2%85"):
        assert send(stack.url, "GET", path + control, headers=sent).status == 404, control
    if path.startswith("/task-types"):
        name = "Acme.Fee%0A"
        assert send(stack.url, "PUT", f"/task-types/{name}", {}, headers=sent).status == 404
