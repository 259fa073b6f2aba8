"""Which URLs are taken at the door."""

from ipaddress import ip_address

import pytest

from stepcall.guarded_http.targets import parse_target
from stepcall.guarded_http.webhook_urls import MAX_WEBHOOK_URL_LENGTH, find_fault
from tests.hostile_targets import HOSTILE_TARGETS

NONE: frozenset[str] = frozenset()
ALLOWED = frozenset({"127.0.0.1:8000", "intranet.example", "[fd00::1]:80"})


def code(url: str, allowed: frozenset[str] = NONE) -> str | None:
    fault = find_fault(url, allowed, "/url")
    return fault.code if fault else None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hooks?token=%C3%BC",
        "HTTPS://EXAMPLE.COM:8443/",
        "https://xn--bcher-kva.de/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://example.com/" + "a" * (MAX_WEBHOOK_URL_LENGTH - 20),
    ],
)
def test_a_url_of_a_public_host_by_tls_is_taken(url: str) -> None:
    assert code(url) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com/", "not_https"),
        ("http://93.184.216.34/", "not_https"),
        ("", "invalid_url"),
        ("example.com/hooks", "invalid_url"),
        ("//example.com/hooks", "invalid_url"),
        ("https:///hooks", "invalid_url"),
        ("https:example.com", "invalid_url"),
        ("ftp://example.com/", "invalid_url"),
        ("javascript:alert(1)", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("https://user@example.com/", "invalid_url"),
        ("https://user:secret@example.com/", "invalid_url"),
        ("https://example.com@127.0.0.1/", "invalid_url"),
        ("https://example.com#@127.0.0.1/", "invalid_url"),
        ("https://example.com/#", "invalid_url"),
        ("https://example.com/a b", "invalid_url"),
        ("https://example.com/a\r\nhost: x", "invalid_url"),
        (" https://example.com/", "invalid_url"),
        ("https://example.com\\@127.0.0.1/", "invalid_url"),
        ("https://example.com:0/", "invalid_url"),
        ("https://example.com:65536/", "invalid_url"),
        ("https://bücher.de/", "invalid_url"),
        ("https://example.com/ü", "invalid_url"),
        ("https://①②⑦.⓪.⓪.①/", "invalid_url"),
        ("https://\ud800/", "invalid_url"),
        ("https://example.com/" + "a" * (MAX_WEBHOOK_URL_LENGTH - 19), "invalid_url"),
        ("https://127.1/", "invalid_url"),
        ("https://0x7f000001/", "invalid_url"),
        ("https://2130706433/", "invalid_url"),
        ("https://0177.0.0.1/", "invalid_url"),
        ("https://[fe80::1%25eth0]/", "invalid_url"),
        ("https://127.0.0.1/", "not_public"),
        ("http://10.0.0.1/", "not_public"),  # the graver of its two faults
        ("https://localhost/", "not_public"),
        ("https://LOCALHOST.:8443/", "not_public"),
        ("https://anything.localhost/", "not_public"),
        ("https://127.0.0.1./", "not_public"),
        ("https://0.0.0.0/", "not_public"),
        ("https://10.1.2.3:8443/", "not_public"),
        ("https://169.254.169.254/latest/meta-data/", "not_public"),
        ("https://[::1]/", "not_public"),
        ("https://[::ffff:127.0.0.1]/", "not_public"),
        ("https://[64:ff9b::7f00:1]/", "not_public"),
        ("https://[fd00:ec2::254]/", "not_public"),
    ],
)
def test_what_is_not_called_is_refused_by_what_is_wrong_with_it(url: str, expected: str) -> None:
    assert code(url) == expected


@pytest.mark.parametrize("url", HOSTILE_TARGETS)
def test_of_hostile_targets_none_gets_in_but_by_a_name_which_the_call_looks_up(url: str) -> None:
    by_tls = url.replace("http://", "https://", 1)
    assert code(url) is not None or url.startswith("https://")
    if code(by_tls) is None:
        with pytest.raises(ValueError, match="does not appear to be"):
            ip_address(parse_target(by_tls).host)


def test_a_deployer_may_allow_a_host_by_its_very_name_and_port() -> None:
    for url in (
        "http://127.0.0.1:8000/x",
        "http://intranet.example/",
        "https://intranet.example/",
        "http://[fd00::1]/",
    ):
        assert code(url, ALLOWED) is None, url
    for url in ("http://127.0.0.1/", "http://127.0.0.1:8001/", "https://127.0.0.1:8001/", "http://[fd00::1]:81/"):
        assert code(url, ALLOWED) == "not_public", url
    assert code("http://intranet.example:81/", ALLOWED) == "not_https"
    assert code("http://localhost:8000/", frozenset({"localhost:8000"})) is None
    assert code("https://notlocalhost/", ALLOWED) is None
    assert code("http://x@127.0.0.1:8000/", ALLOWED) == "invalid_url"


@pytest.mark.parametrize(
    "url", ["https://u:hunter2@example.com/", "http://hunter2.example/", "https://127.0.0.1/hunter2"]
)
def test_a_refusal_says_where_and_never_repeats_the_url(url: str) -> None:
    fault = find_fault(url, NONE, "/webhook_url")
    assert fault is not None
    assert fault.location == "/webhook_url"
    assert "hunter2" not in str(fault)
