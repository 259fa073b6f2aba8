"""Web.Download: a page as text."""

from http import HTTPStatus

from run_web_task.page_charset import decode_page
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http import errors
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.messages import Response, ResponseHead
from stepcall.tasks.web import DownloadInput, DownloadOutput

MAX_SECONDS = 45.0
MARGIN_SECONDS = 5.0
"""Kept for decoding the page and storing the task's output."""

_HEADERS = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8,*/*;q=0.1"}
_TEXT_TYPES = frozenset({"", "application/json", "application/xml", "application/javascript", "application/ecmascript"})
_BINARY_SNIFF_BYTES = 1024
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_NOT_TEXT = "Web.Download downloads text, such as HTML, XML, JSON and plain text."

CLIENT_ERRORS: dict[type[errors.GuardedHttpError], tuple[type[TaskError], ErrorReason]] = {
    errors.InvalidRequestError: (PermanentTaskError, ErrorReason.INVALID),
    errors.ForbiddenTargetError: (PermanentTaskError, ErrorReason.ACCESS_DENIED),
    errors.TooManyRedirectsError: (PermanentTaskError, ErrorReason.INVALID),
    errors.BodyTooLargeError: (PermanentTaskError, ErrorReason.RESOURCES_EXCEEDED),
    errors.HttpTimeoutError: (RetryableTaskError, ErrorReason.TIMEOUT),
    errors.HostNotFoundError: (PermanentTaskError, ErrorReason.NOT_FOUND),
    errors.ConnectionFailedError: (RetryableTaskError, ErrorReason.BACKEND_ERROR),
    errors.UntrustedCertificateError: (PermanentTaskError, ErrorReason.INVALID),
    errors.InvalidResponseError: (PermanentTaskError, ErrorReason.INVALID),
}
_STATUSES: dict[int, tuple[type[TaskError], ErrorReason]] = {
    HTTPStatus.UNAUTHORIZED: (PermanentTaskError, ErrorReason.ACCESS_DENIED),
    HTTPStatus.FORBIDDEN: (PermanentTaskError, ErrorReason.ACCESS_DENIED),
    HTTPStatus.NOT_FOUND: (PermanentTaskError, ErrorReason.NOT_FOUND),
    HTTPStatus.GONE: (PermanentTaskError, ErrorReason.NOT_FOUND),
    HTTPStatus.TOO_MANY_REQUESTS: (RetryableTaskError, ErrorReason.RATE_LIMIT_EXCEEDED),
}


def download(task_input: DownloadInput, context: TaskContext, http: GuardedHttp) -> DownloadOutput:
    """Raises a TaskError for every answer that is not a page of text with a 2xx status."""
    try:
        response = http.get(task_input.url, headers=_HEADERS, limits=_limits(context), check_head=_check_head)
    except errors.GuardedHttpError as exc:
        kind, reason = CLIENT_ERRORS[type(exc)]
        raise kind(reason, str(exc)) from exc
    content_type = response.headers.get("content-type", "")
    _refuse_unlabelled_binary(response, content_type)
    return DownloadOutput(
        html_content=decode_page(response.body, content_type),
        status_code=response.status,
        content_type=content_type,
        final_url=response.final_url,
    )


def _limits(context: TaskContext) -> Limits:
    seconds = min(MAX_SECONDS, context.remaining_seconds() - MARGIN_SECONDS)
    if seconds <= 0:
        raise RetryableTaskError(ErrorReason.TIMEOUT, "The worker had no time left to download the page.")
    return Limits(total_seconds=seconds)


def _check_head(head: ResponseHead) -> None:
    """Before the body is read, so that neither a film nor an error page is downloaded first."""
    if not HTTPStatus.OK <= head.status < HTTPStatus.MULTIPLE_CHOICES:
        kind, reason = _classify_status(head.status)
        raise kind(reason, f"{head.target.shown} answered {_describe_status(head.status)}.")
    media_type = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _is_text(media_type):
        raise PermanentTaskError(
            ErrorReason.INVALID, f"{head.target.shown} is {media_type[:100]}, not text. {_NOT_TEXT}"
        )


def _classify_status(status: int) -> tuple[type[TaskError], ErrorReason]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RetryableTaskError, ErrorReason.BACKEND_ERROR
    return _STATUSES.get(status, (PermanentTaskError, ErrorReason.INVALID))


def _describe_status(status: int) -> str:
    """With the standard's phrase; the host's own may be anything."""
    return f"{status} {HTTPStatus(status).phrase}" if status in HTTPStatus.__members__.values() else str(status)


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+xml", "+json"))


def _refuse_unlabelled_binary(response: Response, content_type: str) -> None:
    start = response.body[:_BINARY_SNIFF_BYTES]
    if not content_type and b"\x00" in start and not start.startswith(_BYTE_ORDER_MARKS):
        raise PermanentTaskError(
            ErrorReason.INVALID,
            f"The answer has no Content-Type and is not text: {response.final_url[:200]}. {_NOT_TEXT}",
        )
