"""Secrets of requests: from Secrets Manager to the host that they are for, and nowhere else."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.stack import REQUEST_TOKEN, LocalStack
from tests.functional.conftest import Api
from tests.functional.everything_logged import everything_logged
from tests.functional.everything_stored import answers_of, assert_nowhere, everything_stored
from tests.functional.web_server import Answer, Received, WebServer, answer, redirect, send_raw

SECRET = "local-request-token"
HEADERS = {"authorization": {"secret": SECRET, "prefix": "Bearer "}, "x-id": "{{input.id}}"}
ROTATED = "local-token-of-tomorrow"
OUTPUT = [{"name": "found", "type": "string", "value": "{{refs.call.output.data.found}}"}]


@pytest.fixture
def host(receiver: WebServer) -> Iterator[WebServer]:
    """What the secret is for."""
    receiver.received.clear()
    yield receiver
    receiver.answers.clear()


def call(api: Api, url: str, **fields: Any) -> Any:
    """The finished execution of a workflow with this one request."""
    asked = {"method": "POST", "url": url, "headers": HEADERS, "body": {"id": "{{input.id}}"}} | fields
    task = {"ref": "call", "type": "Http.Request", "input": asked, "retry": {"attempts": 1}}
    return api.run(api.define(tasks=[task], output=OUTPUT, input=[{"name": "id", "type": "string"}]), {"id": "7"})


def accepts(*tokens: str) -> Answer:
    """Who carries one of these is answered with JSON, and all others with 401."""

    def send(handler: Any) -> None:
        is_known = handler.headers.get("authorization") in {f"Bearer {token}" for token in tokens}
        found = answer(200, json.dumps({"found": "it"}).encode(), content_type="application/json")
        (found if is_known else answer(401))(handler)

    return send


def authorizations(received: list[Received]) -> list[str | None]:
    return [asked.headers.get("authorization") for asked in received]


def test_a_secret_reaches_its_host_and_is_seen_nowhere_else(stack: LocalStack, api: Api, host: WebServer) -> None:
    with everything_logged() as said:
        run = call(api, host.serve("/api", accepts(REQUEST_TOKEN)))
    assert (run["status"], run["output"]) == ("COMPLETED", {"found": "it"})
    [asked] = host.received
    assert (asked.headers["authorization"], asked.headers["x-id"]) == (f"Bearer {REQUEST_TOKEN}", "7")
    assert json.loads(asked.body) == {"id": "7"}
    assert_nowhere(REQUEST_TOKEN, everything_stored(stack), *answers_of(api, run), *said)


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (answer(403, REQUEST_TOKEN.encode(), content_type=f"text/{REQUEST_TOKEN}"), "403 Forbidden"),
        (answer(200, b"x", content_type=f"image/{REQUEST_TOKEN}"), "not text"),
        (answer(200, b"x", content_encoding=REQUEST_TOKEN), "does not answer as HTTP should"),
        (answer(200, REQUEST_TOKEN.encode(), content_type="application/json"), "not the JSON"),
        (send_raw(f"HTTP/1.1 {REQUEST_TOKEN}\r\n\r\n".encode()), "HTTP"),
        (redirect(f"https://{REQUEST_TOKEN}.example/{REQUEST_TOKEN}"), "302 Found"),
    ],
    ids=["status", "type", "encoding", "json", "no http", "redirect"],
)
def test_an_error_does_not_repeat_a_secret_that_its_receiver_repeats(
    stack: LocalStack, api: Api, host: WebServer, to: Answer, words: str
) -> None:
    with everything_logged() as said:
        run = call(api, host.serve("/echo", to), method="GET", body=None)
    assert (run["status"], run["error"]["location"]) == ("FAILED", "call")
    assert words in run["error"]["message"]
    assert authorizations(host.received) == [f"Bearer {REQUEST_TOKEN}"]
    assert_nowhere(REQUEST_TOKEN, everything_stored(stack), *answers_of(api, run), *said)


def test_a_secret_follows_no_redirect(api: Api, host: WebServer) -> None:
    with WebServer() as other:
        for place in (other.serve("/", answer(200)), host.serve("/there", answer(200))):
            run = call(api, host.serve("/here", redirect(place, 307)), method="GET", body=None)
            assert "Redirects are followed by GET and HEAD without a secret" in run["error"]["message"]
        assert other.received == []
    assert [asked.path for asked in host.received] == ["/here", "/here"]


def test_a_secret_is_not_sent_to_a_host_that_it_does_not_name(stack: LocalStack, api: Api) -> None:
    with WebServer() as other:
        run = call(api, other.serve("/", answer(200)))
        assert other.received == []
    assert (run["status"], run["error"]["reason"]) == ("FAILED", "accessDenied")
    assert f"The secret `{SECRET}` may not be sent to {other.host}" in run["error"]["message"]


@pytest.mark.parametrize("name", ["local-openai-api-key", "no-such-secret"])
def test_a_secret_that_is_not_listed_is_not_sent_although_it_is_there(api: Api, host: WebServer, name: str) -> None:
    run = call(api, host.serve("/api", answer(200)), headers={"x-api-key": {"secret": name}})
    assert (run["status"], run["error"]["reason"]) == ("FAILED", "accessDenied")
    assert host.received == []


def test_a_secret_that_was_rotated_is_read_again_when_the_old_one_is_refused(api: Api, host: WebServer) -> None:
    secrets = boto3.client("secretsmanager")
    before = secrets.get_secret_value(SecretId=SECRET)["SecretString"]
    call(api, host.serve("/api", accepts(REQUEST_TOKEN)))
    host.received.clear()
    try:
        secrets.put_secret_value(SecretId=SECRET, SecretString=json.dumps(json.loads(before) | {"value": ROTATED}))
        run = call(api, host.serve("/api", accepts(ROTATED)))
        assert run["status"] == "COMPLETED"
        assert authorizations(host.received) == [f"Bearer {REQUEST_TOKEN}", f"Bearer {ROTATED}"]
    finally:
        secrets.put_secret_value(SecretId=SECRET, SecretString=before)
        call(api, host.serve("/api", accepts(REQUEST_TOKEN)))  # so that it is read again
    run = call(api, host.serve("/api", answer(401)))
    assert "401 Unauthorized" in run["error"]["message"]
