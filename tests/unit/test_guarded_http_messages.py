"""What the next hop of a redirect carries, and which headers a caller may set."""

import pytest

from stepcall.guarded_http.errors import ForbiddenTargetError, InvalidRequestError
from stepcall.guarded_http.messages import Request, check_headers, follow_redirect
from stepcall.guarded_http.targets import parse_target

POST = Request(
    "POST",
    parse_target("https://example.com/a"),
    {"authorization": "Bearer x", "content-type": "application/json", "x-signature": "s", "user-agent": "Stepcall"},
    b"{}",
)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_that_is_moved_becomes_a_get_without_body(status: int) -> None:
    moved = follow_redirect(POST, status, "/b")
    assert (moved.method, moved.body, moved.target.path) == ("GET", None, "/b")
    assert "content-type" not in moved.headers


@pytest.mark.parametrize("status", [307, 308])
def test_a_post_is_sent_again_where_the_status_says_so(status: int) -> None:
    moved = follow_redirect(POST, status, "/b")
    assert (moved.method, moved.body, moved.headers) == ("POST", b"{}", POST.headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_safe_method_stays(method: str) -> None:
    assert follow_redirect(Request(method, POST.target), 302, "/b").method == method


@pytest.mark.parametrize(
    "location", ["https://other.example/", "https://example.com:8443/", "https://www.example.com/"]
)
def test_another_origin_gets_no_header_that_may_hold_a_secret(location: str) -> None:
    assert set(follow_redirect(POST, 307, location).headers) == {"content-type", "user-agent"}


def test_the_same_origin_gets_all_headers_again() -> None:
    assert follow_redirect(POST, 307, "https://EXAMPLE.com:443/b").headers == POST.headers


def test_https_does_not_lead_back_to_http() -> None:
    with pytest.raises(ForbiddenTargetError, match=r"https://example\.com/a redirects from https to http"):
        follow_redirect(POST, 302, "http://example.com/a")


def test_http_may_lead_to_https() -> None:
    request = Request("GET", parse_target("http://example.com/"))
    assert follow_redirect(request, 301, "https://example.com/").target.url == "https://example.com/"


def test_a_location_in_raw_utf_8_is_read_as_such() -> None:
    received = "/münchen".encode().decode("latin-1")
    assert follow_redirect(POST, 302, received).target.path == "/m%C3%BCnchen"


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "bad name", "a\r\nb", ""]
)
def test_a_caller_cannot_set_what_frames_the_request(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be set"):
        check_headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\x00", "日本"])
def test_a_header_value_cannot_break_out_of_its_line(value: str) -> None:
    with pytest.raises(InvalidRequestError, match="header X-Note"):
        check_headers({"X-Note": value})


def test_headers_of_the_caller_are_kept() -> None:
    assert check_headers({"X-Note": "café"}) == {"x-note": "café"}
