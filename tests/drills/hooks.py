"""A receiver of webhooks that keeps what comes, for the standard's own library to verify it as of when it came."""

import json
import os
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, NamedTuple

import standardwebhooks.webhooks
from standardwebhooks import Webhook, WebhookVerificationError

from local.moto_world.replacing import replaced

Answer = Callable[[BaseHTTPRequestHandler], None]
LONGEST_HANG_SECONDS = 60.0


class Came(NamedTuple):
    """`at` is in seconds since 1970."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float
    is_taken: bool
    """Whether it was answered by 204."""


class Hook(NamedTuple):
    """What a webhook tells of a run. `webhook_id` is empty where the signature is not the secret's."""

    webhook_id: str
    sequence: int
    execution_id: str
    body: bytes
    is_taken: bool = True


class Hooks:
    """Every path is a receiver, which was sent what `came`. Each of its `answers` is given once, and then 204."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.address = ""
        self.came: defaultdict[str, list[Came]] = defaultdict(list)
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self._now = now
        self._change = threading.Lock()

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"

    def take(self, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer | None:
        with self._change:
            answers = self.answers.get(path)
            special = answers.pop(0) if answers else None
            self.came[path].append(Came(tuple(headers), body, self._now(), is_taken=special is None))
            return special

    def told(self, path: str, secret: str) -> list[Hook]:
        """In the order in which it came."""
        with self._change:
            came = list(self.came.get(path, ()))
        return [read(one, secret) for one in came]


@cache
def read(came: Came, secret: str) -> Hook:
    event = json.loads(came.body)
    webhook_id = dict(came.headers)["webhook-id"] if is_verified(came, secret) else ""
    return Hook(webhook_id, event["data"]["sequence"], event["data"]["execution_id"], came.body, came.is_taken)


def is_verified(came: Came, secret: str) -> bool:
    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Then":
            return cls.fromtimestamp(came.at, tz)

    with replaced(standardwebhooks.webhooks, "datetime", Then):
        try:
            Webhook(secret).verify(came.body, dict(came.headers))
        except WebhookVerificationError:
            return False
    return True


def count_out_of_order(hooks: Sequence[Hook]) -> int:
    """Those that came after a later one of their execution."""
    last: Counter[str] = Counter()
    number = 0
    for hook in hooks:
        number += hook.sequence < last[hook.execution_id]
        last[hook.execution_id] = max(last[hook.execution_id], hook.sequence)
    return number


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def served_hooks(now: Callable[[], float]) -> Iterator[Hooks]:
    hooks = Hooks(now)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            special = hooks.take(self.path, [(name.lower(), value) for name, value in self.headers.items()], body)
            (special or answer(204))(self)

        def log_message(self, *_: Any) -> None:
            """What came is kept."""

    server = Server(("127.0.0.1", 0), Handler)
    hooks.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hooks
    finally:
        server.shutdown()
        server.server_close()


def answer(status: int, **headers: str) -> Answer:
    """`retry_after="1"` becomes `retry-after: 1`."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return send


def redirect(path: str) -> Answer:
    return answer(302, location=path)


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Until the other side has had enough."""
    handler.connection.settimeout(LONGEST_HANG_SECONDS)
    handler.connection.recv(1)


def hang_up(_handler: BaseHTTPRequestHandler) -> None:
    """Without a word."""


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Hang up so that the other side's kernel says so."""
    handler.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())
