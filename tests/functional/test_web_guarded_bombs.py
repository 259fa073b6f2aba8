"""Small answers that mean much, and answers that never end: cut early, and with little held meanwhile."""

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import (
    BodyTooLargeError,
    ConnectionFailedError,
    GuardedHttpError,
    HttpTimeoutError,
    InvalidResponseError,
)
from stepcall.guarded_http.limits import MEGABYTE, Limits
from tests.functional.web_server import ENDLESS_SECONDS, Answer, WebServer, answer, send_endlessly, send_raw

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(50 * MEGABYTE), compresslevel=9)
NESTED = gzip.compress(BOMB)
LIMITS = Limits(max_body_bytes=4 * MEGABYTE, read_seconds=1, total_seconds=2)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as running:
        yield running


def compress_endlessly(handler: BaseHTTPRequestHandler) -> None:
    """One stream of gzip, in chunks, of zeros without end."""
    packer, zeros, end = zlib.compressobj(9, zlib.DEFLATED, 31), bytes(MEGABYTE), time.monotonic() + ENDLESS_SECONDS
    handler.wfile.write(OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    while time.monotonic() < end:
        packed = packer.compress(zeros) + packer.flush(zlib.Z_SYNC_FLUSH)
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(packed), packed))


def refuse(server: WebServer, served: Answer, error: type[GuardedHttpError], message: str) -> int:
    """Bytes that Python held at most while the client refused the answer, by this error, within the time."""
    url = server.serve("/", served)
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(error, match=message):
            GuardedHttp({server.host}).get(url, limits=LIMITS)
        assert time.monotonic() - began < LIMITS.total_seconds + 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def with_encodings(*lines: str, body: bytes = NESTED) -> Answer:
    """The headers as written, each in a line of its own."""
    head = b"".join(f"Content-Encoding: {line}\r\n".encode() for line in lines)
    return send_raw(OK + head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize(
    "encodings",
    [("gzip, gzip",), ("gzip", "gzip"), ("gzip,gzip,gzip",), ("deflate, gzip",), ("br",), ("gzip, br",), ("zstd",)],
    ids=" and ".join,
)
def test_a_nested_bomb_or_one_that_was_not_asked_for_is_refused_undecoded(
    encodings: tuple[str, ...], server: WebServer
) -> None:
    held = refuse(server, with_encodings(*encodings), InvalidResponseError, "which was not asked for")
    assert held < 2 * MEGABYTE


def test_a_bomb_in_a_bomb_is_unpacked_once(server: WebServer) -> None:
    url = server.serve("/", with_encodings("gzip"))
    assert GuardedHttp({server.host}).get(url, limits=LIMITS).body == BOMB


def test_what_a_transfer_encoding_packs_is_not_unpacked(server: WebServer) -> None:
    head = OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" % len(BOMB)
    url = server.serve("/", send_raw(head + BOMB + b"\r\n0\r\n\r\n"))
    assert GuardedHttp({server.host}).get(url, limits=LIMITS).body == BOMB


@pytest.mark.parametrize(
    "endless",
    [compress_endlessly, send_endlessly(OK + b"\r\n", BOMB[:65536])],
    ids=["gzip in chunks", "without a length"],
)
def test_a_stream_without_end_is_cut_at_the_limit(endless: Answer, server: WebServer) -> None:
    held = refuse(server, endless, BodyTooLargeError, "more than 4 MB, the most that is downloaded")
    assert held < 16 * MEGABYTE


@pytest.mark.parametrize(
    "endless",
    [send_endlessly(CHUNKED, b"1" * 65536), send_endlessly(CHUNKED + b"5;", b"x" * 65536)],
    ids=["length", "extension"],
)
def test_a_chunk_line_without_end_is_cut(endless: Answer, server: WebServer) -> None:
    held = refuse(server, endless, ConnectionFailedError, "failed")
    assert held < 2 * MEGABYTE


@pytest.mark.parametrize(
    "endless",
    [
        send_endlessly(CHUNKED + b"1\r\na\r\n0\r\n", b"X-More: x\r\n" * 100),
        send_endlessly(CHUNKED, b"1\r\na\r\n" * 10_000),
    ],
    ids=["trailers", "chunks of one byte"],
)
def test_what_is_slow_to_read_and_never_large_is_cut_at_the_deadline(endless: Answer, server: WebServer) -> None:
    assert refuse(server, endless, HttpTimeoutError, r"was not done within 2 seconds") < 8 * MEGABYTE


def test_the_body_of_a_redirect_is_not_read(server: WebServer) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n"
    url = server.serve("/here", send_endlessly(head, b"10000\r\n" + bytes(65536) + b"\r\n"))
    server.serve("/there", answer(200, b"there"))
    assert GuardedHttp({server.host}).get(url, limits=LIMITS).body == b"there"
