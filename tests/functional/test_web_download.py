"""Web.Download against a real server."""

import gzip
import socket
import tracemalloc
import uuid
from collections.abc import Iterator

import pytest

from run_web_task.text_answers import CLIENT_ERRORS
from run_web_task.web_download import download
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import GuardedHttpError
from stepcall.guarded_http.limits import MEGABYTE
from stepcall.guarded_http.resolution import Answers
from stepcall.tasks.web import DownloadInput, DownloadOutput
from tests.functional.web_server import WebServer, answer, redirect, send_endlessly, send_raw

PAGE = "<html><body><p>Grüße aus Nürnberg</p></body></html>"
HTML = "text/html; charset=utf-8"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as running:
        yield running


def download_from(server: WebServer, url: str, seconds: float = 60.0) -> DownloadOutput:
    context = TaskContext(uuid.uuid4(), "local", "download", 0, lambda: seconds)
    return download(DownloadInput(url=url), context, GuardedHttp({server.host}, user_agent="Stepcall/1"))


def test_a_page_is_downloaded_as_text_with_all_that_the_contract_promises(server: WebServer) -> None:
    server.serve("/page", answer(200, PAGE.encode(), content_type=HTML))
    output = download_from(server, server.serve("/", redirect("/page", 301)))
    assert output == DownloadOutput(
        html_content=PAGE, status_code=200, content_type=HTML, final_url=server.url("/page")
    )


def test_the_server_is_told_who_asks_and_for_what(server: WebServer) -> None:
    download_from(server, server.serve("/", answer(200, b"x", content_type="text/plain")))
    [received] = server.received
    assert received.headers["user-agent"] == "Stepcall/1"
    assert received.headers["accept"].startswith("text/html,")
    assert received.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html; charset=iso-8859-1", PAGE.encode("latin-1")),
        ("text/html", f'<meta charset="iso-8859-1">{PAGE}'.encode("latin-1")),
        ("text/html", PAGE.encode("utf-8-sig")),
        ("text/html; charset=martian", PAGE.encode()),
    ],
    ids=["content type", "meta", "byte order mark", "unknown"],
)
def test_the_pages_charset_is_honoured(content_type: str, body: bytes, server: WebServer) -> None:
    output = download_from(server, server.serve("/", answer(200, body, content_type=content_type)))
    assert output.html_content.endswith(PAGE)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "TEXT/HTML",
        "application/xhtml+xml",
        "application/json; charset=utf-8",
        "application/ld+json",
        "image/svg+xml",
    ],
)
def test_every_kind_of_text_is_downloaded(content_type: str, server: WebServer) -> None:
    url = server.serve("/", answer(200, PAGE.encode(), content_type=content_type))
    assert download_from(server, url).html_content == PAGE


def test_text_without_content_type_is_downloaded(server: WebServer) -> None:
    output = download_from(server, server.serve("/", answer(200, PAGE.encode())))
    assert (output.html_content, output.content_type) == (PAGE, "")


@pytest.mark.parametrize("content_type", ["image/png", "application/pdf", "application/octet-stream", "video/mp4"])
def test_what_is_no_text_is_refused_before_it_is_downloaded(content_type: str, server: WebServer) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n".encode()
    with pytest.raises(
        PermanentTaskError, match=rf"is {content_type}, not text\. Web\.Download downloads text"
    ) as failure:
        download_from(server, server.serve("/file", send_endlessly(head, b"\x00" * 1000)))
    assert failure.value.reason is ErrorReason.INVALID


def test_what_is_no_text_and_does_not_say_so_is_refused(server: WebServer) -> None:
    with pytest.raises(PermanentTaskError, match="has no Content-Type and is not text"):
        download_from(server, server.serve("/", answer(200, b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")))


@pytest.mark.parametrize(
    ("status", "kind", "reason", "words"),
    [
        (400, PermanentTaskError, ErrorReason.INVALID, "400 Bad Request"),
        (401, PermanentTaskError, ErrorReason.ACCESS_DENIED, "401 Unauthorized"),
        (403, PermanentTaskError, ErrorReason.ACCESS_DENIED, "403 Forbidden"),
        (404, PermanentTaskError, ErrorReason.NOT_FOUND, "404 Not Found"),
        (410, PermanentTaskError, ErrorReason.NOT_FOUND, "410 Gone"),
        (451, PermanentTaskError, ErrorReason.INVALID, "451 Unavailable For Legal Reasons"),
        (499, PermanentTaskError, ErrorReason.INVALID, "499"),
        (304, PermanentTaskError, ErrorReason.INVALID, "304 Not Modified"),
        (302, PermanentTaskError, ErrorReason.INVALID, "302 Found"),
        (429, RetryableTaskError, ErrorReason.RATE_LIMIT_EXCEEDED, "429 Too Many Requests"),
        (500, RetryableTaskError, ErrorReason.BACKEND_ERROR, "500 Internal Server Error"),
        (503, RetryableTaskError, ErrorReason.BACKEND_ERROR, "503 Service Unavailable"),
        (599, RetryableTaskError, ErrorReason.BACKEND_ERROR, "599"),
    ],
)
def test_a_status_that_is_no_success_fails_the_task_with_it(
    status: int, kind: type[TaskError], reason: ErrorReason, words: str, server: WebServer
) -> None:
    url = server.serve("/page?token=secret", answer(status, b"<h1>Sorry</h1>", content_type=HTML))
    with pytest.raises(kind) as failure:
        download_from(server, url)
    assert (type(failure.value), failure.value.reason) == (kind, reason)
    assert failure.value.message == f"{server.url('/page')} answered {words}."


def test_an_error_page_is_not_read(server: WebServer) -> None:
    url = server.serve("/", send_endlessly(b"HTTP/1.1 404 Not Found\r\n\r\n", b"a" * 1000))
    with pytest.raises(PermanentTaskError, match="404 Not Found"):
        download_from(server, url)


def test_a_page_of_20_megabytes_is_downloaded_and_not_held_many_times(server: WebServer) -> None:
    page = b"<p>" + b"a" * (20 * MEGABYTE - 3)
    url = server.serve("/", answer(200, page, content_type=HTML))
    tracemalloc.start()
    try:
        assert len(download_from(server, url).html_content) == 20 * MEGABYTE
        assert tracemalloc.get_traced_memory()[1] < 45 * MEGABYTE  # once as bytes, once as text
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_larger_page_is_a_clear_error(packed: bool, server: WebServer) -> None:
    page = b"a" * (20 * MEGABYTE + 1)
    headers = {"content_type": HTML} | ({"content_encoding": "gzip"} if packed else {})
    url = server.serve("/", answer(200, gzip.compress(page) if packed else page, **headers))
    with pytest.raises(PermanentTaskError) as failure:
        download_from(server, url)
    assert failure.value.reason is ErrorReason.RESOURCES_EXCEEDED
    assert failure.value.message == f"{url} answers with more than 20 MB, the most that is downloaded."


@pytest.mark.parametrize(
    ("url", "reason", "message"),
    [
        ("http://169.254.169.254/latest/meta-data/", ErrorReason.ACCESS_DENIED, "link-local address"),
        ("http://localhost:8000/", ErrorReason.ACCESS_DENIED, "WebAllowedHosts"),
        ("file:///etc/passwd", ErrorReason.INVALID, "only http:// and https://"),
        ("http://2130706433/", ErrorReason.INVALID, "unusual spelling"),
    ],
)
def test_a_forbidden_target_fails_the_task_for_good(
    url: str, reason: ErrorReason, message: str, server: WebServer
) -> None:
    with pytest.raises(PermanentTaskError, match=message) as failure:
        download_from(server, url)
    assert failure.value.reason is reason


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (socket.EAI_NONAME, PermanentTaskError, ErrorReason.NOT_FOUND),
        (socket.EAI_AGAIN, RetryableTaskError, ErrorReason.BACKEND_ERROR),
    ],
)
def test_a_name_that_does_not_exist_is_not_tried_again_but_a_failed_look_up_is(
    code: int, kind: type[TaskError], reason: ErrorReason
) -> None:
    def resolve(*_arguments: object, **_options: object) -> Answers:
        raise socket.gaierror(code, "no")

    context = TaskContext(uuid.uuid4(), "local", "download", 0, lambda: 60.0)
    with pytest.raises(kind) as failure:
        download(DownloadInput(url="http://nowhere.example/"), context, GuardedHttp(resolve=resolve))
    assert failure.value.reason is reason


def test_a_lost_connection_is_tried_again(server: WebServer) -> None:
    with pytest.raises(RetryableTaskError) as failure:
        download_from(server, server.serve("/", send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")))
    assert failure.value.reason is ErrorReason.BACKEND_ERROR


def test_a_slow_page_is_cut_before_the_worker_is_stopped(server: WebServer) -> None:
    url = server.serve("/", send_endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"a", pause_seconds=0.02))
    with pytest.raises(RetryableTaskError, match=r"was not done within 0\.3 seconds") as failure:
        download_from(server, url, seconds=5.3)
    assert failure.value.reason is ErrorReason.TIMEOUT


def test_a_worker_without_time_left_begins_nothing(server: WebServer) -> None:
    with pytest.raises(RetryableTaskError) as failure:
        download_from(server, server.url("/"), seconds=5.0)
    assert failure.value.reason is ErrorReason.TIMEOUT
    assert server.received == []


def test_every_error_of_the_client_is_an_error_of_the_task() -> None:
    assert set(CLIENT_ERRORS) == set(GuardedHttpError.__subclasses__())
