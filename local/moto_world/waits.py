"""The waits of state machines by another clock than the processor's: a drill of hours takes seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from local.moto_world.replacing import replaced


@contextmanager
def machines_wait_by(sleep: Callable[[float], None]) -> Iterator[None]:
    """`sleep` is told the seconds that a Retry, or a Wait state, is to wait."""

    def wait(_self: Any, env: Any, wait_seconds: int) -> None:
        if wait_seconds > 0 and env.is_running():
            sleep(wait_seconds)

    with (
        replaced(retrier_decl, "time", SimpleNamespace(sleep=sleep)),
        replaced(WaitFunction, "_wait_interval", wait),
    ):
        yield
