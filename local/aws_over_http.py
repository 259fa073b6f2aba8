"""The AWS of this process for other processes too: moto's own server over the backends that a local stack is in.

What is called through it goes the way of a call in the process: same backends, same corrections of `moto_world`.
Decision: docs/decisions/2026-11-21-sam-local.md
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from local.http_server import Application, mounted, served


@contextmanager
def aws_over_http(bound: socket.socket, inside: dict[str, Application]) -> Iterator[None]:
    """Every service at the socket while the context lasts; `inside` are applications of one's own, by path."""
    # a second to import
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

    with served(mounted(inside, otherwise=DomainDispatcherApplication(create_backend_app)), bound):
        yield
