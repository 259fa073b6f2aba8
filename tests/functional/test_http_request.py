"""Http.Request against a real server."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from run_web_task.http_request import MAX_BODY_BYTES, MAX_HEADER_BYTES, request
from run_web_task.http_secrets import HttpSecrets
from stepcall.aws.secrets import SecretsReader
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.client import GuardedHttp
from stepcall.tasks.http import RequestInput, RequestOutput
from tests.functional.web_server import Received, WebServer, answer, redirect, send_endlessly, send_raw

RUN_ID = uuid.UUID("01900000-0000-7000-8000-000000000001")
VALUE = {"id": 7, "name": "Grüße", "exact": 2**70}


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as running:
        yield running


def no_reader() -> SecretsReader:
    raise AssertionError("no secret is asked for")


def send(server: WebServer, url: str, *, seconds: float = 60.0, attempt: int = 0, **fields: Any) -> RequestOutput:
    context = TaskContext(RUN_ID, "local", "call", attempt, lambda: seconds)
    http = GuardedHttp({server.host}, user_agent="Stepcall/1")
    asked = RequestInput.model_validate({"url": url} | fields)
    return request(asked, context, http, HttpSecrets({}, (), no_reader))


def received(server: WebServer, **fields: Any) -> Received:
    send(server, server.serve("/", answer(200)), **fields)
    return server.received[-1]


def test_json_goes_in_and_comes_out(server: WebServer) -> None:
    url = server.serve(
        "/things", answer(201, json.dumps(VALUE).encode(), content_type="application/json", location="/things/7")
    )
    output = send(server, url, method="POST", body=VALUE)
    assert (output.status, output.data, json.loads(output.body)) == (201, VALUE, VALUE)
    assert (output.content_type, output.headers["location"], output.final_url) == ("application/json", "/things/7", url)
    [asked] = server.received
    assert (asked.method, json.loads(asked.body)) == ("POST", VALUE)
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept"].startswith("application/json,")
    assert asked.headers["user-agent"] == "Stepcall/1"


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        (None, b"", None),
        ("Grüße", "Grüße".encode(), "text/plain; charset=utf-8"),
        ("", b"", "text/plain; charset=utf-8"),
        ([1, None], b"[1,null]", "application/json"),
        (False, b"false", "application/json"),
        (0, b"0", "application/json"),
    ],
)
def test_text_is_sent_as_it_is_and_everything_else_as_json(
    body: Any, sent: bytes, content_type: str | None, server: WebServer
) -> None:
    asked = received(server, method="PUT", body=body)
    assert (asked.body, asked.headers.get("content-type")) == (sent, content_type)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_is_sent_and_what_is_not_repeatable_has_a_key(method: str, server: WebServer) -> None:
    asked = received(server, method=method)
    assert asked.method == method
    assert ("idempotency-key" in asked.headers) == (method in {"POST", "PATCH"})


def test_a_request_that_is_sent_again_has_the_same_key_and_that_of_another_task_has_not(server: WebServer) -> None:
    keys = {received(server, method="POST", attempt=attempt).headers["idempotency-key"] for attempt in range(3)}
    assert keys == {str(uuid.uuid5(RUN_ID, "call"))}


def test_what_the_author_says_takes_the_place_of_what_would_be_said(server: WebServer) -> None:
    said = {"Accept": "text/csv", "Content-Type": "application/vnd.x+json", "Idempotency-Key": "mine", "X-Id": "7"}
    asked = received(server, method="POST", body={}, headers=said)
    assert {name.lower(): value for name, value in said.items()}.items() <= asked.headers.items()


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/json", b"[1]", [1]),
        ("application/problem+json; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("application/json", b"", None),
        ("application/json", b"null", None),
        ("text/plain", b"[1]", None),
        ("text/html; charset=iso-8859-1", "Grüße".encode("latin-1"), None),
        ("application/x-ndjson", b"{}\n{}", None),
    ],
)
def test_an_answer_is_text_and_data_when_it_is_json(
    content_type: str, body: bytes, data: Any, server: WebServer
) -> None:
    output = send(server, server.serve("/", answer(200, body, content_type=content_type)))
    assert (output.data, output.body) == (data, body.decode("latin-1" if "8859" in content_type else "utf-8"))


@pytest.mark.parametrize("body", [b'{"id": 7', b"NaN", b"[" * 300 + b"]" * 300, b"<html>"])
def test_json_that_is_none_fails_the_task(body: bytes, server: WebServer) -> None:
    with pytest.raises(PermanentTaskError, match="not the JSON that its Content-Type says") as failure:
        send(server, server.serve("/", answer(200, body, content_type="application/json")))
    assert failure.value.reason is ErrorReason.INVALID


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, PermanentTaskError, ErrorReason.INVALID),
        (401, PermanentTaskError, ErrorReason.ACCESS_DENIED),
        (404, PermanentTaskError, ErrorReason.NOT_FOUND),
        (409, PermanentTaskError, ErrorReason.INVALID),
        (429, RetryableTaskError, ErrorReason.RATE_LIMIT_EXCEEDED),
        (500, RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (503, RetryableTaskError, ErrorReason.BACKEND_ERROR),
    ],
)
def test_a_status_that_is_no_success_fails_the_task_unless_it_is_accepted(
    status: int, kind: type[TaskError], reason: ErrorReason, server: WebServer
) -> None:
    url = server.serve("/thing", answer(status, b'{"why": "told"}', content_type="application/json"))
    with pytest.raises(kind) as failure:
        send(server, url)
    assert failure.value.reason is reason
    assert failure.value.message.startswith(f"{server.url('/thing')} answered {status} ")
    assert "told" not in failure.value.message
    output = send(server, url, accept_statuses=[status])
    assert (output.status, output.data) == (status, {"why": "told"})


def test_an_error_page_is_not_read(server: WebServer) -> None:
    url = server.serve("/", send_endlessly(b"HTTP/1.1 404 Not Found\r\n\r\n", b"a" * 1000))
    with pytest.raises(PermanentTaskError, match="404 Not Found"):
        send(server, url)


def test_get_follows_redirects_and_post_does_not(server: WebServer) -> None:
    server.serve("/there", answer(200, b"[]", content_type="application/json"))
    url = server.serve("/", redirect("/there", 307))
    assert send(server, url).final_url == server.url("/there")
    server.received.clear()
    with pytest.raises(PermanentTaskError, match=r"307 Temporary Redirect\. Redirects are followed by GET and HEAD"):
        send(server, url, method="POST", body={})
    assert [asked.path for asked in server.received] == ["/"]


def test_a_redirect_that_is_accepted_is_the_answer(server: WebServer) -> None:
    output = send(server, server.serve("/", redirect("/there", 303)), accept_statuses=[303])
    assert (output.status, output.headers["location"]) == (303, "/there")


@pytest.mark.parametrize("path", ["http://169.254.169.254/latest/", "http://[::1]:1/", "file:///etc/passwd"])
def test_a_redirect_into_the_private_network_is_refused(path: str, server: WebServer) -> None:
    with pytest.raises(PermanentTaskError):
        send(server, server.serve("/", redirect(path)))


def test_what_is_no_text_is_refused_before_it_is_read(server: WebServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
    with pytest.raises(PermanentTaskError, match="not text"):
        send(server, server.serve("/", send_endlessly(head, b"\x00" * 1000)))
    with pytest.raises(PermanentTaskError, match="not text"):
        send(server, server.serve("/", answer(200, b"\x89PNG\r\n\x1a\n\x00")))


def test_an_empty_answer_may_be_of_any_type(server: WebServer) -> None:
    url = server.serve("/", answer(200, content_type="image/png"))
    assert send(server, url, method="DELETE").body == ""
    assert send(server, server.serve("/", answer(204)), method="DELETE").status == 204


@pytest.mark.parametrize("what", ["answer", "request"])
def test_ten_megabytes_are_the_most_in_either_direction(what: str, server: WebServer) -> None:
    large = b"a" * (MAX_BODY_BYTES + 1)
    url = server.serve("/", answer(200, large if what == "answer" else b"", content_type="text/plain"))
    with pytest.raises(PermanentTaskError, match="more than 10 MB") as failure:
        send(server, url, method="PUT", body=large.decode() if what == "request" else None)
    assert failure.value.reason is ErrorReason.RESOURCES_EXCEEDED


def test_headers_are_kept_as_far_as_there_is_room(server: WebServer) -> None:
    many = {f"x_{number}": "v" * 1000 for number in range(30)}
    output = send(server, server.serve("/", answer(200, b"", **many)))
    kept = sum(len(name) + len(value) for name, value in output.headers.items())
    assert MAX_HEADER_BYTES - 1100 < kept <= MAX_HEADER_BYTES


def test_a_lost_connection_is_tried_again(server: WebServer) -> None:
    with pytest.raises(RetryableTaskError) as failure:
        send(server, server.serve("/", send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")), method="POST")
    assert failure.value.reason is ErrorReason.BACKEND_ERROR


def test_a_slow_answer_is_cut_before_the_worker_is_stopped(server: WebServer) -> None:
    url = server.serve("/", send_endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"a", pause_seconds=0.02))
    with pytest.raises(RetryableTaskError) as failure:
        send(server, url, seconds=5.3)
    assert failure.value.reason is ErrorReason.TIMEOUT


@pytest.mark.parametrize("value", ["a\r\nx-injected: 1", "a\nb", "\x00", "Ω"])
def test_a_header_that_would_change_the_request_is_not_sent(value: str, server: WebServer) -> None:
    with pytest.raises(PermanentTaskError, match="The value of the header x-id holds a character"):
        send(server, server.url("/"), headers={"x-id": value})
    assert server.received == []
