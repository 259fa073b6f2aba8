"""Calls of functions that nobody waits for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from local.background.agenda import Agenda
from local.lambda_runtime import Invocation
from local.workers import Workers

Then = Callable[[Invocation], None]


class Call(Protocol):
    def __call__(self, function: str, payload: str, then: Then) -> None:
        """Begin to run the function of this name or ARN on a JSON text; what comes of it is told to `then`."""


class Runtime(Protocol):
    def invoke(self, function: str, payload: str) -> Invocation:
        """Run the function, and wait for it no longer than its time limit."""


@contextmanager
def calls_in_background(agenda: Agenda, runtime: Runtime) -> Iterator[Call]:
    """Each call waits in a thread of its own, and comes back as a job of the agenda."""
    workers = Workers()

    def call(function: str, payload: str, then: Then) -> None:
        agenda.expect()
        workers.start(lambda: agenda.bring(partial(then, runtime.invoke(function, payload))))

    try:
        yield call
    finally:
        workers.close()
