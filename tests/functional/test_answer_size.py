"""An answer that Lambda would not carry is refused in the face's own words, on any route."""

import json
from importlib import import_module
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.access import Scope

CARRIED = 6_291_556
"""Bytes that Lambda hands to the gateway, by its documentation."""


def ask(problems: str, text: str) -> dict[str, Any]:
    """What a face with the route `/text` hands to Lambda."""
    from stepcall.runtime.http import json_response, resolver  # noqa: PLC0415 - importable while the stack runs

    face = resolver(import_module(problems).print_error, {"GET /text": Scope.RUNS_READ})

    @face.get("/text")
    def get_text() -> Response[str]:
        return json_response(200, text)

    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": "/text",
        "rawQueryString": "",
        "headers": {"x-api-key": API_KEY},
        "requestContext": {"http": {"method": "GET", "path": "/text"}, "requestId": "request", "stage": "$default"},
        "body": None,
        "isBase64Encoded": False,
    }
    return face.resolve(event, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("problems", [f"{face}_api.problems" for face in ("workflows", "carto", "wave", "amperity")])
@pytest.mark.parametrize(("text", "count"), [("x", 5_999_000), ('"', 1_499_000), ("é", 2_999_000), ("\0", 850_000)])
def test_what_lambda_carries_is_answered_and_more_is_400(
    stack: LocalStack, problems: str, text: str, count: int
) -> None:
    answer = ask(problems, text * count)
    assert answer["statusCode"] == 200
    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= CARRIED
    refused = ask(problems, text * (count + 50_000))
    assert refused["statusCode"] == 400
    assert "more than the 6 MB" in refused["body"]
