"""CORS as an HTTP API does it: it answers preflights itself and replaces what an integration says.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

CORS_KEY = "x-amazon-apigateway-cors"
Header = tuple[str, str]


class Cors:
    """The CORS configuration of an API; without one nothing is answered and nothing is changed."""

    def __init__(self, configuration: Mapping[str, Any] | None) -> None:
        self._configuration = configuration

    def preflight(self, method: str, headers: Mapping[str, str]) -> list[Header] | None:
        """The headers of the answer to a preflight; None when the request is none, or CORS is not configured."""
        if self._configuration is None or method != "OPTIONS":
            return None
        if "origin" not in headers or "access-control-request-method" not in headers:
            return None
        origin = self._origin(headers["origin"])
        if not origin:
            return []
        lists = {"access-control-allow-methods": "allowMethods", "access-control-allow-headers": "allowHeaders"}
        return origin + self._listed(lists) + self._max_age()

    def on_answer(self, answer: Iterable[Header], origin: str | None) -> list[Header]:
        """An integration's headers, with the configured CORS headers in place of its own."""
        if self._configuration is None:
            return list(answer)
        kept = [(name, value) for name, value in answer if not name.lower().startswith("access-control-")]
        allowed = self._origin(origin) if origin else []
        return kept + allowed + (self._listed({"access-control-expose-headers": "exposeHeaders"}) if allowed else [])

    def _origin(self, origin: str) -> list[Header]:
        configuration = self._configuration or {}
        allowed = configuration.get("allowOrigins", [])
        if "*" not in allowed and origin not in allowed:
            return []
        credentials = [("access-control-allow-credentials", "true")] if configuration.get("allowCredentials") else []
        return [("access-control-allow-origin", "*" if "*" in allowed else origin), *credentials]

    def _listed(self, properties: Mapping[str, str]) -> list[Header]:
        configuration = self._configuration or {}
        return [(name, ",".join(configuration[key])) for name, key in properties.items() if configuration.get(key)]

    def _max_age(self) -> list[Header]:
        configuration = self._configuration or {}
        return [("access-control-max-age", str(configuration["maxAge"]))] if "maxAge" in configuration else []
