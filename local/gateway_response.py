"""What a function answered as an HTTP response, by the rules of payload format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

# What belongs to one connection, and what the server counts itself.
NOT_FROM_A_FUNCTION = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"}
    | {"trailer", "trailers", "transfer-encoding", "upgrade"}
)
REASONS = {status.value: status.phrase for status in HTTPStatus}


class MalformedAnswerError(Exception):
    """The function's answer is not of payload format 2.0: the gateway answers 500."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status_line(self) -> str:
        return f"{self.status} {REASONS.get(self.status, 'Unknown')}"

    def with_headers(self, headers: list[tuple[str, str]]) -> "Response":
        return replace(self, headers=tuple(headers))


def message_response(status: int, message: str) -> Response:
    """An answer of the gateway's own."""
    return Response(status, (("content-type", "application/json"),), json.dumps({"message": message}).encode())


def read_answer(payload: str) -> Response:
    """The response a function's JSON answer stands for. Raises MalformedAnswerError."""
    answer = json.loads(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else payload
        return Response(200, (("content-type", "application/json"),), text.encode())
    try:
        status = int(answer["statusCode"])
        headers = _headers(answer)
        body = _body(answer)
    except (TypeError, ValueError, AttributeError, binascii.Error) as exc:
        raise MalformedAnswerError(str(exc)) from exc
    if not 100 <= status <= 599:
        raise MalformedAnswerError(f"The status code {status} is none.")
    return Response(status, headers, body)


def _headers(answer: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    given = {str(name).lower(): _text(value) for name, value in (answer.get("headers") or {}).items()}
    kept = [(name, value) for name, value in given.items() if name not in NOT_FROM_A_FUNCTION]
    cookies = [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
    # without a type an HTTP API says text/plain
    return tuple(kept + cookies + ([] if "content-type" in given else [("content-type", "text/plain;charset=UTF-8")]))


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError("The body of an answer is a string.")
    return base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()


def _text(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("A header may not hold a line break.")
    return text.encode("latin-1").decode("latin-1")
