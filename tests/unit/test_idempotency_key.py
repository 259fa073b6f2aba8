"""`Idempotency-Key`: how it may be written, and what makes two requests one."""

import json
import re
from typing import Any

import pytest

from stepcall.runtime.http import InvalidRequestError
from stepcall.runtime.idempotency import PLAIN_KEY, fingerprint, read_key, replay_headers

UUID_KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
BODY = b'{"input":{"a":1}}'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (UUID_KEY, UUID_KEY),
        (f'"{UUID_KEY}"', UUID_KEY),
        (f' \t"{UUID_KEY}" ', UUID_KEY),
        ("x" * 255, "x" * 255),
        (f'"{"x" * 255}"', "x" * 255),
        (r'"a\"b\\c"', r'a"b\c'),
        (r"a\b", r"a\b"),
        ('a"b', 'a"b'),
        ("~!,;=", "~!,;="),
    ],
)
def test_a_key_is_the_same_bare_and_in_quotation_marks(text: str, key: str) -> None:
    assert read_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        '""',
        '"',
        '"open',
        "two words",
        '"two words"',
        "x" * 256,
        f'"{"x" * 256}"',
        "schlüssel",
        "a\x00b",
        "a\nb",
        r'"a\b"',
        '"a"b',
        '"a", "b"',
        '"a";b=1',
    ],
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        read_key(text)
    [problem] = raised.value.problems
    assert (problem.location, problem.code) == ("/idempotency-key", "invalid_value")
    assert problem.message == (
        "`Idempotency-Key` must be 1 to 255 visible ASCII characters, bare or in quotation marks."
    )


@pytest.mark.parametrize("text", [UUID_KEY, f'"{UUID_KEY}"', "x" * 255, f'"{"x" * 255}"', "a,b"])
def test_what_the_description_takes_is_taken(text: str) -> None:
    assert re.fullmatch(PLAIN_KEY, text)
    assert read_key(text)


@pytest.mark.parametrize("text", ["", '"', '""', "x" * 256, "a b", '"a', "ü"])
def test_what_is_no_key_is_none_in_the_description_either(text: str) -> None:
    assert not re.fullmatch(PLAIN_KEY, text)


def event(method: str = "POST", path: str = "/workflows/wf-1/execute", query: str = "") -> dict[str, Any]:
    return {"rawPath": path, "rawQueryString": query, "requestContext": {"http": {"method": method}}}


def test_a_request_that_is_sent_again_has_the_same_fingerprint() -> None:
    first = fingerprint(event(), BODY)
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert fingerprint(event(), BODY) == first
    assert fingerprint(event(path="/workflows/wf-1/execute/"), BODY) == first
    assert fingerprint({**event(), "headers": {"x-api-key": "another"}, "rawQueryString": None}, BODY) == first


@pytest.mark.parametrize(
    "query", ["access_token=abc", "access%5Ftoken=abc", "access_token", "access_token=a&access_token=b"]
)
def test_the_carrier_of_the_callers_key_is_no_part_of_a_request(query: str) -> None:
    assert fingerprint(event(query=query), BODY) == fingerprint(event(), BODY)
    assert fingerprint(event(query=f"a=1&{query}&b=2"), BODY) == fingerprint(event(query="a=1&b=2"), BODY)


def test_requests_that_differ_in_anything_else_differ() -> None:
    requests = [
        (event(), BODY),
        (event(), BODY + b" "),
        (event(), b""),
        (event("GET"), BODY),
        (event(path="/workflows/wf-2/execute"), BODY),
        (event(path="/wave/workflows/wf-1/execute"), BODY),
        (event(query="a=1"), BODY),
        (event(query="a=1&b=2"), BODY),
        (event(query="b=2&a=1"), BODY),
        (event(path="/workflows/wf-1/execute", query=""), json.dumps(["POST"]).encode() + BODY),
    ]
    assert len({fingerprint(*request) for request in requests}) == len(requests)


def test_no_part_of_a_request_reads_as_another() -> None:
    assert fingerprint(event(path='/a","b'), b"") != fingerprint(event(path="/a", query="b"), b"")
    assert fingerprint(event(query="a"), b"b") != fingerprint(event(query=""), b'a"]b')


def test_only_a_replay_says_so() -> None:
    assert replay_headers(is_replayed=True) == {"Idempotent-Replayed": "true"}
    assert replay_headers(is_replayed=False) == {}
