"""What is to be done, and when. One thread does it, one thing after the other, and ends when the agenda is closed."""

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

LONGEST_WAIT_SECONDS = 5.0  # then the clock is looked at again: somebody may have set it
LOG = logging.getLogger(__name__)
Job = Callable[[], None]


class Agenda:
    """Jobs may be added by every thread. They must not wait for anything: what takes long is begun by a job.

    `now` gives seconds since 1970. Who moves that clock says so by `wake`.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._soon: deque[Job] = deque()
        self._later: list[tuple[float, int, Job]] = []
        self._numbers = count()  # of equal times the first one added comes first
        self._change = threading.Condition()
        self._closed = False
        self._at_work = False
        self._expected = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done, due, or expected."""
        with self._change:
            is_due = bool(self._later) and self._later[0][0] <= self.now()
            return not (self._at_work or self._soon or is_due or self._expected)

    def expect(self) -> None:
        """Another thread is going to add a job by `bring`."""
        with self._change:
            self._expected += 1

    def bring(self, job: Job) -> None:
        """The job that was expected."""
        with self._change:
            self._expected -= 1
            self.soon(job)

    def soon(self, job: Job) -> None:
        """As soon as possible, in the order of these calls."""
        with self._change:
            self._soon.append(job)
            self._change.notify_all()

    def at(self, instant: float, job: Job) -> None:
        with self._change:
            entry = (instant, next(self._numbers), job)
            heapq.heappush(self._later, entry)
            if self._later[0] is entry:  # else the thread wakes in time anyhow
                self._change.notify_all()

    def after(self, seconds: float, job: Job) -> None:
        self.at(self.now() + seconds, job)

    def wake(self) -> None:
        """Look at the clock again."""
        with self._change:
            self._change.notify_all()

    def close(self) -> None:
        """Begin nothing more; what is begun comes to its end."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def run_due(self) -> None:
        """Do all that is due, in this thread."""
        while (job := self._take_due()) is not None:
            try:
                job()
            except Exception:  # one that fails must not keep the others from their turn
                LOG.exception("A job of the local stack's background failed.")

    def run_until_closed(self) -> None:
        while True:
            self.run_due()
            with self._change:
                if self._closed:
                    return
                if not self._soon:
                    self._change.wait(self._seconds_to_next())

    def _take_due(self) -> Job | None:
        with self._change:
            job: Job | None = None
            if self._closed:
                pass
            elif self._soon:
                job = self._soon.popleft()
            elif self._later and self._later[0][0] <= self.now():
                job = heapq.heappop(self._later)[2]
            self._at_work = job is not None
            return job

    def _seconds_to_next(self) -> float:
        if not self._later:
            return LONGEST_WAIT_SECONDS
        return min(LONGEST_WAIT_SECONDS, max(0.0, self._later[0][0] - self.now()))


@contextmanager
def running(agenda: Agenda) -> Iterator[None]:
    """A thread does what the agenda says while the context lasts."""
    thread = threading.Thread(target=agenda.run_until_closed, name="agenda", daemon=True)
    thread.start()
    try:
        yield
    finally:
        agenda.close()
        thread.join()
