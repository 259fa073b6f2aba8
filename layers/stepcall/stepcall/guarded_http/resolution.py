"""From a target to addresses that may be called: one look-up, every answer checked."""

import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Thread
from typing import Any

from stepcall.guarded_http.addresses import why_not_public
from stepcall.guarded_http.deadline import Deadline
from stepcall.guarded_http.errors import ConnectionFailedError, ForbiddenTargetError, HostNotFoundError
from stepcall.guarded_http.targets import Target

Answers = Sequence[tuple[Any, Any, Any, Any, tuple[Any, ...]]]
Resolve = Callable[..., Answers]
"""Has the arguments and the answer of `socket.getaddrinfo`."""

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_NO_SUCH_NAME = {
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
}


@dataclass(frozen=True)
class Address:
    """What `socket.connect` takes: no name in it, so connecting looks nothing up."""

    family: int
    sockaddr: tuple[Any, ...]


def look_up_checked(target: Target, allowed: Collection[str], resolve: Resolve, deadline: Deadline) -> list[Address]:
    """All addresses of the target, in the resolver's order; one that is not public refuses the whole host.

    Raises ForbiddenTargetError, HostNotFoundError, ConnectionFailedError, TimeoutError.
    """
    addresses = _look_up(target, resolve, deadline)
    if not target.is_among(allowed):
        for address in addresses:
            _refuse_unless_public(target, address)
    return addresses


def _look_up(target: Target, resolve: Resolve, deadline: Deadline) -> list[Address]:
    try:
        answers = _call_within(deadline, lambda: resolve(target.host, target.port, type=socket.SOCK_STREAM))
    except socket.gaierror as exc:
        if exc.errno in _NO_SUCH_NAME:
            raise HostNotFoundError(f"The host {target.host} does not exist: its name has no address.") from exc
        raise ConnectionFailedError(f"The host {target.host} could not be looked up: {exc.strerror}.") from exc
    except UnicodeError as exc:
        raise HostNotFoundError(f"The host {target.host} does not exist: its name has no address.") from exc
    if not answers:
        raise HostNotFoundError(f"The host {target.host} does not exist: its name has no address.")
    return [Address(family, sockaddr) for family, _type, _protocol, _name, sockaddr in answers]


def _call_within(deadline: Deadline, work: Callable[[], Answers]) -> Answers:
    """In a thread of its own: getaddrinfo has no time limit. A thread left behind ends when the resolver gives up."""
    future: Future[Answers] = Future()
    Thread(target=_fill, args=(future, work), daemon=True).start()
    return future.result(timeout=deadline.remaining())


def _fill(future: Future[Answers], work: Callable[[], Answers]) -> None:
    try:
        future.set_result(work())
    except Exception as exc:
        future.set_exception(exc)


def _refuse_unless_public(target: Target, address: Address) -> None:
    reason = _why_refused(address)
    if reason is not None:
        found = str(address.sockaddr[0])
        what = f"is {reason}" if found == target.host else f"resolves to {reason}"
        raise ForbiddenTargetError(
            f"The host {target.host} {what}; Stepcall calls public addresses only. "
            "A deployer can allow the host with WebAllowedHosts."
        )


def _why_refused(address: Address) -> str | None:
    if address.family not in _FAMILIES:
        return "not an internet address"
    if address.family == socket.AF_INET6 and address.sockaddr[3]:
        return "an address of one network interface"
    return why_not_public(ip_address(address.sockaddr[0]))
