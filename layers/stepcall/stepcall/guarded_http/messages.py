"""What is sent and what comes back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from stepcall.domain.request_headers import HEADER_NAME, SET_BY_THE_CLIENT
from stepcall.guarded_http.errors import ForbiddenTargetError, InvalidRequestError
from stepcall.guarded_http.targets import Target, join_target

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_METHOD_KEPT = frozenset({307, 308})
_SENT_TO_OTHER_ORIGINS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


@dataclass(frozen=True)
class Request:
    """One hop. `headers` has lower-case names."""

    method: str
    target: Target
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class ResponseHead:
    """The answer before its body is read. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    target: Target


@dataclass(frozen=True)
class Response:
    """The last answer, decoded. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    final_url: str


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """With lower-case names; raises InvalidRequestError for what would change the request's frame or its target."""
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in SET_BY_THE_CLIENT:
            raise InvalidRequestError(f"The header {name!r} cannot be set.")
        if not _HEADER_VALUE.fullmatch(value):
            raise InvalidRequestError(f"The value of the header {name} holds a character that headers cannot carry.")
    return MappingProxyType({name.lower(): value for name, value in headers.items()})


def follow_redirect(request: Request, status: int, location: str) -> Request:
    """The next hop. Another origin gets no header that may hold a secret; only 307 and 308 send the body again.

    Raises InvalidRequestError, and ForbiddenTargetError from https to http: what was asked for in secret would go open.
    """
    target = join_target(request.target, _decode_location(location))
    if request.target.scheme == "https" and target.scheme == "http":
        raise ForbiddenTargetError(
            f"{request.target.shown} redirects from https to http ({target.shown}). If that is what you want, "
            "call the http address itself."
        )
    moved = replace(request, target=target)
    if target.origin != request.target.origin:
        kept = {name: value for name, value in request.headers.items() if name in _SENT_TO_OTHER_ORIGINS}
        moved = replace(moved, headers=kept)
    return moved if status in _METHOD_KEPT or request.method in ("GET", "HEAD") else _without_body(moved)


def _without_body(request: Request) -> Request:
    headers = {name: value for name, value in request.headers.items() if name != "content-type"}
    return replace(request, method="GET", headers=headers, body=None)


def _decode_location(location: str) -> str:
    """http.client reads headers as Latin-1; a Location with raw UTF-8 in it means UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location
