"""The token endpoint of OAuth 2.0 (RFC 6749, section 4.4): an API key's id and text in exchange for a token.

Imported when somebody asks for a token.
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from stepcall.domain.access import Caller, Scope
from stepcall.domain.claims import UnknownScopeError, read_scopes, write_scopes
from stepcall.domain.errors import StepcallError
from stepcall.domain.json_text import MalformedJsonError, is_meant_as_json, read_members
from stepcall.runtime.authentication import UnauthenticatedError
from stepcall.runtime.http import headers, json_response, read_bytes
from stepcall.runtime.observability import name_in_log
from stepcall.runtime.wiring import known_keys, now, tokens
from stepcall.stores.api_key_store import KEY_PREFIX
from stepcall.use_cases.issue_token import (
    ACCESS_TOKEN_LIFE,
    IssuedToken,
    ScopeNotHeldError,
    TokenSigner,
    TokenTooLongError,
    issue_access_token,
)

FORM = "application/x-www-form-urlencoded"
GRANT_TYPE = "client_credentials"
MAX_FIELDS = 20
NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="stepcall", charset="UTF-8"'}


class TokenRefusedError(StepcallError):
    """A request for a token is refused; `code` is one of RFC 6749, section 5.2."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: an API key's id and, as its secret, the key."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenIssuing:
    """What it takes. `authenticate` gives whom a key's text stands for, or raises UnauthenticatedError."""

    authenticate: Callable[[str], Caller]
    signer: TokenSigner
    now: Callable[[], datetime]


def answer_token_route(app: APIGatewayHttpResolver) -> Response[str]:
    """The request at hand of a face that has such a route."""
    issuing = TokenIssuing(lambda key: known_keys().of_text(key).caller, tokens(), now)
    return answer_token_request(headers(app), read_bytes(app), issuing)


def answer_token_request(headers: Mapping[str, str], body: bytes, issuing: TokenIssuing) -> Response[str]:
    """Header names are lower case."""
    try:
        return _print_token(grant_token(headers, body, issuing))
    except TokenRefusedError as error:
        refusal = {"error": error.code, "error_description": str(error)}
        if error.code == "invalid_client":
            return json_response(401, refusal, NOT_STORED | CHALLENGE)
        return json_response(400, refusal, NOT_STORED)


def grant_token(headers: Mapping[str, str], body: bytes, issuing: TokenIssuing) -> IssuedToken:
    """Raises TokenRefusedError; for a stranger before it says anything of what was asked for."""
    fields = read_fields(body)
    caller = _authenticate(read_client(headers.get("authorization", ""), fields), issuing)
    name_in_log(tenant=caller.tenant)
    _require_grant_type(fields.get("grant_type"))
    try:
        return issue_access_token(caller, _read_scope(fields.get("scope")), issuing.signer, issuing.now)
    except (UnknownScopeError, ScopeNotHeldError) as exc:
        raise TokenRefusedError("invalid_scope", str(exc)) from exc
    except TokenTooLongError as exc:
        raise TokenRefusedError("invalid_request", str(exc)) from exc


def read_fields(body: bytes) -> dict[str, str]:
    """The fields of a JSON object or of a form, by how it begins, whatever it is labelled as.

    Those without a value are as if they were not there (section 3.2).
    """
    try:
        text = body.decode().strip()
    except UnicodeDecodeError as exc:
        raise TokenRefusedError("invalid_request", "The body is not UTF-8 text.") from exc
    if not text:
        raise TokenRefusedError("invalid_request", f"The request has no body: send `grant_type={GRANT_TYPE}` in one.")
    pairs = _read_object(text) if is_meant_as_json(text) else _read_form(text)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise TokenRefusedError("invalid_request", "A parameter stands there twice.")
    return {name: value for name, value in fields.items() if value}


def read_client(authorization: str, fields: Mapping[str, str]) -> Client | None:
    """By HTTP Basic or in the body, not by both (section 2.3)."""
    scheme, _, encoded = authorization.partition(" ")
    in_body = Client(fields.get("client_id", ""), fields.get("client_secret", ""))
    if scheme.lower() != "basic":
        return in_body
    client = _read_basic(encoded)
    if in_body.secret or (client and in_body.key_id not in {"", client.key_id}):
        raise TokenRefusedError("invalid_request", "Authenticate by HTTP Basic or in the body, not by both.")
    return client


def _read_basic(encoded: str) -> Client | None:
    try:
        key_id, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Client(unquote_plus(key_id), unquote_plus(secret)) if colon else None


def _read_form(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise TokenRefusedError("invalid_request", "The body cannot be read as a form.") from exc


def _read_object(text: str) -> list[tuple[str, str]]:
    try:
        pairs = read_members(text)
    except MalformedJsonError:
        pairs = None  # the error would quote what was sent
    if pairs is None or not all(isinstance(value, str) for _, value in pairs):
        raise TokenRefusedError("invalid_request", "The body is no JSON object of texts.")
    return pairs


def _authenticate(client: Client | None, issuing: TokenIssuing) -> Caller:
    if client is None or not client.secret.startswith(KEY_PREFIX):
        raise _unknown_client()
    try:
        caller = issuing.authenticate(client.secret)
    except UnauthenticatedError as exc:
        raise _unknown_client() from exc
    if not hmac.compare_digest(_bytes(client.key_id), _bytes(caller.key_id)):
        raise _unknown_client()
    return caller


def _unknown_client() -> TokenRefusedError:
    return TokenRefusedError("invalid_client", "The client is an API key's id, and its secret is the key.")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _read_scope(given: str | None) -> frozenset[Scope]:
    """None that is asked for is all of them; a text that names none is no such wish."""
    asked = read_scopes(given or "")
    if given and not asked:
        raise UnknownScopeError("`scope` names no scope; leave it out for all that the key has.")
    return asked


def _require_grant_type(given: str | None) -> None:
    if given is None:
        raise TokenRefusedError("invalid_request", f"`grant_type` is missing: it must be `{GRANT_TYPE}`.")
    if given != GRANT_TYPE:
        raise TokenRefusedError("unsupported_grant_type", f"`grant_type` must be `{GRANT_TYPE}`.")


def _print_token(token: IssuedToken) -> Response[str]:
    body = {
        "access_token": token.text,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
        "scope": write_scopes(token.scopes),
    }
    return json_response(200, body, NOT_STORED)
