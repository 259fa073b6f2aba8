"""What web tasks make of an answer, or of none: errors of the task, and text."""

from http import HTTPStatus

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http import errors
from stepcall.guarded_http.messages import Response, ResponseHead

MAX_SECONDS = 45.0
MARGIN_SECONDS = 5.0
"""Kept for decoding the answer and storing the task's output."""
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
_TEXT_TYPES = frozenset({"", "application/json", "application/xml", "application/javascript", "application/ecmascript"})
_BINARY_SNIFF_BYTES = 1024
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def seconds_left(context: TaskContext, doing: str) -> float:
    """How long a request may take. Raises RetryableTaskError where there is no time for one."""
    seconds = min(MAX_SECONDS, context.remaining_seconds() - MARGIN_SECONDS)
    if seconds <= 0:
        raise RetryableTaskError(ErrorReason.TIMEOUT, f"The worker had no time left to {doing}.")
    return seconds


def error_of_client(error: errors.GuardedHttpError, message: str = "") -> TaskError:
    kind, reason = CLIENT_ERRORS[type(error)]
    return kind(reason, message or str(error))


def error_of_status(head: ResponseHead) -> TaskError:
    """In the standard's words; the host's own may be anything."""
    kind, reason = _classify_status(head.status)
    return kind(reason, f"{head.target.shown} answered {_describe_status(head.status)}.")


def is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def media_type_of(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+xml", "+json"))


def is_unlabelled_binary(response: Response) -> bool:
    start = response.body[:_BINARY_SNIFF_BYTES]
    is_labelled = bool(response.headers.get("content-type", ""))
    return not is_labelled and b"\x00" in start and not start.startswith(_BYTE_ORDER_MARKS)


def _classify_status(status: int) -> tuple[type[TaskError], ErrorReason]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RetryableTaskError, ErrorReason.BACKEND_ERROR
    return _STATUSES.get(status, (PermanentTaskError, ErrorReason.INVALID))


def _describe_status(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}" if status in HTTPStatus.__members__.values() else str(status)
