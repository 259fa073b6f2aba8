"""TLS goes to the checked address, by the host's name. The tests are their own certificate authority."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import (
    ConnectionFailedError,
    ForbiddenTargetError,
    HttpTimeoutError,
    UntrustedCertificateError,
)
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.resolution import Address
from stepcall.guarded_http.transport import connect_socket
from tests.functional.web_server import WebServer, answer, redirect, send_endlessly
from tests.hostile_targets import resolve_hostile

NAME = "public.example.com"


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = build_certificate(name, name, key, days=30)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(usage, critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    def issue(self, name: str, folder: Path, days: int = 30) -> ssl.SSLContext:
        """What a server needs to be called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = build_certificate(x509.Name([]), self.certificate.subject, key, days)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        path = folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def trusting_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())


def build_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    """Valid until `days` from now; a negative number has expired."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


@pytest.fixture
def server_tls(authority: Authority, tmp_path: Path) -> ssl.SSLContext:
    return authority.issue(NAME, tmp_path)


@pytest.fixture
def server(server_tls: ssl.SSLContext) -> Iterator[WebServer]:
    with WebServer(server_tls) as running:
        yield running


def client_of(server: WebServer, trusted: ssl.SSLContext | None = None) -> GuardedHttp:
    """For which every public address leads to the server."""

    def connect(_address: Address, seconds: float) -> socket.socket:
        return connect_socket(Address(socket.AF_INET, ("127.0.0.1", server.port)), seconds)

    if trusted is None:
        return GuardedHttp(resolve=resolve_hostile, connect=connect)
    return GuardedHttp(resolve=resolve_hostile, connect=connect, make_tls_context=lambda: trusted)


def test_a_page_is_fetched_over_tls_under_the_hosts_name(
    server: WebServer, server_tls: ssl.SSLContext, authority: Authority
) -> None:
    asked: list[str] = []
    server_tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    server.serve("/", answer(200, b"a" * 300_000))
    response = client_of(server, authority.trusting_context()).get(f"https://{NAME}./")
    assert (response.body, response.final_url) == (b"a" * 300_000, f"https://{NAME}/")
    assert asked == [NAME]
    assert server.received[0].headers["host"] == NAME


def test_a_certificate_for_another_name_is_refused(server: WebServer, authority: Authority) -> None:
    with pytest.raises(
        UntrustedCertificateError, match=r"The certificate of both\.example\.com is not valid: Hostname mismatch"
    ):
        client_of(server, authority.trusting_context()).get("https://both.example.com/")
    assert server.received == []


def test_a_certificate_for_the_name_is_no_certificate_for_the_address(server: WebServer, authority: Authority) -> None:
    with pytest.raises(UntrustedCertificateError):
        client_of(server, authority.trusting_context()).get("https://93.184.216.34/")


def test_a_certificate_that_nobody_vouches_for_is_refused(server: WebServer) -> None:
    with pytest.raises(UntrustedCertificateError, match="unable to get local issuer certificate"):
        client_of(server).get(f"https://{NAME}/")


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    with (
        WebServer(authority.issue(NAME, tmp_path, days=-1)) as server,
        pytest.raises(UntrustedCertificateError, match="certificate has expired"),
    ):
        client_of(server, authority.trusting_context()).get(f"https://{NAME}/")


def test_a_host_that_speaks_no_tls_is_a_clear_error(authority: Authority) -> None:
    with WebServer() as server, pytest.raises(ConnectionFailedError, match="failed: TLS, "):
        client_of(server, authority.trusting_context()).get(f"https://{NAME}/")


def test_a_redirect_from_https_to_http_is_refused(server: WebServer, authority: Authority) -> None:
    server.serve("/", redirect(f"http://{NAME}/"))
    with pytest.raises(ForbiddenTargetError, match="redirects from https to http"):
        client_of(server, authority.trusting_context()).get(f"https://{NAME}/")


def test_a_body_that_trickles_through_tls_is_cut_at_the_deadline(server: WebServer, authority: Authority) -> None:
    server.serve("/", send_endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"a", pause_seconds=0.05))
    with pytest.raises(HttpTimeoutError, match=r"was not done within 0\.4 seconds"):
        client_of(server, authority.trusting_context()).get(f"https://{NAME}/", limits=Limits(total_seconds=0.4))


def test_a_handshake_that_never_ends_is_given_up(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def connect(_address: Address, seconds: float) -> socket.socket:
            return connect_socket(Address(socket.AF_INET, silent.getsockname()), seconds)

        client = GuardedHttp(resolve=resolve_hostile, connect=connect, make_tls_context=authority.trusting_context)
        with pytest.raises(HttpTimeoutError):
            client.get(f"https://{NAME}/", limits=Limits(connect_seconds=0.1))
