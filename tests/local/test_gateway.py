"""The gateway over real HTTP: what it routes, refuses, answers itself, and makes of a function's answer."""

import base64
import threading
import time
from typing import Any

import pytest

from tests.local.http_client import Answer, Client


def test_an_answer_with_a_status_code_is_taken_at_its_word(client: Client) -> None:
    answer = client(
        "POST",
        "/answer",
        {
            "statusCode": 201,
            "headers": {"Location": "/items/1", "X-Flag": True, "Content-Type": "text/csv"},
            "cookies": ["a=1", "b=2; Secure"],
            "body": "né,1",
        },
    )
    assert (answer.status, answer.body.decode()) == (201, "né,1")
    assert (answer.header("location"), answer.header("x-flag")) == ("/items/1", "true")
    assert answer.header("content-type") == "text/csv"
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2; Secure"]
    assert answer.header("apigw-requestid")


def test_an_answer_without_a_status_code_is_the_body_as_json(client: Client) -> None:
    answer = client("POST", "/answer", {"message": "hello"})
    assert (answer.status, answer.json) == (200, {"message": "hello"})
    assert answer.header("content-type") == "application/json"


@pytest.mark.parametrize(
    ("said", "body"), [(b'"plain words"', b"plain words"), (b"[1, 2]", b"[1,2]"), (b"null", b"null")]
)
def test_an_answer_that_is_no_object_is_a_body_too(client: Client, said: bytes, body: bytes) -> None:
    answer = client("POST", "/answer", said, content_type="application/json")
    assert (answer.status, answer.body) == (200, body)


def test_a_base64_body_is_sent_decoded(client: Client) -> None:
    body = base64.b64encode(b"\x00\xff\x10").decode()
    answer = client("POST", "/answer", {"statusCode": 200, "body": body, "isBase64Encoded": True})
    assert answer.body == b"\x00\xff\x10"


@pytest.mark.parametrize(
    "malformed",
    [
        {"statusCode": "two hundred"},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"an": "object"}},
        {"statusCode": 200, "headers": ["a list"]},
        {"statusCode": 200, "headers": {"x": "one\r\ntwo: smuggled"}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_a_malformed_answer_is_a_500_without_details(client: Client, malformed: Any) -> None:
    assert_internal_server_error(client("POST", "/answer", malformed))


def test_a_function_that_raises_is_a_500_without_details(client: Client) -> None:
    assert_internal_server_error(client("GET", "/raise"))


def test_a_function_sees_lambdas_context(client: Client) -> None:
    context = client("GET", "/context").json
    assert context["function_name"].startswith("stepcall-EchoFunction-")
    assert context["invoked_function_arn"].endswith(f":function:{context['function_name']}")
    assert context["memory_limit_in_mb"] == "512"
    assert 3000 < context["remaining"] <= 5000


def test_functions_have_the_variables_that_cloudformation_resolved(client: Client, service_url: str) -> None:
    variables = client("GET", "/variables").json
    assert variables["GREETING"] == "hello"
    assert variables["ITEMS_TABLE"].startswith("stepcall-ItemsTable-")
    assert variables["MACHINE_PREFIX"] == "stepcall"
    assert variables["OPENAI_BASE_URL"] == f"{service_url}/_local/openai/v1"
    assert variables["OPENAI_API_KEY_SECRET_ARN"].startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:")


def test_a_body_over_10_mb_is_refused_before_any_function_sees_it(client: Client) -> None:
    answer = client("POST", "/answer", b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.json) == (413, {"message": "Request Too Long"})


def test_an_answer_over_6_mb_is_a_500(client: Client) -> None:
    assert_internal_server_error(client("POST", "/answer", {"statusCode": 200, "body": "x" * 6_300_000}))


def test_a_head_request_is_answered_without_a_body(client: Client) -> None:
    answer = client("HEAD", "/one")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.header("content-length") or 0) > 0


def test_a_connection_is_kept_for_the_next_request(service_url: str) -> None:
    client = Client(service_url)
    client("GET", "/one")
    socket_used = client.socket
    client("GET", "/two")
    assert client.socket is socket_used is not None
    client.close()


def test_callers_that_wait_do_not_starve_others(service_url: str) -> None:
    # Given a hundred callers that wait for an answer
    answers: list[Answer] = []

    def wait() -> None:
        waiting = Client(service_url)
        answers.append(waiting("GET", "/hold"))
        waiting.close()

    holders = [threading.Thread(target=wait) for _ in range(100)]
    for holder in holders:
        holder.start()
    # When others ask meanwhile, they are answered
    client = Client(service_url)
    while client("GET", "/holding").json < len(holders) and not answers:
        time.sleep(0.005)
    assert not answers
    assert client("GET", "/release").status == 200
    # Then the hundred are, too
    for holder in holders:
        holder.join()
    client.close()
    assert [answer.body for answer in answers] == [b"released"] * 100


ORIGIN = "https://app.example"


def test_a_preflight_is_answered_from_the_templates_configuration(client: Client) -> None:
    answer = client("OPTIONS", "/items/1", origin=ORIGIN, access_control_request_method="POST")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-origin") == ORIGIN
    assert answer.header("access-control-allow-methods") == "GET,POST"
    assert answer.header("access-control-allow-headers") == "x-api-key"
    assert answer.header("access-control-max-age") == "60"


def test_a_preflight_from_elsewhere_is_allowed_nothing(client: Client) -> None:
    answer = client("OPTIONS", "/items/1", origin="https://other.example", access_control_request_method="POST")
    assert answer.status == 204
    assert not [name for name, _ in answer.headers if name.startswith("access-control-")]


def test_options_without_a_preflights_headers_goes_to_the_function(client: Client) -> None:
    assert client("OPTIONS", "/one").json["requestContext"]["http"]["method"] == "OPTIONS"


def test_cors_headers_are_the_gateways_and_not_the_functions(client: Client) -> None:
    own = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "X-Own": "kept"}}
    answer = client("POST", "/answer", own, origin=ORIGIN)
    assert answer.header("access-control-allow-origin") == ORIGIN
    assert answer.header("access-control-expose-headers") == "location"
    assert answer.header("x-own") == "kept"
    assert client("POST", "/answer", own).header("access-control-allow-origin") is None


def assert_internal_server_error(answer: Answer) -> None:
    assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})
