"""What the sender says of receivers as they are: a real server on 127.0.0.1, and hosts that it must not reach."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from deliver_webhook.post import LIMITS, NOT_HTTP, NOT_PUBLIC, post_with
from stepcall.domain.webhook_answer import Answered, NotAnswered
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.limits import Limits
from tests.functional.web_server import Answer, WebServer, answer, redirect, send_endlessly, send_raw
from tests.hostile_targets import DNS, PUBLIC

BODY = b'{"type":"execution.completed"}'
HEADERS = {"content-type": "application/json", "webhook-id": "f24f8cc6-95a0-5050-96fa-54dcb5fdcc65"}
QUICK = Limits(connect_seconds=0.3, read_seconds=0.5, total_seconds=0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer() as running:
        yield running


def ask(server: WebServer, answering: Answer, limits: Limits = QUICK) -> Answered | NotAnswered:
    url = server.serve("/hook", answering)
    return post_with(GuardedHttp({server.host}, user_agent="Stepcall/test"), limits)(url, HEADERS, BODY)


def test_what_is_posted_arrives_as_it_is(server: WebServer) -> None:
    assert ask(server, answer(202)) == Answered(202)
    request = server.received[-1]
    assert (request.method, request.body) == ("POST", BODY)
    assert {name: request.headers[name] for name in HEADERS} == HEADERS
    assert request.headers["user-agent"] == "Stepcall/test"


@pytest.mark.parametrize("status", [200, 204, 400, 404, 410, 500, 503])
def test_a_status_is_told_as_it_came(server: WebServer, status: int) -> None:
    assert ask(server, answer(status, retry_after="7")) == Answered(status, "7")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(server: WebServer, status: int) -> None:
    before = len(server.received)
    assert ask(server, redirect("http://169.254.169.254/latest/meta-data/", status)) == Answered(status)
    assert len(server.received) == before + 1


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (lambda _: time.sleep(1.5), "not done within 0.5 seconds"),
        (send_endlessly(b"HTTP/1.1 200 OK\r\nx: ", b"y", 0.05), "not done within 0.5 seconds"),
        (send_raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000), "does not speak HTTP"),
        (send_raw(b"not HTTP\r\n\r\n"), "does not speak HTTP"),
        (send_raw(b""), "closed the connection"),
    ],
    ids=["hangs", "trickles headers", "600 KB of headers", "is no HTTP", "hangs up"],
)
def test_what_is_no_answer_is_said_in_words(server: WebServer, answering: Any, said: str) -> None:
    told = ask(server, answering)
    assert isinstance(told, NotAnswered)
    assert said in told.error
    assert len(told.error) < 300


@pytest.mark.parametrize(
    "answering",
    [
        send_endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        send_endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.05),
        answer(200, b"\x1f\x8bno gzip", content_encoding="gzip"),
        answer(200, content_length="99999999999"),
    ],
    ids=["streams for ever", "trickles for ever", "is no gzip", "promises 100 GB"],
)
def test_a_success_is_told_as_soon_as_its_head_has_come(server: WebServer, answering: Answer) -> None:
    began = time.monotonic()
    assert ask(server, answering, LIMITS) == Answered(200)
    assert time.monotonic() - began < LIMITS.total_seconds / 3


def look_up(host: str, port: int, **_: Any) -> Any:
    kind = socket.AF_INET6 if ":" in DNS[host][0] else socket.AF_INET
    tail = (0, 0) if kind is socket.AF_INET6 else ()
    return [(kind, socket.SOCK_STREAM, 6, "", (address, port, *tail)) for address in DNS[host]]


@pytest.mark.parametrize("host", [host for host in sorted(DNS) if PUBLIC not in DNS[host] and ":" not in DNS[host][0]])
def test_an_address_that_is_not_public_is_not_called_and_not_told(host: str) -> None:
    told = post_with(GuardedHttp(resolve=look_up, connect=never_connect))(f"https://{host}/hook", HEADERS, BODY)
    assert isinstance(told, NotAnswered)
    assert not any(address in told.error for address in DNS[host])


def test_an_address_that_is_not_public_is_told_in_one_sentence() -> None:
    post = post_with(GuardedHttp(resolve=look_up, connect=never_connect))
    assert post("https://metadata.google.internal/", HEADERS, BODY) == NotAnswered(NOT_PUBLIC, is_final=True)


@pytest.mark.parametrize("lengths", ["5\r\nContent-Length: 6", "a secret"])
def test_nothing_of_what_a_receiver_writes_is_told(server: WebServer, lengths: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\n"
    told = ask(server, send_raw(head.encode()))
    assert told in (NotAnswered(NOT_HTTP), Answered(200))


def never_connect(*_: Any) -> socket.socket:
    raise AssertionError("Nothing may be connected to.")
