"""Wait states that end when AWS's do: no earlier than the time that they are told, whatever zone this machine is in.

moto takes a Timestamp for local time, and leaves out the fraction of a second that is left.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from moto.core.utils import utcnow
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from local.moto_world.replacing import replaced

LONGEST_SLEEP = 1.0
"""A stop that comes just before its thread sleeps wakes nobody."""


@contextmanager
def exact_waits() -> Iterator[None]:
    with (
        replaced(Timestamp, "_get_wait_seconds", _exact_seconds(Timestamp._get_wait_seconds)),
        replaced(WaitFunction, "_wait_interval", _wait),
    ):
        yield


def _exact_seconds(refuse_or_count: Callable[..., int]) -> Callable[..., float]:
    def get_wait_seconds(self: Any, env: Any) -> float:
        counted = refuse_or_count(self, env)
        self.string.eval(env=env)
        time = self._from_timestamp_string(env.stack.pop())
        return float((time - utcnow()).total_seconds()) if time else counted

    return get_wait_seconds


def _wait(_self: Any, env: Any, wait_seconds: float) -> None:
    end = monotonic() + wait_seconds
    while env.is_running() and (left := end - monotonic()) > 0:
        env.program_state_event.wait(min(left, LONGEST_SLEEP))
