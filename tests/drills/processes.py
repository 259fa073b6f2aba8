"""Functions as processes that may die: what has died does nothing more, not even its `finally`.

A thread stands for the process of an invocation. It dies by never going on: no exception is raised in it, so nothing of
ours runs behind the death, and its caller is told what Lambda tells of a process that was killed.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, NoReturn

from local.lambda_runtime import Context, Handler, Invocation, run_handler

PAYLOADS_KEPT = 200
Answered = Callable[["Process", Invocation], Invocation]


@dataclass(frozen=True)
class Process:
    """`function` is the name of the function's folder."""

    function: str
    outcome: SimpleQueue[Invocation | None] = field(default_factory=SimpleQueue)

    def die(self) -> NoReturn:
        """By the thread of the process itself, which ends here, unseen by what it was doing."""
        self.outcome.put(None)
        while True:
            threading.Event().wait()


class Processes:
    """`names` are the functions' folders by their physical names; `forget` makes an invocation's process a new one.

    Every invocation has a process of its own: a cold one makes all the calls there are.
    """

    def __init__(self, forget: Callable[[], None]) -> None:
        self.names: dict[str, str] = {}
        self.answered: Answered = lambda _process, done: done
        """What becomes of an answer on its way: a fault that a test plants."""
        self.delivered_twice: frozenset[str] = frozenset()
        """Functions that get every event twice, at once."""
        self.payloads: deque[tuple[str, str]] = deque(maxlen=PAYLOADS_KEPT)
        """What functions were invoked with, newest last."""
        self._forget = forget
        self._here = threading.local()
        self._alive = 0
        self._change = threading.Lock()

    @property
    def current(self) -> Process | None:
        """The process whose thread this is."""
        process: Process | None = getattr(self._here, "process", None)
        return process

    @property
    def alive(self) -> int:
        return self._alive

    def run(self, handler: Handler, payload: str, context: Context) -> Invocation:
        """For LocalStack."""
        function = self.names.get(context.function_name, context.function_name)
        self.payloads.append((function, payload))
        self._count(1)
        self._forget()
        try:
            times = 2 if function in self.delivered_twice else 1
            begun = [self._begin(function, handler, payload, context) for _ in range(times)]
            done = [self.answered(process, process.outcome.get() or killed(context)) for process in begun]
            return done[0]
        finally:
            self._count(-1)

    def _begin(self, function: str, *work: Any) -> Process:
        process = Process(function)

        def live() -> None:
            self._here.process = process
            process.outcome.put(run_handler(*work))

        threading.Thread(target=live, name=function, daemon=True).start()
        return process

    def _count(self, change: int) -> None:
        with self._change:
            self._alive += change


class InOneThread:
    """In the place of a pool of threads: a thread is a process here, and with it dies all that it was about to do."""

    def __init__(self, _threads: int) -> None:
        self.map = map


def killed(context: Context) -> Invocation:
    """As Lambda's managed runtimes report it, to a synchronous caller and to Step Functions."""
    message = f"RequestId: {context.aws_request_id} Error: Runtime exited with error: signal: killed"
    return Invocation.error("Runtime.ExitError", message)
