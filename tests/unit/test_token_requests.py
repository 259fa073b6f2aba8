"""The token endpoint as RFC 6749 has it: who may ask, by which ways, and in which words it is refused."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.access import Caller, Scope
from stepcall.runtime.authentication import UnauthenticatedError
from stepcall.runtime.token_requests import (
    Client,
    TokenIssuing,
    TokenRefusedError,
    answer_token_request,
    read_client,
    read_fields,
)
from stepcall.use_cases.issue_token import TokenTooLongError
from tests.clock import Clock

KEY_ID = "key_000000000000000000000000b"
KEY = "sc_a_key"
CALLER = Caller("acme", "ci", KEY_ID, frozenset({Scope.RUNS_READ, Scope.RUNS_START}))
FORM = "application/x-www-form-urlencoded"
CREDENTIALS = {"client_id": KEY_ID, "client_secret": KEY}
ASKED = {"grant_type": "client_credentials"}
TWICE = b'{"scope": "runs:read", ' + json.dumps(ASKED | CREDENTIALS | {"scope": "runs:start"}).encode()[1:]


@dataclass
class Signer:
    """Signs by writing down what it was asked."""

    signed: list[tuple[Caller, timedelta]] = field(default_factory=list)
    room: bool = True

    def sign(self, caller: Caller, issued_at: datetime, expires_at: datetime) -> str:
        if not self.room:
            raise TokenTooLongError("The key has more grants than a token can carry; send the key itself.")
        self.signed.append((caller, expires_at - issued_at))
        return "a.token.of-ours"


def authenticate(key: str) -> Caller:
    assert key.startswith("sc_"), "for what is no key nothing is looked up"
    if key != KEY:
        raise UnauthenticatedError
    return CALLER


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def ask(signer: Signer, clock: Clock) -> Callable[..., Any]:
    """Sends a form, or a body as it is; the status, the headers and the JSON of the answer."""

    def send(fields: dict[str, str] | bytes, content_type: str = FORM, authorization: str = "") -> Any:
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        sent = {"content-type": content_type} | ({"authorization": authorization} if authorization else {})
        response = answer_token_request(sent, body, TokenIssuing(authenticate, signer, clock.now))
        return response.status_code, response.headers, json.loads(response.body or "")

    return send


def basic(key_id: str = KEY_ID, secret: str = KEY, scheme: str = "Basic") -> str:
    pair = f"{quote_plus(key_id)}:{quote_plus(secret)}"
    return f"{scheme} {base64.b64encode(pair.encode()).decode()}"


GRANTED = {"access_token": "a.token.of-ours", "token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize(
    ("fields", "content_type", "authorization"),
    [
        (ASKED | CREDENTIALS, FORM, ""),
        (ASKED | CREDENTIALS, f"{FORM}; charset=UTF-8", ""),
        (ASKED | CREDENTIALS, "", ""),
        (json.dumps(ASKED | CREDENTIALS).encode(), "application/json", ""),
        (json.dumps(ASKED | CREDENTIALS).encode(), "Application/JSON; charset=utf-8", ""),
        (ASKED, FORM, basic()),
        (ASKED, FORM, basic(scheme="basic")),
        (ASKED | {"client_id": KEY_ID}, FORM, basic()),
        (ASKED | {"client_id": "", "client_secret": ""}, FORM, basic()),
        (json.dumps(ASKED).encode(), "application/json", basic()),
        (ASKED | CREDENTIALS | {"scope": "", "audience": "whatever"}, FORM, ""),
        (ASKED | CREDENTIALS, FORM, "Bearer something.else"),
        (ASKED | CREDENTIALS, "text/plain", ""),
        (ASKED | CREDENTIALS, "application/json", ""),
        (urlencode(ASKED | CREDENTIALS).encode() + b"\n", FORM, ""),
        (b"\n " + json.dumps(ASKED | CREDENTIALS).encode(), FORM, ""),
        (json.dumps(ASKED | CREDENTIALS).encode(), "", ""),
        (json.dumps(ASKED).encode(), "text/plain", basic()),
    ],
)
def test_a_key_is_exchanged_for_a_token_of_an_hour(
    ask: Callable[..., Any], signer: Signer, fields: Any, content_type: str, authorization: str
) -> None:
    status, headers, body = ask(fields, content_type, authorization)
    assert (status, body) == (200, GRANTED | {"scope": "runs:read runs:start"})
    assert headers["Cache-Control"] == "no-store"
    assert signer.signed == [(CALLER, timedelta(hours=1))]


def test_a_scope_that_is_asked_for_narrows_the_token(ask: Callable[..., Any], signer: Signer) -> None:
    status, _, body = ask(ASKED | CREDENTIALS | {"scope": "runs:read"})
    assert (status, body["scope"]) == (200, "runs:read")
    [(caller, _)] = signer.signed
    assert caller.scopes == {Scope.RUNS_READ}


@pytest.mark.parametrize(
    "scope", ["runs:cancel", "runs:read keys:manage", "admin", "runs:read,runs:start", "*", " ", "   "]
)
def test_a_scope_that_the_key_does_not_have_or_that_names_none_is_not_given(
    ask: Callable[..., Any], signer: Signer, scope: str
) -> None:
    status, _, body = ask(ASKED | CREDENTIALS | {"scope": scope})
    assert (status, body["error"]) == (400, "invalid_scope")
    assert signer.signed == []


def test_a_scope_that_there_is_not_is_answered_with_those_that_there_are(ask: Callable[..., Any]) -> None:
    _, _, body = ask(ASKED | CREDENTIALS | {"scope": "runs:everything"})
    assert body["error_description"] == f"There is no such scope. There are {', '.join(Scope)}."


@pytest.mark.parametrize(
    ("fields", "authorization"),
    [
        (ASKED, ""),
        (ASKED | {"client_secret": KEY}, ""),
        (ASKED | {"client_id": KEY_ID}, ""),
        (ASKED | {"client_id": "", "client_secret": ""}, ""),
        (ASKED | CREDENTIALS | {"client_secret": KEY + "x"}, ""),
        (ASKED | CREDENTIALS | {"client_id": KEY_ID[:-1]}, ""),
        (ASKED | CREDENTIALS | {"client_id": "ключ"}, ""),
        (ASKED | {"client_id": KEY, "client_secret": KEY_ID}, ""),
        (CREDENTIALS | {"client_secret": "sc_wrong", "scope": "admin"}, ""),
        (ASKED, basic(secret="sc_wrong")),
        (ASKED, basic(secret="a.token.of-ours")),
        (ASKED, basic(key_id="key_another")),
        (ASKED, basic(key_id="", secret="")),
        (ASKED, "Basic"),
        (ASKED, "Basic !"),
        (ASKED, "Basic /w=="),
        (ASKED, f"Basic {base64.b64encode(KEY.encode()).decode()}"),
        (ASKED, f"Bearer {KEY}"),
    ],
)
def test_strangers_are_refused_in_the_same_words_before_anything_else_is_said(
    ask: Callable[..., Any], signer: Signer, fields: dict[str, str], authorization: str
) -> None:
    status, headers, body = ask(fields, FORM, authorization)
    assert (status, body) == (
        401,
        {
            "error": "invalid_client",
            "error_description": "The client is an API key's id, and its secret is the key.",
        },
    )
    assert headers["WWW-Authenticate"].startswith("Basic ")
    assert headers["Cache-Control"] == "no-store"
    assert signer.signed == []


@pytest.mark.parametrize(
    ("fields", "content_type", "authorization", "error"),
    [
        (CREDENTIALS, FORM, "", "invalid_request"),
        (CREDENTIALS | {"grant_type": ""}, FORM, "", "invalid_request"),
        (CREDENTIALS | {"grant_type": "password"}, FORM, "", "unsupported_grant_type"),
        (CREDENTIALS | {"grant_type": "authorization_code"}, FORM, "", "unsupported_grant_type"),
        (ASKED | CREDENTIALS, FORM, basic(), "invalid_request"),
        (ASKED | {"client_id": "key_another"}, FORM, basic(), "invalid_request"),
        (urlencode(ASKED | CREDENTIALS).encode() + b"&grant_type=x", FORM, "", "invalid_request"),
        (urlencode(ASKED | CREDENTIALS).encode() + b"&client_secret=x", FORM, "", "invalid_request"),
        (b"&".join([b"a=b"] * 1000), FORM, "", "invalid_request"),
        (b"\xff\xfe", FORM, "", "invalid_request"),
        (TWICE, "application/json", "", "invalid_request"),
        (
            b'{"a": {}, "a": "x", ' + json.dumps(ASKED | CREDENTIALS).encode()[1:],
            "application/json",
            "",
            "invalid_request",
        ),
        (b'{"a": ' + b"9" * 5000 + b', "a": "x"}', "application/json", "", "invalid_request"),
        (b"{", FORM, "", "invalid_request"),
        (b"[]", "application/json", "", "invalid_request"),
        (b'"client_secret"', "application/json", "", "invalid_request"),
        (
            json.dumps(ASKED | CREDENTIALS | {"scope": ["runs:read"]}).encode(),
            "application/json",
            "",
            "invalid_request",
        ),
        (json.dumps(ASKED | CREDENTIALS | {"client_secret": 7}).encode(), "application/json", "", "invalid_request"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_cannot_be_granted_is_named_as_the_rfc_names_it(
    ask: Callable[..., Any], fields: Any, content_type: str, authorization: str, error: str
) -> None:
    status, headers, body = ask(fields, content_type, authorization)
    assert (status, body["error"]) == (400, error)
    assert body.keys() == {"error", "error_description"}
    assert headers["Cache-Control"] == "no-store"
    assert KEY not in body["error_description"]


def test_a_key_whose_grants_no_token_can_carry_is_told_so(ask: Callable[..., Any], signer: Signer) -> None:
    signer.room = False
    status, _, body = ask(ASKED | CREDENTIALS)
    assert (status, body["error"]) == (400, "invalid_request")
    assert "send the key itself" in body["error_description"]


def test_credentials_of_basic_may_be_any_text() -> None:
    client = read_client(basic("a b:ü", "+%&="), {})
    assert client == Client("a b:ü", "+%&=")


def test_a_client_does_not_print_its_secret() -> None:
    assert KEY not in f"{Client(KEY_ID, KEY)!r}"


@given(st.binary(max_size=200), st.sampled_from([FORM, "application/json", "", "text/html"]), st.text(max_size=50))
def test_no_body_brings_anything_but_an_answer(body: bytes, content_type: str, authorization: str) -> None:
    issuing = TokenIssuing(authenticate, Signer(), Clock().now)
    for scheme in ("", "Basic "):
        headers = {"content-type": content_type, "authorization": scheme + authorization}
        assert answer_token_request(headers, body, issuing).status_code in {400, 401}


def test_a_request_without_a_body_is_told_so_and_not_that_its_key_is_wrong() -> None:
    with pytest.raises(TokenRefusedError, match="has no body") as refused:
        read_fields(b" \n")
    assert refused.value.code == "invalid_request"
