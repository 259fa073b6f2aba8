"""One look-up per hop, and the connection goes to what the look-up said."""

import socket
from threading import Event

import pytest

from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import (
    ConnectionFailedError,
    ForbiddenTargetError,
    HostNotFoundError,
    HttpTimeoutError,
)
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.resolution import Address, Answers
from tests.hostile_targets import PUBLIC, resolve_hostile


class ChangingDns:
    """Says another address at every look-up."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.looked_up = 0

    def resolve(self, _host: str, port: int, **options: object) -> Answers:
        self.looked_up += 1
        return resolve_hostile(self.addresses[self.looked_up - 1], port, **options)


def refuse_and_note(connected: list[str], address: Address) -> socket.socket:
    connected.append(address.sockaddr[0])
    raise ConnectionRefusedError(111, "Connection refused")


def test_a_name_that_changes_its_mind_after_the_check_is_not_asked_again() -> None:
    dns, connected = ChangingDns(PUBLIC, "127.0.0.1"), list[str]()
    client = GuardedHttp(resolve=dns.resolve, connect=lambda address, _: refuse_and_note(connected, address))
    with pytest.raises(ConnectionFailedError):
        client.get("http://rebinding.attacker.example/")
    assert (dns.looked_up, connected) == (1, [PUBLIC])


def test_a_name_is_looked_up_and_checked_again_at_the_next_call() -> None:
    dns, connected = ChangingDns(PUBLIC, "127.0.0.1"), list[str]()
    client = GuardedHttp(resolve=dns.resolve, connect=lambda address, _: refuse_and_note(connected, address))
    with pytest.raises(ConnectionFailedError):
        client.get("http://rebinding.attacker.example/")
    with pytest.raises(ForbiddenTargetError):
        client.get("http://rebinding.attacker.example/")
    assert connected == [PUBLIC]


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_a_name_without_address_is_not_found(code: int) -> None:
    def resolve(*_arguments: object, **_options: object) -> Answers:
        raise socket.gaierror(code, "Name or service not known")

    with pytest.raises(HostNotFoundError, match=r"The host nowhere\.example does not exist"):
        GuardedHttp(resolve=resolve).get("http://nowhere.example/")


def test_an_empty_answer_is_not_found() -> None:
    with pytest.raises(HostNotFoundError):
        GuardedHttp(resolve=lambda *_arguments, **_options: []).get("http://nowhere.example/")


def test_a_failed_look_up_may_be_tried_again() -> None:
    def resolve(*_arguments: object, **_options: object) -> Answers:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with pytest.raises(ConnectionFailedError, match="Temporary failure in name resolution"):
        GuardedHttp(resolve=resolve).get("http://somewhere.example/")


def test_an_address_that_is_no_internet_address_is_refused() -> None:
    def resolve(*_arguments: object, **_options: object) -> Answers:
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("/run/docker.sock",))]

    with pytest.raises(ForbiddenTargetError, match="not an internet address"):
        GuardedHttp(resolve=resolve).get("http://socket.attacker.example/")


def test_a_look_up_that_never_ends_is_cut_at_the_deadline() -> None:
    ended = Event()

    def resolve(_host: str, port: int, **_options: object) -> Answers:
        ended.wait(10)
        return resolve_hostile(PUBLIC, port)

    with pytest.raises(HttpTimeoutError, match=r"not done within 0\.05 seconds"):
        GuardedHttp(resolve=resolve).get("http://slow.attacker.example/", limits=Limits(total_seconds=0.05))
    ended.set()


def test_a_connection_gets_no_more_time_than_is_left_of_the_whole() -> None:
    offered: list[float] = []
    times = iter([100.0, *[107.0] * 10])

    def connect(_address: Address, seconds: float) -> socket.socket:
        offered.append(seconds)
        raise TimeoutError

    client = GuardedHttp(resolve=resolve_hostile, connect=connect, clock=lambda: next(times))
    with pytest.raises(HttpTimeoutError, match=r"did not answer in time \(connecting 5 s"):
        client.get("http://public.example.com/", limits=Limits(connect_seconds=5, total_seconds=10))
    assert offered == [3.0]


def test_no_connection_is_begun_after_the_deadline() -> None:
    offered: list[float] = []
    times = iter([100.0, 101.0, *[111.0] * 10])

    def connect(_address: Address, seconds: float) -> socket.socket:
        offered.append(seconds)
        raise TimeoutError

    client = GuardedHttp(resolve=resolve_hostile, connect=connect, clock=lambda: next(times))
    with pytest.raises(HttpTimeoutError, match="not done within 10 seconds"):
        client.get("http://both.example.com/", limits=Limits(total_seconds=10))
    assert offered == []
