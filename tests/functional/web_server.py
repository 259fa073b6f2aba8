"""A real web server on 127.0.0.1 for tests."""

import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

ENDLESS_SECONDS = 5.0

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


class WebServer:
    """Answers each path by its function in `answers`; keeps what it received."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.received: list[Received] = []
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    def serve(self, path: str, answer: Answer) -> str:
        """The URL of the path, which now answers so."""
        self.answers[path] = answer
        return self.url(path)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is what many tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler_of(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.received.append(Received(self.command, self.path, headers, body))
            self.close_connection = True
            server.answers.get(self.path, answer(404, b"nothing here"))(self)

        do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    return Handler


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    """`content_type="text/html"` becomes `Content-Type: text/html`."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "content_length" not in headers and "transfer_encoding" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def redirect(location: str, status: int = 302) -> Answer:
    return answer(status, location=location)


def send_raw(*parts: bytes, pause_seconds: float = 0.0) -> Answer:
    """These bytes and nothing else, with a pause before each but the first."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        for number, part in enumerate(parts):
            if number and pause_seconds:
                threading.Event().wait(pause_seconds)
            handler.wfile.write(part)
            handler.wfile.flush()

    return send


def send_endlessly(head: bytes, part: bytes, pause_seconds: float = 0.0) -> Answer:
    """Until the client hangs up; a client that never does is let go after a while, so that its test fails."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        end = time.monotonic() + ENDLESS_SECONDS
        while time.monotonic() < end:
            handler.wfile.write(part)
            handler.wfile.flush()
            if pause_seconds:
                threading.Event().wait(pause_seconds)

    return send
