"""The guarded client against real servers on 127.0.0.1."""

import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from functools import cache

import pytest

from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import (
    BodyTooLargeError,
    ConnectionFailedError,
    ForbiddenTargetError,
    GuardedHttpError,
    HttpTimeoutError,
    InvalidRequestError,
    InvalidResponseError,
    TooManyRedirectsError,
)
from stepcall.guarded_http.limits import MEGABYTE, Limits
from stepcall.guarded_http.messages import ResponseHead
from stepcall.guarded_http.resolution import Address, Answers
from stepcall.guarded_http.transport import connect_socket
from tests.functional.web_server import WebServer, answer, redirect, send_endlessly, send_raw
from tests.hostile_targets import HOSTILE_TARGETS, resolve_hostile

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as running:
        yield running


@pytest.fixture
def client(server: WebServer) -> GuardedHttp:
    return GuardedHttp({server.host})


class OneServerInternet:
    """Every public address leads to the one server on 127.0.0.1; which ones were called is kept."""

    def __init__(self, server: WebServer) -> None:
        self.server = server
        self.called: list[str] = []
        self.looked_up: list[str] = []
        self.answers: dict[str, list[str]] = {}

    def resolve(self, host: str, port: int, **options: object) -> Answers:
        self.looked_up.append(host)
        changing = self.answers.get(host)
        return resolve_hostile(changing.pop(0) if changing else host, port, **options)

    def connect(self, address: Address, seconds: float) -> socket.socket:
        self.called.append(address.sockaddr[0])
        return connect_socket(Address(socket.AF_INET, ("127.0.0.1", self.server.port)), seconds)

    def client(self) -> GuardedHttp:
        return GuardedHttp(resolve=self.resolve, connect=self.connect)


@pytest.fixture
def internet(server: WebServer) -> OneServerInternet:
    return OneServerInternet(server)


def test_a_page_is_fetched_with_its_status_headers_and_address(server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/page?a=b", answer(203, b"hello", content_type="text/plain", x_note="1"))
    response = client.get(url, headers={"Accept": "text/plain"})
    assert (response.status, response.body, response.final_url) == (203, b"hello", url)
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["x-note"] == "1"
    [received] = server.received
    assert received.headers == {
        "host": server.host,
        "user-agent": "Stepcall",
        "accept": "text/plain",
        "accept-encoding": "gzip",
        "connection": "close",
    }


def test_a_body_is_posted_and_a_redirect_can_be_an_answer(server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/hook", redirect("/elsewhere", 307))
    response = client.request("POST", url, headers={"X-Signature": "s"}, body=b'{"a":1}', follow_redirects=False)
    assert response.status == 307
    [received] = server.received
    assert (received.method, received.body, received.headers["x-signature"]) == ("POST", b'{"a":1}', "s")


def test_a_body_is_posted_again_where_a_redirect_says_so(server: WebServer, client: GuardedHttp) -> None:
    server.serve("/there", answer(200, b"done"))
    url = server.serve("/here", redirect("/there", 308))
    assert client.request("POST", url, body=b"x").body == b"done"
    assert [(received.method, received.body) for received in server.received] == [("POST", b"x"), ("POST", b"x")]


def test_an_answer_without_body_is_whole(server: WebServer, client: GuardedHttp) -> None:
    assert client.get(server.serve("/", send_raw(b"HTTP/1.1 204 No Content\r\n\r\n"))).body == b""
    assert client.request("HEAD", server.serve("/h", answer(200, content_length="99999999"))).body == b""


def test_the_environments_proxies_play_no_part(
    server: WebServer, client: GuardedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client.get(server.serve("/", answer(200, b"direct"))).body == b"direct"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int, server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/old", redirect("new?x=1", status))
    new = server.serve("/new?x=1", answer(200, b"moved"))
    response = client.get(url)
    assert (response.body, response.final_url) == (b"moved", new)


def test_five_redirects_are_followed_and_a_sixth_is_not(server: WebServer, client: GuardedHttp) -> None:
    for number in range(6):
        server.serve(f"/{number}", redirect(f"/{number + 1}"))
    server.serve("/6", answer(200, b"end"))
    assert client.get(server.url("/1")).body == b"end"
    server.received.clear()
    with pytest.raises(TooManyRedirectsError, match=r"/0 redirects more than 5 times"):
        client.get(server.url("/0"))
    assert len(server.received) == 6


def test_a_circle_of_redirects_ends(server: WebServer, client: GuardedHttp) -> None:
    with pytest.raises(TooManyRedirectsError):
        client.get(server.serve("/circle", redirect("/circle")))


def test_a_redirect_without_location_is_an_answer(server: WebServer, client: GuardedHttp) -> None:
    assert client.get(server.serve("/", answer(302, b"where?"))).body == b"where?"


@pytest.mark.parametrize(
    "url", [url for url in HOSTILE_TARGETS if url.isprintable() and url.partition(":")[0].isalpha()], ids=ascii
)
def test_a_redirect_to_a_hostile_target_connects_to_nothing(url: str, internet: OneServerInternet) -> None:
    internet.server.serve("/", redirect(url.encode().decode("latin-1")))
    with pytest.raises((InvalidRequestError, ForbiddenTargetError)):
        internet.client().get("http://public.example.com/")
    assert internet.called == ["93.184.216.34"]


def test_a_redirect_to_the_same_name_is_looked_up_and_checked_again(internet: OneServerInternet) -> None:
    internet.server.serve("/", redirect("/again"))
    internet.answers["rebinding.attacker.example"] = ["93.184.216.34", "169.254.169.254"]
    with pytest.raises(ForbiddenTargetError, match="resolves to a link-local address"):
        internet.client().get("http://rebinding.attacker.example/")
    assert internet.called == ["93.184.216.34"]
    assert internet.looked_up == ["rebinding.attacker.example"] * 2


def test_each_hop_is_looked_up_once_and_gets_its_own_name(internet: OneServerInternet) -> None:
    internet.server.serve("/", redirect("http://both.example.com/next"))
    internet.server.serve("/next", answer(200, b"there"))
    assert internet.client().get("http://public.example.com/").body == b"there"
    assert internet.looked_up == ["public.example.com", "both.example.com"]
    assert [received.headers["host"] for received in internet.server.received] == internet.looked_up


def test_an_allowed_host_may_not_send_the_client_to_another_private_one(server: WebServer, client: GuardedHttp) -> None:
    with WebServer() as other:
        other.serve("/secret", answer(200, b"secret"))
        with pytest.raises(ForbiddenTargetError):
            client.get(server.serve("/", redirect(other.url("/secret"))))
        assert other.received == []


# Sizes


def test_a_body_at_the_limit_is_whole_and_one_byte_more_is_refused(server: WebServer, client: GuardedHttp) -> None:
    limits = Limits(max_body_bytes=100_000)
    for framing in (answer(200, b"a" * 100_000), send_raw(OK + b"\r\n" + b"a" * 100_000)):
        assert len(client.get(server.serve("/", framing), limits=limits).body) == 100_000
    for framing in (answer(200, b"a" * 100_001), send_raw(OK + b"\r\n" + b"a" * 100_001)):
        with pytest.raises(BodyTooLargeError, match="more than 100000 bytes"):
            client.get(server.serve("/", framing), limits=limits)


def test_a_declared_length_over_the_limit_is_refused_without_reading(server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/", send_raw(OK + b"Content-Length: 999999999999\r\n\r\n"))
    with pytest.raises(BodyTooLargeError, match=r"more than 20 MB, the most that is downloaded"):
        client.get(url)


@pytest.mark.parametrize(
    "endless",
    [
        send_endlessly(OK + b"\r\n", b"a" * 65536),
        send_endlessly(CHUNKED, b"10000\r\n" + b"a" * 65536 + b"\r\n"),
    ],
    ids=["until the connection ends", "chunked"],
)
def test_an_endless_body_is_cut_at_the_limit(endless: object, server: WebServer, client: GuardedHttp) -> None:
    assert callable(endless)
    with pytest.raises(BodyTooLargeError):
        client.get(server.serve("/", endless), limits=Limits(max_body_bytes=MEGABYTE))


@cache
def pack_zeros(megabytes: int, window_bits: int) -> bytes:
    """1,000 to 1: what a decompression bomb is made of."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return b"".join([*(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)), packer.flush()])


@pytest.mark.parametrize(
    ("encoding", "window_bits"), [("gzip", 31), ("x-gzip", 31), ("deflate", 15), ("deflate", -15)], ids=str
)
@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
def test_a_decompression_bomb_is_cut_at_the_limit_of_decoded_bytes(
    encoding: str, window_bits: int, chunked: bool, server: WebServer, client: GuardedHttp
) -> None:
    bomb = pack_zeros(200, window_bits)
    assert len(bomb) < MEGABYTE
    head = OK + f"Content-Encoding: {encoding}\r\n".encode()
    by_length = head + f"Content-Length: {len(bomb)}\r\n\r\n".encode() + bomb
    in_chunks = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)
    url = server.serve("/", send_raw(in_chunks if chunked else by_length))
    peak = measure_peak_of_a_refusal(client, url)
    assert peak < 16 * MEGABYTE, f"{peak} bytes were held"


def measure_peak_of_a_refusal(client: GuardedHttp, url: str) -> int:
    """Bytes that Python held at most while the client refused the body at 4 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError):
            client.get(url, limits=Limits(max_body_bytes=4 * MEGABYTE))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_body_of_20_megabytes_is_held_once(server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/", answer(200, b"a" * (20 * MEGABYTE)))
    tracemalloc.start()
    try:
        assert len(client.get(url).body) == 20 * MEGABYTE
        assert tracemalloc.get_traced_memory()[1] < 30 * MEGABYTE
    finally:
        tracemalloc.stop()


# Encodings


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello")),
        ("GZIP", gzip.compress(b"hel") + gzip.compress(b"lo")),
        ("deflate", zlib.compress(b"hello")),
        ("identity", b"hello"),
    ],
    ids=["gzip", "gzip of two members", "deflate", "identity"],  # of their own: gzip's bytes hold the time
)
def test_a_compressed_body_is_decoded(encoding: str, body: bytes, server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/", answer(200, body, content_encoding=encoding))
    assert client.get(url).body == b"hello"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x" * 5000])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str, server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/", answer(200, b"hello", content_encoding=encoding))
    with pytest.raises(InvalidResponseError, match="which was not asked for"):
        client.get(url)


def test_a_body_that_is_not_what_it_says_is_refused(server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/", answer(200, b"this is no gzip", content_encoding="gzip"))
    with pytest.raises(InvalidResponseError, match="cannot be decoded"):
        client.get(url)


# Time


@pytest.mark.parametrize(
    "slow",
    [
        send_endlessly(OK + b"\r\n", b"a", pause_seconds=0.05),
        send_endlessly(CHUNKED, b"1\r\na\r\n", pause_seconds=0.05),
        send_endlessly(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", pause_seconds=0.05),
        send_endlessly(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", pause_seconds=0.05),
        send_endlessly(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b""), pause_seconds=0.05),
        send_endlessly(CHUNKED, b"0", pause_seconds=0.05),
    ],
    ids=["body", "chunks", "headers", "continue", "gzip members that hold nothing", "chunk length"],
)
def test_an_answer_that_trickles_is_cut_at_the_deadline(slow: object, server: WebServer, client: GuardedHttp) -> None:
    assert callable(slow)
    began = time.monotonic()
    with pytest.raises(HttpTimeoutError, match=r"was not done within 0\.4 seconds"):
        client.get(server.serve("/", slow), limits=Limits(read_seconds=0.3, total_seconds=0.4))
    assert time.monotonic() - began < 2


def test_a_host_that_says_nothing_is_given_up_after_the_read_time(server: WebServer, client: GuardedHttp) -> None:
    url = server.serve("/", send_raw(b"", b"", pause_seconds=0.6))
    with pytest.raises(HttpTimeoutError, match=r"did not answer in time \(connecting 5 s, reading 0\.1 s\)"):
        client.get(url, limits=Limits(read_seconds=0.1))


def test_the_deadline_counts_all_hops_together(server: WebServer, client: GuardedHttp) -> None:
    def redirect_late(path: str) -> None:
        head = f"HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n".encode()
        server.serve("/", send_raw(b"", head, pause_seconds=0.15))

    redirect_late("/")
    with pytest.raises(HttpTimeoutError, match="was not done within"):
        client.get(server.url("/"), limits=Limits(read_seconds=0.3, total_seconds=0.4))


# What is no proper answer


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        (b"", ConnectionFailedError, "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", InvalidResponseError, "does not speak HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", InvalidResponseError, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, InvalidResponseError, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n", InvalidResponseError, "does not speak HTTP"),
        (OK + b"Content-Length: 1, 2\r\n\r\nab", InvalidResponseError, "cannot be decoded"),
        (OK + b"Content-Length: 10\r\n\r\nabc", ConnectionFailedError, "before the whole body had come"),
        (CHUNKED + b"zz\r\nabc\r\n", ConnectionFailedError, "before the whole body had come"),
        (CHUNKED + b"5\r\nabc", ConnectionFailedError, "before the whole body had come"),
    ],
    ids=[
        "nothing",
        "ssh",
        "no status",
        "long line",
        "many headers",
        "two lengths",
        "short body",
        "bad chunk",
        "short chunk",
    ],
)
def test_a_broken_answer_is_a_clear_error(
    raw: bytes, error: type[GuardedHttpError], message: str, server: WebServer, client: GuardedHttp
) -> None:
    with pytest.raises(error, match=message):
        client.get(server.serve("/", send_raw(raw)))


def test_a_port_where_nobody_listens_is_a_clear_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConnectionFailedError, match=rf"The connection to {host} failed: Connection refused\."):
            GuardedHttp({host}).get(f"http://{host}/")


def test_an_answer_can_be_refused_before_its_body_is_read(server: WebServer, client: GuardedHttp) -> None:
    seen: list[tuple[int, str]] = []

    def refuse(head: ResponseHead) -> None:
        seen.append((head.status, head.headers["content-type"]))
        raise LookupError("not this one")

    url = server.serve("/", send_endlessly(b"HTTP/1.1 418 Teapot\r\nContent-Type: tea/black\r\n\r\n", b"a" * 1000))
    with pytest.raises(LookupError, match="not this one"):
        client.get(url, check_head=refuse)
    assert seen == [(418, "tea/black")]
