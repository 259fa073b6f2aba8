"""The local stack's port: HTTP/1.1 with connections kept alive, in threads, on 127.0.0.1 unless said otherwise."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from local.errors import PortInUseError

HOST = "127.0.0.1"
THREADS = (
    128  # a caller that waits for its run (`Prefer: wait`) holds one; a hundred of them must not starve the others
)
LARGEST_REQUEST_READ = 64 * 1024 * 1024  # the gateway refuses at 10 MB, in its own words
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def bind(port: int, host: str = HOST) -> socket.socket:
    """A socket bound to the port, or to a free one for 0. Raises PortInUseError."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(1)
    except OSError as exc:
        bound.close()
        raise PortInUseError(f"Port {port} of {host} cannot be used: {exc.strerror or exc}.") from exc
    return bound


def mounted(applications: Mapping[str, Application], otherwise: Application) -> Application:
    """One application of several, chosen by the beginning of the path; each sees the path after its own prefix."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        prefix = next((prefix for prefix in applications if f"{path}/".startswith(f"{prefix}/")), "")
        inside = {**environ, "SCRIPT_NAME": prefix, "PATH_INFO": path.removeprefix(prefix)}
        body = applications.get(prefix, otherwise)(inside, start_response)
        return () if environ["REQUEST_METHOD"] == "HEAD" else body

    return application


@contextmanager
def served(application: Application, bound: socket.socket) -> Iterator[None]:
    """The application answers on the socket inside. Answers still being made at the end are dropped."""
    sockets: dict[int, Any] = {}
    server = create_server(
        application,
        map=sockets,
        sockets=[bound],
        threads=THREADS,
        ident=None,
        clear_untrusted_proxy_headers=False,  # API Gateway lets them pass
        max_request_body_size=LARGEST_REQUEST_READ,
        backlog=1024,
        connection_limit=1000,
    )
    ended = threading.Event()
    loop = threading.Thread(target=_serve_until, args=(ended, sockets), name="http", daemon=True)
    loop.start()
    try:
        yield
    finally:
        ended.set()
        server.pull_trigger()
        loop.join()
        server.task_dispatcher.shutdown(timeout=0.5)
        wasyncore.close_all(sockets, ignore_all=True)


def _serve_until(ended: threading.Event, sockets: dict[int, Any]) -> None:
    while not ended.is_set():
        wasyncore.loop(timeout=1.0, use_poll=True, map=sockets, count=1)
