"""An OpenAI-compatible endpoint whose model, `extractive`, summarises the last user message of a chat.

It speaks for a language model on the local stack: the worker goes the same way as to OpenAI. Any API key will do. The
same request always gets the same answer, so `temperature` and its like are taken and change nothing.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from local.text_tokens import count_tokens

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MODEL = "extractive"
PATH = "/v1/chat/completions"
MAX_CHARACTERS = 1_000_000  # the model's window: more would take longer than anybody waits
MAX_BODY_BYTES = 8 * MAX_CHARACTERS


@dataclass
class RefusedError(Exception):
    """What the API answers in place of a completion."""

    status: HTTPStatus
    message: str
    code: str | None = None
    param: str | None = None


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    role: str
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        parts = self.content or ""
        return parts if isinstance(parts, str) else "\n".join(part.text for part in parts)


class Request(BaseModel):
    """The fields that make a difference here."""

    model: str
    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stream: Literal[False] | None = None
    n: Literal[1] | None = None


def chat_completions(
    now: Callable[[], float] = time.time, new_id: Callable[[], str] = lambda: uuid4().hex
) -> "WSGIApplication":
    """The endpoint as a WSGI application, which may be mounted anywhere. Threads may share it."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            status, document = HTTPStatus.OK, _complete(_read_request(environ), int(now()), new_id())
        except RefusedError as error:
            status, document = error.status, _error_document(error)
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    return application


application = chat_completions()


def _read_request(environ: "WSGIEnvironment") -> Request:
    if environ.get("PATH_INFO") != PATH:
        raise RefusedError(HTTPStatus.NOT_FOUND, f"Unknown request URL: {environ.get('PATH_INFO')}.", "unknown_url")
    if environ["REQUEST_METHOD"] != "POST":
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{PATH} is for POST.", "method_not_supported")
    scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        message = "You didn't provide an API key: send any, as `Authorization: Bearer KEY`."
        raise RefusedError(HTTPStatus.UNAUTHORIZED, message, "invalid_api_key")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY_BYTES:
        raise _too_long()
    return _parse(environ["wsgi.input"].read(length))


def _parse(body: bytes) -> Request:
    try:
        request = Request.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        param = ".".join(str(part) for part in first["loc"])
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{param or 'body'}: {first['msg']}.", param=param or None) from exc
    if sum(len(message.text) for message in request.messages) > MAX_CHARACTERS:
        raise _too_long()
    return request


def _complete(request: Request, created: int, completion_id: str) -> dict[str, Any]:
    from local.extractive_summary import summarize  # noqa: PLC0415 (sumy takes half a second; not every stack asks)

    texts = [message.text for message in request.messages if message.role == "user"]
    if not texts or not texts[-1].strip():
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, "There is no user message with a text to summarise.", param="messages"
        )
    summary = summarize(texts[-1], request.max_completion_tokens or request.max_tokens)
    return {
        "id": f"chatcmpl-{completion_id}",
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": summary, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",  # it always ends with a sentence
            }
        ],
        "usage": _usage(request, summary),
    }


def _usage(request: Request, summary: str) -> dict[str, int]:
    prompt_tokens = sum(count_tokens(message.text) for message in request.messages)
    completion_tokens = count_tokens(summary)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _too_long() -> RefusedError:
    message = (
        f"This model's maximum context length is {MAX_CHARACTERS} characters. Please reduce the length of the messages."
    )
    return RefusedError(HTTPStatus.BAD_REQUEST, message, "context_length_exceeded", "messages")


def _error_document(error: RefusedError) -> dict[str, Any]:
    fields = {"message": error.message, "type": "invalid_request_error", "param": error.param, "code": error.code}
    return {"error": fields}
