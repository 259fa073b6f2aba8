"""How a URL is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.guarded_http.errors import InvalidRequestError
from stepcall.guarded_http.targets import Target, join_target, parse_host_list, parse_target


@pytest.mark.parametrize(
    ("url", "target", "sent"),
    [
        ("http://example.com", Target("http", "example.com", 80, "/"), "http://example.com/"),
        ("HTTPS://Example.COM:443/A", Target("https", "example.com", 443, "/A"), "https://example.com/A"),
        ("http://example.com:8080?q", Target("http", "example.com", 8080, "/?q"), "http://example.com:8080/?q"),
        ("http://example.com:/x#top", Target("http", "example.com", 80, "/x"), "http://example.com/x"),
        ("http://example.com./", Target("http", "example.com", 80, "/"), "http://example.com/"),
        ("https://[2606:2800::1]:8443/", Target("https", "2606:2800::1", 8443, "/"), "https://[2606:2800::1]:8443/"),
        ("http://93.184.216.34/", Target("http", "93.184.216.34", 80, "/"), "http://93.184.216.34/"),
        ("http://bücher.de/ü?ö", Target("http", "xn--bcher-kva.de", 80, "/%C3%BC?%C3%B6"), None),
        ("http://straße.de/", Target("http", "xn--strae-oqa.de", 80, "/"), None),
        ("http://a_b.example.com/{x}", Target("http", "a_b.example.com", 80, "/%7Bx%7D"), None),
        ("http://e.com/%20%zz?a=[1]&b=@:'", Target("http", "e.com", 80, "/%20%zz?a=[1]&b=@:'"), None),
    ],
)
def test_a_url_is_read_into_one_spelling(url: str, target: Target, sent: str | None) -> None:
    assert parse_target(url) == target
    assert sent is None or parse_target(url).url == sent


@given(st.text(max_size=80))
def test_any_text_after_the_scheme_is_a_target_or_refused(text: str) -> None:
    try:
        target = parse_target(f"http://{text}")
    except InvalidRequestError:
        return
    assert target.url.isascii()
    assert target.url.isprintable()
    assert " " not in target.url
    assert parse_target(target.url) == target


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://example.com:8443/b"),
        ("b?c", "https://example.com:8443/a/b?c"),
        ("//other.example/", "https://other.example/"),
        ("http://other.example", "http://other.example/"),
        ("?x", "https://example.com:8443/a/?x"),
    ],
)
def test_a_redirect_is_read_from_where_it_stands(location: str, url: str) -> None:
    assert join_target(parse_target("https://example.com:8443/a/"), location).url == url


@pytest.mark.parametrize("location", ["ftp://x/", "http://a b/", "http://[::1", "/\r\nSet-Cookie: a=b", "javascript:x"])
def test_a_redirect_that_is_no_web_address_is_refused(location: str) -> None:
    with pytest.raises(InvalidRequestError):
        join_target(parse_target("https://example.com/"), location)


def test_a_host_list_is_read_into_the_spelling_that_targets_have() -> None:
    assert parse_host_list(" Intranet.example , 10.0.0.1:8080,[0:0::1],[::1]:90,") == {
        "intranet.example",
        "10.0.0.1:8080",
        "[::1]",
        "[::1]:90",
    }
    assert parse_host_list("") == frozenset()


@pytest.mark.parametrize(
    "text", ["http://a", "a/b", "a?b", "a#b", "a b", "user@a", "*", "*.example.com", "10.0.0.0/8", "127.1"]
)
def test_a_host_list_holds_hosts_only(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_host_list(text)


def test_messages_show_no_query_and_not_much_path() -> None:
    assert parse_target("https://example.com/a?token=secret").shown == "https://example.com/a"
    assert len(parse_target(f"https://example.com/{'a' * 2000}").shown) == 201
