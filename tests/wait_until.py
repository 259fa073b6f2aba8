"""For tests that wait for what others do, and for no time of its own."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.005


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not hold in time"
        time.sleep(PAUSE_SECONDS)
