"""Every order in which calls to a shared store can come when several do their work at once.

Each work is a thread that stands still before each of its calls until it is told to go on. Orders after which the store
and all that each work has been answered are the same go on in the same way: one of them is followed.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

SECONDS = 10


class Stopped(BaseException):
    """The process died here. No `except Exception` sees it."""


class Scene(Protocol):
    """What the works share, fresh for every order."""

    def works(self) -> Sequence[Callable[[], object]]: ...

    def state(self) -> object:
        """Equal for scenes that go on alike."""

    def check(self) -> None:
        """Once all works have ended."""


class Gate:
    """Lets one thread at a time make one call."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def call(self, do: Callable[[], Any]) -> Any:
        step: Step | None = getattr(self._of_thread, "step", None)
        if step is None:
            return do()
        step.pause()
        answer = do()
        step.answers.append(answer)
        return answer

    def enter(self, step: "Step") -> None:
        self._of_thread.step = step


class Step:
    """One work: goes to its next call and stands still before it."""

    def __init__(self, work: Callable[[], object], gate: Gate) -> None:
        self.answers: list[Any] = []
        self.has_ended = False
        self.error: Exception | None = None
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self._is_over = False
        self._thread = threading.Thread(target=self._run, args=(work, gate), daemon=True)
        self._thread.start()
        assert self._stands.acquire(timeout=SECONDS)

    def pause(self) -> None:
        self._stands.release()
        assert self._go.acquire(timeout=SECONDS)
        if self._is_over:
            raise Stopped

    def go(self) -> None:
        self._go.release()
        assert self._stands.acquire(timeout=SECONDS)

    def stop(self) -> None:
        if not self.has_ended:
            self._is_over = True
            self.go()
        self._thread.join(SECONDS)

    def _run(self, work: Callable[[], object], gate: Gate) -> None:
        gate.enter(self)
        try:
            work()
        except Stopped:
            pass
        except Exception as exc:  # the test is told of it
            self.error = exc
        self.has_ended = True
        self._stands.release()


def explore(make: Callable[[Gate], Scene]) -> int:
    """Check a scene after every order of its works' calls; how many different ends there were to come to."""
    seen, orders, ends = set[object](), list[tuple[int, ...]]([()]), set[object]()
    while orders:
        order = orders.pop()
        gate = Gate()
        scene = make(gate)
        steps = [Step(work, gate) for work in scene.works()]
        for index in order:
            steps[index].go()
        state = (scene.state(), tuple((tuple(step.answers), step.has_ended) for step in steps))
        open_steps = [index for index, step in enumerate(steps) if not step.has_ended]
        if state not in seen:
            seen.add(state)
            orders += [(*order, index) for index in open_steps]
            if not open_steps:
                assert [step.error for step in steps] == [None] * len(steps), order
                scene.check()
                ends.add(state)
        for step in steps:
            step.stop()
    return len(seen)
