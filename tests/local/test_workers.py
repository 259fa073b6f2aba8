"""Threads that are kept for the next job, and end when they are no longer wanted."""

import threading

from local.workers import Workers

PATIENCE_SECONDS = 5


def test_idle_threads_end_when_the_workers_are_closed_and_one_at_work_after_its_job() -> None:
    workers, gate = Workers(), threading.Event()
    before = set(threading.enumerate())

    def wait_at_gate() -> None:
        gate.wait(PATIENCE_SECONDS)

    workers.start(lambda: None)
    workers.start(wait_at_gate)
    started = set(threading.enumerate()) - before
    assert len(started) in {1, 2}  # the first may have been free for the second job already
    workers.close()
    gate.set()
    for thread in started:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
