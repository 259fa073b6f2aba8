"""A client that says on the wire what a test wrote, and nothing of its own."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


class Client:
    """One connection, kept alive as long as the server keeps it."""

    def __init__(self, url: str, timeout: float = 20) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)

    def __call__(self, method: str, path: str, body: bytes | Any = None, **headers: str) -> Answer:
        """A body that is not bytes is sent as JSON. `content_type="…"` sets the header Content-Type."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if sent is not None and not isinstance(body, bytes):
            named = {"content-type": "application/json"} | named
        self._connection.request(method, path, sent, named)
        with self._connection.getresponse() as response:
            return Answer(
                response.status, [(name.lower(), value) for name, value in response.getheaders()], response.read()
            )

    @property
    def socket(self) -> object:
        return self._connection.sock

    def close(self) -> None:
        self._connection.close()
