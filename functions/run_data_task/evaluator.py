"""Evaluates JSONata in child processes, so that a hostile expression ends a child and not the worker.

A child is kept and asked again, which costs some 50 µs more than evaluating in this process. Pipes and a fresh
interpreter rather than `multiprocessing` or `fork`: Lambda has no /dev/shm, and the local stack works in threads.
"""

import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, LifoQueue
from typing import IO, cast

LIBRARY_PATH = "LD_LIBRARY_PATH"  # where Lambda's Python finds its own


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may take, from reading its request to writing its answer."""

    seconds: float = 15
    memory_bytes: int = 768 * 1024 * 1024
    """Of address space. `[{},{},…]` of 26 MB takes 574 MB; 18 MB of ordinary records take 190 MB."""


class EvaluatorEndedError(Exception):
    """The child ended before it had answered; `exit_code` is as `subprocess` gives it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"The evaluator ended with {exit_code}.")
        self.exit_code = exit_code


class EvaluatorsBusyError(Exception):
    """No evaluator was free in time."""


class Evaluator:
    """One child. It is started and not waited for; it ends with this object, or with this process."""

    def __init__(self, limits: Limits) -> None:
        command = [sys.executable, "-m", "run_data_task.evaluate", str(limits.seconds), str(limits.memory_bytes)]
        # a session of its own, because Ctrl-C is not for it
        self._process = subprocess.Popen(  # noqa: S603 (every part is ours)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), start_new_session=True
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._has_started = False
        self.end = weakref.finalize(self, _end, self._process)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: bytes) -> bytes:
        """The answer to a request; `run_data_task.evaluate` says what they are. Raises EvaluatorEndedError."""
        if not self._has_started:
            self._await_start()
        with suppress(BrokenPipeError):  # then there is no answer
            self._requests.write(request)
            self._requests.write(b"\n")
            self._requests.flush()
        answer = self._answers.readline()
        if not answer.endswith(b"\n"):
            raise EvaluatorEndedError(self._process.wait())
        return answer

    def _await_start(self) -> None:
        if not self._answers.readline():
            raise RuntimeError(f"The evaluator does not start: exit code {self._process.wait()}; stderr says why.")
        self._has_started = True


class EvaluatorPool:
    """At most `size` evaluators; the one used last is used first, and one that ended is replaced at its next use."""

    def __init__(self, size: int, limits: Limits) -> None:
        self.limits = limits
        self._places: LifoQueue[Evaluator | None] = LifoQueue()
        for _ in range(size - 1):
            self._places.put(None)
        self._places.put(Evaluator(limits))

    def ask(self, request: bytes, wait_seconds: float) -> bytes:
        """As Evaluator.ask. Raises EvaluatorsBusyError too."""
        with self._evaluator(wait_seconds) as evaluator:
            return evaluator.ask(request)

    def close(self) -> None:
        """End every evaluator that is not at work."""
        for _ in range(self._places.qsize()):
            if evaluator := self._places.get():
                evaluator.end()
            self._places.put(None)

    @contextmanager
    def _evaluator(self, wait_seconds: float) -> Iterator[Evaluator]:
        try:
            evaluator = self._places.get(timeout=max(0.0, wait_seconds))
        except Empty:
            raise EvaluatorsBusyError from None
        try:
            if evaluator is None or not evaluator.is_alive:
                evaluator = Evaluator(self.limits)
            yield evaluator
        except BaseException:
            if evaluator:
                evaluator.end()  # what it might still answer must never reach another request
            raise
        finally:
            self._places.put(evaluator)


def _environment() -> dict[str, str]:
    """What the child needs to start, and none of our other variables: there are AWS credentials among them."""
    path = os.pathsep.join(entry or os.curdir for entry in sys.path)
    return {"PYTHONPATH": path, LIBRARY_PATH: os.environ.get(LIBRARY_PATH, "")}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(BrokenPipeError), process:
        pass  # closes the pipes and waits
