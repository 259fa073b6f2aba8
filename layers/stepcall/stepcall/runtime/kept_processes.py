"""Child processes that do what may end badly, one request a line and one answer a line, kept and asked again.

Pipes and a fresh interpreter rather than `multiprocessing` or `fork`: Lambda has no /dev/shm, and the local stack works
in threads. A child says `ready` first, and ends when its stdin does.
"""

import os
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue
from typing import IO, cast

LIBRARY_PATH = "LD_LIBRARY_PATH"  # where Lambda's Python finds its own


class ProcessEndedError(Exception):
    """The child ended before it had answered; `exit_code` is as `subprocess` gives it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"The child process ended with {exit_code}.")
        self.exit_code = exit_code


class ProcessesBusyError(Exception):
    """No child was free in time."""


class KeptProcess:
    """One child, `python -m …`. It is started and not waited for; it ends with this object, or with this process."""

    def __init__(self, module: Sequence[str]) -> None:
        # a session of its own, because Ctrl-C is not for it
        self._process = subprocess.Popen(  # noqa: S603 (every part is ours)
            [sys.executable, "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._has_started = False
        self.end = weakref.finalize(self, _end, self._process)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def ask(self, request: bytes) -> bytes:
        """The answer to a request, a line each. Raises ProcessEndedError."""
        if not self._has_started:
            self._await_start()
        with suppress(BrokenPipeError):  # then there is no answer
            self._requests.write(request)
            self._requests.write(b"\n")
            self._requests.flush()
        answer = self._answers.readline()
        if not answer.endswith(b"\n"):
            raise ProcessEndedError(self._process.wait())
        return answer

    def _await_start(self) -> None:
        if not self._answers.readline():
            raise RuntimeError(f"The child does not start: exit code {self._process.wait()}; stderr says why.")
        self._has_started = True


class ProcessPool:
    """At most `size` children; the one used last is used first, and one that ended is replaced at its next use."""

    def __init__(self, size: int, module: Sequence[str]) -> None:
        self.module = tuple(module)
        self._places: LifoQueue[KeptProcess | None] = LifoQueue()
        for _ in range(size - 1):
            self._places.put(None)
        self._places.put(KeptProcess(self.module))

    def close(self) -> None:
        """End every child that is not at work."""
        for _ in range(self._places.qsize()):
            if process := self._places.get():
                process.end()
            self._places.put(None)

    @contextmanager
    def process(self, wait_seconds: float) -> Iterator[KeptProcess]:
        """A child of one's own; any exception ends it. Raises ProcessesBusyError."""
        try:
            process = self._places.get(timeout=max(0.0, wait_seconds))
        except Empty:
            raise ProcessesBusyError from None
        try:
            if process is None or not process.is_alive:
                process = KeptProcess(self.module)
            yield process
        except BaseException:
            if process:
                process.end()  # what it might still answer must never reach another request
            raise
        finally:
            self._places.put(process)


def _environment() -> dict[str, str]:
    """What the child needs to start, and none of our other variables: there are AWS credentials among them."""
    path = os.pathsep.join(entry or os.curdir for entry in sys.path)
    return {"PYTHONPATH": path, LIBRARY_PATH: os.environ.get(LIBRARY_PATH, "")}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(BrokenPipeError), process:
        pass  # closes the pipes and waits
