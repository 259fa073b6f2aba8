"""What headers of a request to somebody else may be: RFC 9110's names, and what the client keeps for itself."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from stepcall.domain.errors import shorten

MAX_HEADERS, MAX_VALUE_LENGTH = 64, 8192
MAX_SECRET_NAME_LENGTH, MAX_PREFIX_LENGTH = 512, 64
SET_BY_THE_CLIENT = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_header_value(value: Any) -> Any:
    """Text, or the name of a secret. Raises PydanticCustomError."""
    if isinstance(value, dict):
        _check_secret(value)
    elif not isinstance(value, str) or len(value) > MAX_VALUE_LENGTH:
        message = f"This must be text of at most {MAX_VALUE_LENGTH} characters, or the name of a secret, as an object."
        raise PydanticCustomError("header_value", message)
    return value


def _check_secret(value: Mapping[str, Any]) -> None:
    name, prefix = value.get("secret"), value.get("prefix", "")
    is_named = isinstance(name, str) and 0 < len(name) <= MAX_SECRET_NAME_LENGTH
    is_prefixed = isinstance(prefix, str) and len(prefix) <= MAX_PREFIX_LENGTH
    if not (is_named and is_prefixed and value.keys() <= {"secret", "prefix"}):
        message = (
            "This must have `secret`, the name of one, may have `prefix`, a text to go before it, and nothing else."
        )
        raise PydanticCustomError("header_value", message)


def check_header_names(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The headers of a task, text or `{"secret": …}` by name. Raises PydanticCustomError for the first fault."""
    if len(headers) > MAX_HEADERS:
        raise PydanticCustomError("many_headers", f"A request has at most {MAX_HEADERS} headers.")
    seen = set[str]()
    for name in headers:
        if fault := _fault_of(name, seen):
            raise PydanticCustomError("header", f"`{shorten(name)}` {fault}")
        seen.add(name.lower())
    return headers


def _fault_of(name: str, seen: set[str]) -> str | None:
    if not HEADER_NAME.fullmatch(name):
        return "is no name of a header: letters, digits and hyphens make one."
    if name.lower() in SET_BY_THE_CLIENT:
        return "is set by Stepcall itself: leave it out."
    if name.lower() in seen:
        return "is there twice: upper and lower case are the same."
    return None
