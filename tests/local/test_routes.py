"""Which route a request takes. The order is API Gateway's."""

from typing import Any

import pytest

from local.routes import Route, RouteTable, read_routes

KEYS = [
    "$default",
    "ANY /{proxy+}",
    "GET /items/{id}",
    "ANY /items/{id}",
    "GET /items/latest",
    "GET /items/{proxy+}",
    "POST /files/{folder}/{proxy+}",
]
TABLE = RouteTable(Route(key, function="arn") for key in KEYS)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/items/latest", "GET /items/latest", {}),
        ("GET", "/items/7", "GET /items/{id}", {"id": "7"}),
        ("PUT", "/items/7", "ANY /items/{id}", {"id": "7"}),
        ("GET", "/items/7/parts", "GET /items/{proxy+}", {"proxy": "7/parts"}),
        ("POST", "/files/a/b/c", "POST /files/{folder}/{proxy+}", {"folder": "a", "proxy": "b/c"}),
        ("DELETE", "/elsewhere", "ANY /{proxy+}", {"proxy": "elsewhere"}),
        ("GET", "/items/7/", "GET /items/{proxy+}", {"proxy": "7/"}),
        ("GET", "/items/7/\n", "GET /items/{proxy+}", {"proxy": "7/\n"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_is_taken(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    match = TABLE.match(method, path)
    assert match is not None
    assert (match.route.key, match.path_parameters) == (key, parameters)


def test_without_a_default_route_nothing_may_match() -> None:
    assert RouteTable([Route("GET /items/{id}", "arn")]).match("GET", "/items/1/parts") is None


def test_literal_characters_of_a_route_are_no_pattern() -> None:
    table = RouteTable([Route("GET /a.b", "arn")])
    assert table.match("GET", "/a.b")
    assert not table.match("GET", "/axb")


def test_routes_are_read_from_the_body_sam_writes() -> None:
    def integration(arn: str) -> dict[str, Any]:
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        return {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": uri}}

    body = {
        "paths": {
            "/$default": {"x-amazon-apigateway-any-method": {**integration("arn:a"), "isDefaultRoute": True}},
            "/items/{id}": {"get": integration("arn:b"), "parameters": [{"name": "id"}]},
            "/v3/{proxy+}": {"x-amazon-apigateway-any-method": integration("arn:c")},
        }
    }
    assert {route.key: route.function for route in read_routes(body)} == {
        "$default": "arn:a",
        "GET /items/{id}": "arn:b",
        "ANY /v3/{proxy+}": "arn:c",
    }


def test_a_route_that_invokes_no_function_is_refused() -> None:
    body = {"paths": {"/x": {"get": {"x-amazon-apigateway-integration": {"uri": "https://elsewhere.example"}}}}}
    with pytest.raises(ValueError, match="/x invokes no Lambda function"):
        list(read_routes(body))
