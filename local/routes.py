"""The routes of an HTTP API, read from its OpenAPI body, and which of them a request takes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ANY = "ANY"
DEFAULT_ROUTE = "$default"
ANY_METHOD_KEY = "x-amazon-apigateway-any-method"
INTEGRATION_KEY = "x-amazon-apigateway-integration"
INTEGRATED_FUNCTION = re.compile(r"/functions/(arn:[^/]+)/invocations$")


@dataclass(frozen=True)
class Route:
    """`key` is `GET /workflows/{id}`, `ANY /v3/sql/{proxy+}` or `$default`; `function` the ARN of what it invokes."""

    key: str
    function: str

    @property
    def method(self) -> str:
        return ANY if self.key == DEFAULT_ROUTE else self.key.split(" ", 1)[0]

    @property
    def path(self) -> str:
        return self.key.split(" ", 1)[-1]

    @property
    def precedence(self) -> tuple[int, list[int], int]:
        """Full matches before greedy ones before $default; of two, the one with more literal segments; ANY last."""
        if self.path == DEFAULT_ROUTE:
            return 2, [], 1
        segments = [0 if not part.startswith("{") else 1 for part in self.path.split("/")]
        return int("+}" in self.path), segments, int(self.method == ANY)


@dataclass(frozen=True)
class Match:
    route: Route
    path_parameters: Mapping[str, str]


class RouteTable:
    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: route.precedence)
        self._routes = [(route, _pattern(route.path)) for route in ordered]

    def match(self, method: str, path: str) -> Match | None:
        """The route of a request with this decoded path."""
        for route, pattern in self._routes:
            if route.method in (ANY, method) and (found := pattern.fullmatch(path)):
                return Match(route, found.groupdict())
        return None


def read_routes(body: Mapping[str, Any]) -> Iterator[Route]:
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if INTEGRATION_KEY not in operation:
                continue  # what describes the path itself
            uri = operation[INTEGRATION_KEY]["uri"]
            found = INTEGRATED_FUNCTION.search(uri)
            if found is None:
                raise ValueError(f"The route {path} invokes no Lambda function: {uri}")
            name = ANY if method == ANY_METHOD_KEY else method.upper()
            yield Route(DEFAULT_ROUTE if path.lstrip("/") == DEFAULT_ROUTE else f"{name} {path}", found[1])


def _pattern(path: str) -> re.Pattern[str]:
    if path == DEFAULT_ROUTE:
        return re.compile(r".*", re.DOTALL)
    parts = re.split(r"\{([^}]+)\}", path)
    pattern = re.escape(parts[0])
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        pattern += f"(?P<{name.rstrip('+')}>{'.+' if name.endswith('+') else '[^/]+'})" + re.escape(literal)
    return re.compile(pattern, re.DOTALL)  # a path may have line breaks in it
