"""One HTTP request over a connected socket, and its answer within limits. urllib3 frames and decodes."""

import http.client
import io
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader, ReadTimeoutError

from stepcall.guarded_http.deadline import Deadline
from stepcall.guarded_http.errors import (
    BodyTooLargeError,
    ConnectionFailedError,
    HttpTimeoutError,
    InvalidResponseError,
    UntrustedCertificateError,
)
from stepcall.guarded_http.limits import MEGABYTE, Limits
from stepcall.guarded_http.messages import Request
from stepcall.guarded_http.targets import Target

CHUNK_BYTES = 64 * 1024
_SHOWN_LENGTH = 100
_DECODABLE = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})

_VERSION: str = urllib3.__version__  # type: ignore[attr-defined]
if tuple(int(part) for part in _VERSION.split(".")[:2]) < (2, 8):
    # Releases before 2.6 decompress without a limit; the one in the Lambda runtime may be such a release.
    raise ImportError(f"stepcall.guarded_http needs urllib3 2.8 or newer, not {_VERSION}")


@contextmanager
def exchange(sock: socket.socket, request: Request) -> Iterator[urllib3.HTTPResponse]:
    """The answer with its body unread; the socket is closed at the end."""
    connection = HTTPConnection(request.target.host, request.target.port)
    connection.sock = sock
    connection.auto_open = 0  # a lost connection must not be opened again, by name
    try:
        headers = {
            "host": request.target.host_header,
            "accept-encoding": "gzip",
            "connection": "close",
            **request.headers,
        }
        connection.request(request.method, request.target.path, request.body, headers, preload_content=False)
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()
        _close_now(sock)


def _close_now(sock: socket.socket) -> None:
    """Also where http.client gave up and left a file on the socket, which would keep it open until it is collected."""
    descriptor = sock.detach()
    if descriptor >= 0:
        socket.close(descriptor)


def read_headers(response: urllib3.HTTPResponse) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def read_body(response: urllib3.HTTPResponse, target: Target, limit: int) -> bytes:
    """Decoded. Raises BodyTooLargeError as soon as it is known, and InvalidResponseError."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _DECODABLE:
        raise InvalidResponseError(
            f"{target.shown} answered with Content-Encoding {encoding[:_SHOWN_LENGTH]!r}, which was not asked for."
        )
    if (response.length_remaining or 0) > limit:
        raise _too_large(target, limit)
    body = io.BytesIO()
    for chunk in response.stream(CHUNK_BYTES, decode_content=True):
        body.write(chunk)
        if body.tell() > limit:
            raise _too_large(target, limit)
    return body.getvalue()


def _too_large(target: Target, limit: int) -> BodyTooLargeError:
    size = f"{limit // MEGABYTE} MB" if limit >= MEGABYTE else f"{limit} bytes"
    return BodyTooLargeError(f"{target.shown} answers with more than {size}, the most that is downloaded.")


@contextmanager
def translate_errors(target: Target, limits: Limits, deadline: Deadline) -> Iterator[None]:
    """From what sockets, TLS and urllib3 raise to the client's own errors."""
    try:
        yield
    except (TimeoutError, ReadTimeoutError) as exc:
        raise HttpTimeoutError(_describe_timeout(target, limits, deadline)) from exc
    except ssl.SSLCertVerificationError as exc:
        raise UntrustedCertificateError(
            f"The certificate of {target.host} is not valid: {exc.verify_message}."
        ) from exc
    except (DecodeError, InvalidHeader) as exc:
        raise InvalidResponseError(
            f"The answer of {target.shown} cannot be decoded: {str(exc.args[0])[:_SHOWN_LENGTH]}"
        ) from exc
    except http.client.RemoteDisconnected as exc:
        raise ConnectionFailedError(f"The host {target.host} closed the connection without an answer.") from exc
    except http.client.HTTPException as exc:
        raise InvalidResponseError(f"The host {target.host} does not speak HTTP on port {target.port}.") from exc
    except (OSError, HTTPError) as exc:
        raise ConnectionFailedError(f"The connection to {target.host}:{target.port} failed: {_describe(exc)}.") from exc


def _describe_timeout(target: Target, limits: Limits, deadline: Deadline) -> str:
    if deadline.is_past():
        whole = f"{limits.total_seconds:.3g} seconds, the most that one request may take"
        return f"{target.shown} was not done within {whole}."
    waits = f"connecting {limits.connect_seconds:g} s, reading {limits.read_seconds:g} s"
    return f"The host {target.host} did not answer in time ({waits})."


def _describe(exc: Exception) -> str:
    """The system's words where it has some; never the request, a file or an object's place in memory."""
    cause = exc.args[1] if isinstance(exc, HTTPError) and len(exc.args) > 1 else exc
    if isinstance(cause, http.client.IncompleteRead):
        return "it ended before the whole body had come"
    if isinstance(cause, ssl.SSLError):
        return f"TLS, {(cause.reason or 'handshake failure').replace('_', ' ').lower()}"
    return getattr(cause, "strerror", None) or type(cause).__name__
