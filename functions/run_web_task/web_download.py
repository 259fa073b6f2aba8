"""Web.Download: a page as text."""

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
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import GuardedHttpError
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.messages import ResponseHead
from stepcall.tasks.web import DownloadInput, DownloadOutput

_HEADERS = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8,*/*;q=0.1"}
_NOT_TEXT = "Web.Download downloads text, such as HTML, XML, JSON and plain text."


def download(task_input: DownloadInput, context: TaskContext, http: GuardedHttp) -> DownloadOutput:
    """Raises a TaskError for every answer that is not a page of text with a 2xx status."""
    limits = Limits(total_seconds=seconds_left(context, "download the page"))
    try:
        response = http.get(task_input.url, headers=_HEADERS, limits=limits, check_head=_check_head)
    except GuardedHttpError as exc:
        raise error_of_client(exc) from exc
    if is_unlabelled_binary(response):
        message = f"The answer has no Content-Type and is not text: {response.final_url[:200]}. {_NOT_TEXT}"
        raise PermanentTaskError(ErrorReason.INVALID, message)
    content_type = response.headers.get("content-type", "")
    return DownloadOutput(
        html_content=decode_page(response.body, content_type),
        status_code=response.status,
        content_type=content_type,
        final_url=response.final_url,
    )


def _check_head(head: ResponseHead) -> None:
    """Before the body is read, so that neither a film nor an error page is downloaded first."""
    if not is_success(head.status):
        raise error_of_status(head)
    media_type = media_type_of(head.headers.get("content-type", ""))
    if not is_text(media_type):
        message = f"{head.target.shown} is {media_type[:100]}, not text. {_NOT_TEXT}"
        raise PermanentTaskError(ErrorReason.INVALID, message)
