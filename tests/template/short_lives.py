"""Lives in less time: a wait moves the clock, and what botocore knows of services is read once for all roles."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stepcall.aws import session
from stepcall.runtime import wiring


class MovedTime:
    """The functions' monotonic clock: it runs, and jumps over what they would wait. The time of day stays."""

    def __init__(self) -> None:
        self._waited = 0.0

    def sleep(self, seconds: float) -> None:
        self._waited += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._waited


@contextmanager
def short_lives() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        moved, loader = MovedTime(), session.ServiceLoader()
        patch.setattr(wiring, "time", moved)
        patch.setattr(session, "ServiceLoader", lambda: loader)  # each role opens a session of its own
        yield
