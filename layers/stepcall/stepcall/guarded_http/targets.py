"""From a URL to a target: one spelling of scheme, host, port and path, or a refusal. Looks nothing up.

Stricter than browsers. Whatever two programs may read differently (white space, backslashes, credentials, `127.1`,
`0x7f000001`) is refused, so that what is checked is what is called.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from stepcall.guarded_http.errors import InvalidRequestError

MAX_URL_LENGTH = 8192
MAX_HOST_LENGTH = 253
MAX_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}

_SHOWN_LENGTH = 200
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]|\s")
_NETLOC = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(?::(?P<port>[0-9]{0,5}))?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT_AS_WRITTEN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"<>^`{|}')


@dataclass(frozen=True)
class Target:
    """Where one request goes."""

    scheme: str
    host: str
    """Lower case, in ASCII, without a trailing dot; an IPv6 address without brackets."""
    port: int
    path: str
    """The path and the query, as the request line says them."""

    @property
    def host_header(self) -> str:
        return self.written_host if self._has_default_port else f"{self.written_host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.path}"

    @property
    def shown(self) -> str:
        """The URL for messages: without its query, which may hold a secret, and not longer than a line or two."""
        url = self.url.partition("?")[0]
        return url if len(url) <= _SHOWN_LENGTH else f"{url[:_SHOWN_LENGTH]}…"

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    def is_among(self, hosts: Collection[str]) -> bool:
        """Whether `hosts` names this very host and port; `host` alone stands for the scheme's own port."""
        by_host = self._has_default_port and self.written_host in hosts
        return by_host or f"{self.written_host}:{self.port}" in hosts

    @property
    def written_host(self) -> str:
        """The host as a URL has it: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def _has_default_port(self) -> bool:
        return self.port == DEFAULT_PORTS[self.scheme]


def parse_target(url: str) -> Target:
    """Raises InvalidRequestError for a URL that is not plain http or https."""
    if len(url) > MAX_URL_LENGTH:
        raise InvalidRequestError(f"The URL has {len(url)} characters; at most {MAX_URL_LENGTH} are allowed.")
    if found := _FORBIDDEN.search(url):
        raise InvalidRequestError(
            f"The URL holds {found.group()!r} at position {found.start() + 1}; write white space, control characters "
            "and backslashes percent-encoded, or leave them out."
        )
    parts = _split(url)
    if "@" in parts.netloc:
        raise InvalidRequestError("The URL holds a user name or password before the host; leave them out.")
    host, port = _split_netloc(parts.netloc)
    return Target(parts.scheme, _read_host(host), _read_port(port, parts.scheme), _read_path(parts))


def join_target(base: Target, location: str) -> Target:
    """The target of a redirect from `base`; raises InvalidRequestError as `parse_target` does."""
    if _SCHEME.match(location):
        return parse_target(location)
    try:
        joined = urljoin(base.url, location)
    except ValueError as exc:
        raise InvalidRequestError(f"{base.shown} redirects to something that is not a URL.") from exc
    return parse_target(joined)


def parse_host_list(text: str) -> frozenset[str]:
    """`host,host:port,[v6]:port` as `Target.is_among` compares them; raises InvalidRequestError for anything else."""
    return frozenset(_parse_host_entry(entry.strip()) for entry in text.split(",") if entry.strip())


def _parse_host_entry(entry: str) -> str:
    if set(entry) & set("/?#"):
        raise InvalidRequestError(f"{entry!r} is not a host or host:port.")
    target = parse_target(f"http://{entry}")
    has_port = bool(_split_netloc(entry)[1])
    return f"{target.written_host}:{target.port}" if has_port else target.written_host


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise InvalidRequestError(f"The URL cannot be read: {exc}.") from exc
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidRequestError(f"The URL begins with {url[:12]!r}; only http:// and https:// can be called.")
    if not parts.netloc:
        raise InvalidRequestError("The URL names no host.")
    return parts


def _split_netloc(netloc: str) -> tuple[str, str]:
    """By our own rule: Python releases differ on what may follow a bracket."""
    match = _NETLOC.fullmatch(netloc)
    if match is None:
        raise InvalidRequestError(f"{netloc[:_SHOWN_LENGTH]!r} is not a host, or not a host and a port.")
    return match["host"], match["port"] or ""


def _read_port(text: str, scheme: str) -> int:
    port = int(text) if text else DEFAULT_PORTS[scheme]
    if not 0 < port <= MAX_PORT:
        raise InvalidRequestError("The URL's port is not a number from 1 to 65535.")
    return port


def _read_path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_KEPT_AS_WRITTEN)
    return f"{path}?{quote(parts.query, safe=_KEPT_AS_WRITTEN)}" if parts.query else path


def _read_host(host: str) -> str:
    if host.startswith("["):
        return _read_ipv6(host[1:-1])
    if not 0 < len(host) <= MAX_HOST_LENGTH:
        raise InvalidRequestError(
            f"The URL's host has {len(host)} characters; from 1 to {MAX_HOST_LENGTH} are allowed."
        )
    name = _to_ascii(host).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _read_ipv4(name)
    if len(name) > MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRequestError(f"{host!r} is not a host name.")
    return name


def _to_ascii(host: str) -> str:
    """As browsers do it (UTS 46): full-width digits and the like become what they stand for before any check."""
    if host.isascii():
        return host.lower()
    import idna  # noqa: PLC0415 - 12 ms for the few names that need it

    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
    except idna.IDNAError as exc:
        raise InvalidRequestError(f"{host!r} is not a host name.") from exc


def _read_ipv4(name: str) -> str:
    """`0177.0.0.1`, `2130706433`, `0x7f.1` and `127.1` mean 127.0.0.1 to some programs only: refused."""
    try:
        return str(IPv4Address(name))
    except AddressValueError as exc:
        raise InvalidRequestError(
            f"{name!r} is an unusual spelling of an IPv4 address; write four decimal numbers without leading zeros."
        ) from exc


def _read_ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError as exc:
        raise InvalidRequestError(f"'[{host}]' is not an IPv6 address.") from exc
    if address.scope_id is not None:
        raise InvalidRequestError(f"'[{host}]' names a network interface; leave out what stands after the %.")
    return str(address)
