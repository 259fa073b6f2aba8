"""No hostile target is connected to: a connector that only keeps records stands where the network would be."""

import socket

import pytest

from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import ConnectionFailedError, ForbiddenTargetError, InvalidRequestError
from stepcall.guarded_http.resolution import Address, Answers
from tests.hostile_targets import DNS, HOSTILE_TARGETS, PUBLIC, PUBLIC_IPV6, resolve_hostile


class RecordingNetwork:
    """Resolves the hostile names, notes what would be connected to, and connects to nothing."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: str, port: int, **options: object) -> Answers:
        self.looked_up.append(host)
        return resolve_hostile(host, port, **options)

    def connect(self, address: Address, _seconds: float) -> socket.socket:
        self.connected.append(address.sockaddr[0])
        raise ConnectionRefusedError(111, "Connection refused")

    def client(self, *allowed: str) -> GuardedHttp:
        return GuardedHttp(frozenset(allowed), resolve=self.resolve, connect=self.connect)


@pytest.fixture
def network() -> RecordingNetwork:
    return RecordingNetwork()


def test_the_table_has_what_issue_4_asks_for() -> None:
    assert len(set(HOSTILE_TARGETS)) == len(HOSTILE_TARGETS) >= 60


@pytest.mark.parametrize("url", HOSTILE_TARGETS, ids=ascii)
def test_a_hostile_target_is_refused_before_anything_is_connected(url: str, network: RecordingNetwork) -> None:
    with pytest.raises((InvalidRequestError, ForbiddenTargetError)):
        network.client().get(url)
    assert network.connected == []


@pytest.mark.parametrize("url", HOSTILE_TARGETS, ids=ascii)
def test_allowing_another_host_opens_no_door(url: str, network: RecordingNetwork) -> None:
    with pytest.raises((InvalidRequestError, ForbiddenTargetError)):
        network.client("intranet.example.com", "127.0.0.1:8080").get(url)
    assert network.connected == []


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://public.example.com/", PUBLIC),
        ("https://PUBLIC.example.com./x?y=z#f", PUBLIC),
        (f"http://{PUBLIC}:8080/", PUBLIC),
        (f"http://[{PUBLIC_IPV6}]/", PUBLIC_IPV6),
    ],
)
def test_a_public_target_is_connected_to(url: str, address: str, network: RecordingNetwork) -> None:
    with pytest.raises(ConnectionFailedError, match=r"The connection to .* failed: Connection refused\."):
        network.client().get(url)
    assert network.connected == [address]


def test_every_address_of_a_public_host_is_tried_in_the_resolvers_order(network: RecordingNetwork) -> None:
    with pytest.raises(ConnectionFailedError):
        network.client().get("http://both.example.com/")
    assert network.connected == list(DNS["both.example.com"])
    assert network.looked_up == ["both.example.com"]


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("127.0.0.1", "http://127.0.0.1/"),
        ("127.0.0.1", "https://127.0.0.1:443/"),
        ("localhost:80", "http://localhost/"),
        ("[::1]:9000", "http://[::1]:9000/"),
        ("private10.attacker.example", "http://private10.attacker.example/"),
    ],
)
def test_an_allowed_host_is_connected_to_although_it_is_private(
    allowed: str, url: str, network: RecordingNetwork
) -> None:
    with pytest.raises(ConnectionFailedError):
        network.client(allowed).get(url)
    assert network.connected


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8081/"),
        ("127.0.0.1:8080", "http://127.0.0.1/"),
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("127.0.0.1:8080", "http://localhost:8080/"),
        ("127.0.0.1:8080", "http://127.1:8080/"),
        ("127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/"),
        ("attacker.example", "http://private10.attacker.example/"),
        ("private10.attacker.example", "http://private172.attacker.example/"),
    ],
)
def test_an_allowed_host_allows_that_host_and_port_only(allowed: str, url: str, network: RecordingNetwork) -> None:
    with pytest.raises((InvalidRequestError, ForbiddenTargetError)):
        network.client(allowed).get(url)
    assert network.connected == []


def test_a_refusal_says_which_host_why_and_what_to_do(network: RecordingNetwork) -> None:
    with pytest.raises(ForbiddenTargetError) as refusal:
        network.client().get("http://private10.attacker.example/")
    assert str(refusal.value) == (
        "The host private10.attacker.example resolves to a private address; Stepcall calls public addresses "
        "only. A deployer can allow the host with WebAllowedHosts."
    )


def test_a_password_in_the_url_is_not_repeated_in_the_refusal(network: RecordingNetwork) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        network.client().get("http://user:hunter2@public.example.com/")
    assert "hunter2" not in str(refusal.value)
