"""Sockets that go to a checked address and keep the deadline of the whole request.

A read time-out alone starts again with every byte, so a host that sends one byte a second is never cut; here every read
and write gets at most what is left of the whole.
"""

import socket
import ssl
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from stepcall.guarded_http.deadline import Deadline
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.resolution import Address, Resolve, look_up_checked
from stepcall.guarded_http.targets import Target

Connect = Callable[[Address, float], socket.socket]
"""Connects to the address within seconds; raises OSError."""


def connect_socket(address: Address, seconds: float) -> socket.socket:
    """TCP to the address, as it is: nothing is looked up."""
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def connect_first(addresses: Sequence[Address], connect: Connect, seconds: float, deadline: Deadline) -> socket.socket:
    """The first address that answers; raises the last one's OSError."""
    *others, last = addresses
    for address in others:
        try:
            return connect(address, min(seconds, deadline.remaining()))
        except OSError:  # the next address may answer
            continue
    return connect(last, min(seconds, deadline.remaining()))


if TYPE_CHECKING:
    _Base = socket.socket
else:
    _Base = object


class _KeepsDeadline(_Base):
    """What http.client calls to read and write, each call no longer than `read_seconds` and the deadline allow."""

    deadline: Deadline | None = None
    read_seconds: float = 0.0

    def keep(self, deadline: Deadline, read_seconds: float) -> None:
        self.deadline, self.read_seconds = deadline, read_seconds

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._allow_time()
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._allow_time()
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._allow_time()
        return super().sendall(*args, **kwargs)

    def _allow_time(self) -> None:
        if self.deadline is not None:
            self.settimeout(min(self.read_seconds, self.deadline.remaining()))


class DeadlineSocket(_KeepsDeadline, socket.socket):
    """For http."""


class DeadlineTlsSocket(_KeepsDeadline, ssl.SSLSocket):
    """For https."""


class Dialer:
    """Opens connections to checked addresses."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolve: Resolve,
        connect: Connect,
        make_tls_context: Callable[[], ssl.SSLContext],
    ) -> None:
        self._allowed_hosts = frozenset(allowed_hosts)
        self._resolve = resolve
        self._connect = connect
        self._make_tls_context = make_tls_context

    def dial(self, target: Target, limits: Limits, deadline: Deadline) -> socket.socket:
        """A connection that keeps the deadline. Raises what `look_up_checked` does, and OSError."""
        addresses = look_up_checked(target, self._allowed_hosts, self._resolve, deadline)
        sock = connect_first(addresses, self._connect, limits.connect_seconds, deadline)
        try:
            kept = self._secure(sock, target, limits, deadline) if target.scheme == "https" else _adopt(sock)
        finally:
            sock.close()  # its file descriptor has moved on, unless something failed
        kept.keep(deadline, limits.read_seconds)
        return kept

    def _secure(self, sock: socket.socket, target: Target, limits: Limits, deadline: Deadline) -> DeadlineTlsSocket:
        """TLS for the host's name, whichever address it has."""
        sock.settimeout(min(limits.connect_seconds, deadline.remaining()))
        return cast(DeadlineTlsSocket, self._tls_context.wrap_socket(sock, server_hostname=target.host))

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        context = self._make_tls_context()
        context.sslsocket_class = DeadlineTlsSocket
        return context


def _adopt(sock: socket.socket) -> DeadlineSocket:
    return DeadlineSocket(sock.family, sock.type, sock.proto, sock.detach())
