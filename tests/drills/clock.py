"""The clock of a drill: it stands still until the drill moves it, so that every run of a drill is the same."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

TICK_SECONDS = 0.001


class MovedClock:
    """Nobody waits for what a clock can pass. `moved` is called after each move."""

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        self.moved = moved
        self._seconds = time.time()
        self._change = Lock()

    def seconds(self) -> float:
        """Since 1970."""
        return self._seconds

    def now(self) -> datetime:
        """A little later than whenever it was asked before: what came first can be told."""
        return datetime.fromtimestamp(self._advance(TICK_SECONDS), UTC)

    def pass_by(self, seconds: float) -> None:
        self._advance(seconds)
        self.moved()

    def _advance(self, seconds: float) -> float:
        with self._change:
            self._seconds += seconds
            return self._seconds
