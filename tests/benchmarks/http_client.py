"""A client of the local stack's API that keeps its connection: what is measured is the service."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

KEY = "sc_local_development_key"
HEADERS = {"x-api-key": KEY, "content-type": "application/json"}
RUN_SECONDS = 60.0


class Client:
    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Raises RuntimeError when the answer is not 2xx."""
        self._connection.request(method, path, None if body is None else json.dumps(body), HEADERS)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500].decode(errors='replace')}")
        return json.loads(text)

    def execute(self, workflow_id: str) -> tuple[float, str]:
        """How long the call took, in milliseconds, and the path of what it started."""
        began = time.perf_counter()
        started = self.send("POST", f"/workflows/{workflow_id}/execute", {"input": {"number": 1}})
        accepted = (time.perf_counter() - began) * 1000
        return accepted, f"/workflows/{workflow_id}/executions/{started['execution_id']}"

    def end_of(self, path: str, pause: float) -> Any:
        """The execution once it is COMPLETED. Raises RuntimeError when it ends otherwise, or not within a minute."""
        deadline = time.monotonic() + RUN_SECONDS
        while True:
            execution = self.send("GET", path)
            if execution["status"] == "COMPLETED":
                return execution
            if execution["status"] not in {"PENDING", "RUNNING"} or time.monotonic() > deadline:
                raise RuntimeError(f"{path} did not complete: {execution}")
            time.sleep(pause)


@contextmanager
def client_of(url: str) -> Iterator[Client]:
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=RUN_SECONDS)
    try:
        yield Client(connection)
    finally:
        connection.close()
