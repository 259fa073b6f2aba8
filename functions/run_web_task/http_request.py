"""Http.Request: any request, and its answer as text and as JSON.

Of a request that carries a secret no error repeats what was answered: it may be the secret.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid5

from run_web_task.http_secrets import HttpSecrets
from run_web_task.page_charset import decode_page
from run_web_task.text_answers import (
    error_of_client,
    error_of_status,
    is_success,
    is_text,
    is_unlabelled_binary,
    media_type_of,
    seconds_left,
)
from stepcall.domain.errors import ErrorReason, PermanentTaskError, TaskError
from stepcall.domain.json_text import MalformedJsonError, NotJsonError, read_json, write_json
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import GuardedHttpError, InvalidResponseError
from stepcall.guarded_http.limits import MEGABYTE, Limits
from stepcall.guarded_http.messages import REDIRECTS, Response, ResponseHead
from stepcall.guarded_http.targets import Target, parse_target
from stepcall.tasks.http import MAX_BODY_MB, RequestInput, RequestOutput

MAX_BODY_BYTES = MAX_BODY_MB * MEGABYTE
MAX_HEADER_BYTES = 16 * 1024
FOLLOWS_REDIRECTS = frozenset({"GET", "HEAD"})
NOT_REPEATABLE = frozenset({"POST", "PATCH"})
"""What is done twice when it is sent twice, unless its receiver knows the key that it is sent with."""
ACCEPT = "application/json, text/*;q=0.9, */*;q=0.1"
JSON, TEXT = "application/json", "text/plain; charset=utf-8"
_OTHER_TEXT = frozenset({"application/jsonl", "application/x-ndjson", "application/x-www-form-urlencoded"})
_NO_REDIRECT = (
    "Redirects are followed by GET and HEAD without a secret and without an accepted redirect; "
    "call the address itself, or accept the status."
)


class _StatusRefusedError(Exception):
    """An answer that is not taken; its body is not read."""

    def __init__(self, head: ResponseHead) -> None:
        super().__init__()
        self.head = head


def request(task_input: RequestInput, context: TaskContext, http: GuardedHttp, secrets: HttpSecrets) -> RequestOutput:
    """Raises a TaskError for every answer that is not text with a status that is taken."""
    call = _Call(task_input, context, http, secrets)
    try:
        return call.finish()
    except _StatusRefusedError as refused:
        raise _error_of(refused.head) from None
    except GuardedHttpError as exc:
        hides = call.has_secrets and isinstance(exc, InvalidResponseError)
        raise error_of_client(exc, "The host does not answer as HTTP should." if hides else "") from exc


def _error_of(head: ResponseHead) -> TaskError:
    error = error_of_status(head)
    return type(error)(error.reason, f"{error.message} {_NO_REDIRECT}") if head.status in REDIRECTS else error


@dataclass(frozen=True)
class _Call:
    """One task's request."""

    asked: RequestInput
    context: TaskContext
    http: GuardedHttp
    secrets: HttpSecrets

    def finish(self) -> RequestOutput:
        """Raises _StatusRefusedError, GuardedHttpError and TaskError."""
        try:
            return self._send()
        except _StatusRefusedError as refused:
            if refused.head.status != HTTPStatus.UNAUTHORIZED or not self._has_new_secrets():
                raise
        return self._send()

    @property
    def has_secrets(self) -> bool:
        return any(isinstance(value, dict) for value in self.asked.headers.values())

    def _send(self) -> RequestOutput:
        answer = self.http.request(
            self.asked.method,
            self.asked.url,
            headers=dict(self._headers()),
            body=self._body(),
            follow_redirects=self._follows_redirects,
            limits=self._limits(),
            check_head=self._check_head,
        )
        if is_unlabelled_binary(answer):
            raise _not_text()
        return _read(answer)

    def _has_new_secrets(self) -> bool:
        names = {value["secret"] for value in self.asked.headers.values() if isinstance(value, dict)}
        return True in {self.secrets.has_changed(name) for name in names}

    @property
    def _follows_redirects(self) -> bool:
        if self.has_secrets or REDIRECTS & set(self.asked.accept_statuses):
            return False
        return self.asked.method in FOLLOWS_REDIRECTS

    def _headers(self) -> Iterator[tuple[str, str]]:
        """Those that are not said first, so that what is said takes their place."""
        yield "accept", ACCEPT
        if self.asked.body is not None:
            yield "content-type", TEXT if isinstance(self.asked.body, str) else JSON
        if self.asked.method in NOT_REPEATABLE:
            yield "idempotency-key", str(uuid5(self.context.run_id, self.context.ref))
        target = parse_target(self.asked.url)
        for name, value in self.asked.headers.items():
            yield name.lower(), value if isinstance(value, str) else self._with_secret(value, target)

    def _with_secret(self, header: dict[str, str], target: Target) -> str:
        return header.get("prefix", "") + self.secrets.value_for(header["secret"], target)

    def _body(self) -> bytes | None:
        if self.asked.body is None:
            return None
        try:
            text = self.asked.body if isinstance(self.asked.body, str) else write_json(self.asked.body)
            body = text.encode()
        except (NotJsonError, UnicodeEncodeError) as exc:
            raise PermanentTaskError(ErrorReason.INVALID, "The body holds what JSON and UTF-8 cannot say.") from exc
        if len(body) > MAX_BODY_BYTES:
            message = f"The body has more than {MAX_BODY_MB} MB, the most that is sent."
            raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)
        return body

    def _limits(self) -> Limits:
        seconds = seconds_left(self.context, "send the request")
        # a service may think for a while before it says its first word
        return Limits(read_seconds=seconds, total_seconds=seconds, max_body_bytes=MAX_BODY_BYTES)

    def _check_head(self, head: ResponseHead) -> None:
        """Before the body is read."""
        if not is_success(head.status) and head.status not in self.asked.accept_statuses:
            raise _StatusRefusedError(head)
        media_type = media_type_of(head.headers.get("content-type", ""))
        is_empty = self.asked.method == "HEAD" or head.headers.get("content-length") == "0"
        if not is_empty and not is_text(media_type) and media_type not in _OTHER_TEXT:
            raise _not_text()


def _read(answer: Response) -> RequestOutput:
    content_type = answer.headers.get("content-type", "")
    body = decode_page(answer.body, content_type)
    return RequestOutput(
        status=answer.status,
        headers=dict(_bounded(answer)),
        content_type=content_type,
        body=body,
        data=_read_data(body) if body and _is_json(content_type) else None,
        final_url=answer.final_url,
    )


def _bounded(answer: Response) -> Iterator[tuple[str, str]]:
    left = MAX_HEADER_BYTES
    for name, value in answer.headers.items():
        left -= len(name) + len(value)
        if left < 0:
            return
        yield name, value


def _is_json(content_type: str) -> bool:
    media_type = media_type_of(content_type)
    return media_type in {JSON, "text/json"} or media_type.endswith("+json")


def _read_data(body: str) -> Any:
    try:
        return read_json(body)
    except MalformedJsonError as exc:
        message = f"The answer is not the JSON that its Content-Type says. {exc}"
        raise PermanentTaskError(ErrorReason.INVALID, message) from exc


def _not_text() -> PermanentTaskError:
    return PermanentTaskError(ErrorReason.INVALID, "The answer is not text, such as JSON, and Http.Request reads text.")
