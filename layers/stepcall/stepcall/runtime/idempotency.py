"""`Idempotency-Key` over HTTP: draft-ietf-httpapi-idempotency-key-header."""

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from stepcall.domain.errors import Problem
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.json_text import print_json
from stepcall.runtime.http import InvalidRequestError, headers, read_bytes

KEY_HEADER = "idempotency-key"
REPLAYED: Mapping[str, str] = MappingProxyType({"Idempotent-Replayed": "true"})
MAX_KEY = 255
# as strings: compiled when the first key is sent
QUOTED = r'"((?:[^"\\]|\\["\\])*)"'  # RFC 8941, section 3.3.3
KEY = rf"[!-~]{{1,{MAX_KEY}}}"
PLAIN_KEY = rf'^([!#-~][!-~]{{0,{MAX_KEY - 1}}}|"[!#-\[\]-~]{{1,{MAX_KEY}}}")$'
"""What descriptions say of the header: every key but those with an escaped character."""
CREDENTIAL = "access_token"


def read_start_once(app: APIGatewayHttpResolver) -> StartOnce | None:
    """The key that the caller has given its start, None for none. Raises InvalidRequestError, BodyTooLargeError."""
    text = headers(app).get(KEY_HEADER)
    if text is None:
        return None
    return StartOnce(read_key(text), fingerprint(app.current_event.raw_event, read_bytes(app)))


def read_key(text: str) -> str:
    """Bare, or in quotation marks: both are one key. Raises InvalidRequestError."""
    text = text.strip(" \t")
    quoted = re.fullmatch(QUOTED, text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if (quoted or not text.startswith('"')) and re.fullmatch(KEY, key):
        return key
    message = f"`Idempotency-Key` must be 1 to {MAX_KEY} visible ASCII characters, bare or in quotation marks."
    raise InvalidRequestError("The request is not valid.", [Problem(f"/{KEY_HEADER}", "invalid_value", message)])


def fingerprint(event: Mapping[str, Any], body: bytes) -> str:
    """Equal for what is one request sent again: method, path, query and body, byte for byte.

    Who calls is part of the key, by whichever of its carriers, and no header of the request counts.
    """
    http = event["requestContext"]["http"]
    route = [http["method"], event["rawPath"].rstrip("/"), _without_credential(event.get("rawQueryString") or "")]
    return hashlib.sha256(print_json(route).encode(errors="surrogatepass") + body).hexdigest()


def replay_headers(*, is_replayed: bool) -> Mapping[str, str]:
    """What the answer to a start says of it."""
    return REPLAYED if is_replayed else {}


def _without_credential(raw_query: str) -> str:
    return "&".join(part for part in raw_query.split("&") if unquote_plus(part.partition("=")[0]) != CREDENTIAL)
