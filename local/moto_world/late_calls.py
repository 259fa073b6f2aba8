"""What functions ask of AWS when the stack has ended goes nowhere: moto would let it through to the network.

A handler that is still at work then, such as one that waits for a long query, must not reach a real account.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import botocore.handlers
from botocore.exceptions import ConnectionClosedError

from local.moto_world.replacing import replaced


@contextmanager
def late_calls_refused() -> Iterator[None]:
    """For the clients of every session that is opened while the context lasts."""
    ended = Event()

    def refuse(request: Any, **_: Any) -> None:
        if ended.is_set():
            raise ConnectionClosedError(endpoint_url=request.url)

    handlers = [*botocore.handlers.BUILTIN_HANDLERS, ("before-send", refuse)]
    with replaced(botocore.handlers, "BUILTIN_HANDLERS", handlers):
        try:
            yield
        finally:
            ended.set()
