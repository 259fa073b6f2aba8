"""Which URLs may be called back: what can be known of one without looking its host up, which the call itself does."""

from collections.abc import Collection
from ipaddress import ip_address

from stepcall.domain.errors import Problem
from stepcall.guarded_http.addresses import why_not_public
from stepcall.guarded_http.errors import InvalidRequestError
from stepcall.guarded_http.targets import Target, parse_target

MAX_WEBHOOK_URL_LENGTH = 2048
# never with the URL: it may hold a secret of its receiver
INVALID = (
    f"This must be a URL such as `https://example.com/hooks`, of at most {MAX_WEBHOOK_URL_LENGTH:,} characters of "
    "ASCII (`xn--…` for other letters in a host, percent-encoding elsewhere), without user name, password, fragment, "
    "white space and backslashes, and with a port and an IP address, if any, in their usual spelling."
)
NOT_HTTPS = (
    "This must begin with `https://`: what is sent is for its receiver alone. A deployer can allow a host otherwise, "
    "with WebAllowedHosts."
)


def find_fault(url: str, allowed_hosts: Collection[str], location: str) -> Problem | None:
    """Why Stepcall would not call it, and where that is in the request; None for one that it tries.

    `allowed_hosts` as `Target.is_among` compares them: they may be private, and need no TLS.
    """
    target = _read(url)
    if target is None:
        return Problem(location, "invalid_url", INVALID)
    if target.is_among(allowed_hosts):
        return None
    if reason := _why_not_public(target):
        message = f"Its host is {reason}: webhooks are sent to public addresses only. A deployer can allow the host "
        return Problem(location, "not_public", f"{message}with WebAllowedHosts.")
    return None if target.scheme == "https" else Problem(location, "not_https", NOT_HTTPS)


def _read(url: str) -> Target | None:
    if len(url) > MAX_WEBHOOK_URL_LENGTH or not url.isascii() or "#" in url:
        return None
    try:
        return parse_target(url)
    except InvalidRequestError:
        return None


def _why_not_public(target: Target) -> str | None:
    """Of a host that is an address itself, or a name of every machine for itself (RFC 6761)."""
    if target.host == "localhost" or target.host.endswith(".localhost"):
        return "this machine's own"
    try:
        address = ip_address(target.host)
    except ValueError:
        return None
    return why_not_public(address)
