"""Threads that are kept for the next job. Starting one for each would cost an invocation more than its hand-over."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], None]
Inbox = SimpleQueue[Job | None]


class Workers:
    """As many threads as jobs have run at once. A job that never ends, or raises, takes its own thread with it.

    Threads end when the workers are closed, one that is at work after its job. Closed workers take jobs all the same.
    """

    def __init__(self) -> None:
        self._idle: list[Inbox] = []
        self._closed = False
        self._working = 0
        self._change = threading.Condition()

    def start(self, job: Job) -> None:
        """Run the job now, in a thread of its own."""
        with self._change:
            self._working += 1
            inbox = self._idle.pop() if self._idle else None
        if inbox is None:
            inbox = SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), name="worker", daemon=True).start()
        inbox.put(job)

    def wait_until_idle(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._change:
            while self._working and (left := deadline - time.monotonic()) > 0:
                self._change.wait(left)

    def close(self) -> None:
        with self._change:
            self._closed = True
            idle, self._idle = self._idle, []
        for inbox in idle:
            inbox.put(None)

    def _work(self, inbox: Inbox) -> None:
        while (job := inbox.get()) is not None:
            try:
                job()
            finally:
                with self._change:
                    self._working -= 1
                    self._change.notify_all()
            with self._change:
                if self._closed:
                    return
                self._idle.append(inbox)
