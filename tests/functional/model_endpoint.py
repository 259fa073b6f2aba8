"""The local stack's language model at an address of its own, where tests see which key arrives."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from local.chat_completions import application
from local.http_server import HOST, bind, served

REFUSED = "sk-refused"
"""Keys that begin so are refused in OpenAI's words, which repeat the key."""


class ModelEndpoint:
    """`meanwhile` is called while a task waits for its answer."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        key = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        self.keys.append(key)
        self.meanwhile()
        if not key.startswith(REFUSED):
            answer: Iterable[bytes] = application(environ, start_response)
            return answer
        error = {"message": f"Incorrect API key provided: {key}.", "type": "invalid_request_error", "param": None}
        body = json.dumps({"error": error | {"code": "invalid_api_key"}}).encode()
        start_response("401 Unauthorized", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


@contextmanager
def model_at_a_port_of_its_own() -> Iterator[ModelEndpoint]:
    endpoint, bound = ModelEndpoint(), bind(0)
    with served(endpoint, bound):
        endpoint.url = f"http://{HOST}:{bound.getsockname()[1]}/v1"
        yield endpoint
