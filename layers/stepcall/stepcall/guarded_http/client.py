"""The client: look up once, check, connect to what was checked, and the same again for every redirect."""

import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import urllib3

from stepcall.guarded_http.deadline import Clock, Deadline
from stepcall.guarded_http.errors import TooManyRedirectsError
from stepcall.guarded_http.exchange import exchange, read_body, read_headers, translate_errors
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.messages import REDIRECTS, Request, Response, ResponseHead, check_headers, follow_redirect
from stepcall.guarded_http.resolution import Resolve
from stepcall.guarded_http.targets import Target, parse_target
from stepcall.guarded_http.transport import Connect, Dialer, connect_socket

CheckHead = Callable[[ResponseHead], None]
"""Raises what it likes to refuse an answer before its body is read."""

DEFAULT_LIMITS = Limits()


class GuardedHttp:
    """HTTP and HTTPS to public addresses. Proxies of the environment play no part.

    `allowed_hosts` holds hosts and `host:port`s (see `parse_host_list`) that are called whatever their address is.
    Safe to share between threads.
    """

    def __init__(
        self,
        allowed_hosts: Collection[str] = frozenset(),
        *,
        user_agent: str = "Stepcall",
        resolve: Resolve = socket.getaddrinfo,
        connect: Connect = connect_socket,
        clock: Clock = time.monotonic,
        make_tls_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._dialer = Dialer(allowed_hosts, resolve, connect, make_tls_context)
        self._user_agent = user_agent
        self._clock = clock

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        check_head: CheckHead | None = None,
    ) -> Response:
        """Raises an error of `stepcall.guarded_http.errors`, or what `check_head` raises."""
        return self.request("GET", url, headers=headers, limits=limits, check_head=check_head)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        follow_redirects: bool = True,
        limits: Limits = DEFAULT_LIMITS,
        check_head: CheckHead | None = None,
    ) -> Response:
        """Any method. Without `follow_redirects` a redirect is an answer like any other. Raises as `get` does."""
        all_headers = {"user-agent": self._user_agent, **check_headers(headers or {})}
        deadline = Deadline.after(limits.total_seconds, self._clock)
        call = _Call(self._dialer, limits, deadline, follow_redirects, check_head)
        return call.finish(Request(method, parse_target(url), all_headers, body))


@dataclass(frozen=True)
class _Call:
    """One call with all its redirects."""

    dialer: Dialer
    limits: Limits
    deadline: Deadline
    follow_redirects: bool
    check_head: CheckHead | None

    def finish(self, request: Request) -> Response:
        first = request.target
        for _ in range(self.limits.max_redirects + 1):
            answer = self._send(request)
            if isinstance(answer, Response):
                return answer
            request = answer
        raise TooManyRedirectsError(f"{first.shown} redirects more than {self.limits.max_redirects} times.")

    def _send(self, request: Request) -> Response | Request:
        """The answer, or the request that a redirect asks for."""
        with translate_errors(request.target, self.limits, self.deadline):
            sock = self.dialer.dial(request.target, self.limits, self.deadline)
            with exchange(sock, request) as raw:
                location = raw.headers.get("location")
                if self.follow_redirects and raw.status in REDIRECTS and location:
                    return follow_redirect(request, raw.status, location)
                return self._read(raw, request.target)

    def _read(self, raw: urllib3.HTTPResponse, target: Target) -> Response:
        headers = read_headers(raw)
        if self.check_head is not None:
            self.check_head(ResponseHead(raw.status, headers, target))
        return Response(raw.status, headers, read_body(raw, target, self.limits.max_body_bytes), target.url)
