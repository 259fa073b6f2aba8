"""Lives that part from the one that is lived: copies of the process that go on where something was changed."""

import json
import os
from collections.abc import Callable
from typing import Any, NoReturn


class PartedLives:
    """By name what each of them told at its end."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self._answer: int | None = None
        """In a copy: the pipe that what is told goes into."""

    @property
    def is_copy(self) -> bool:
        return self._answer is not None

    def part(self, name: str, change: Callable[[], None]) -> None:
        """A copy goes on from here with the change; what it tells, if anything, is kept. AssertionError if it broke."""
        reading, writing = os.pipe()
        if copy := os.fork():
            os.close(writing)
            with os.fdopen(reading) as pipe:
                told = pipe.read()
            assert os.waitpid(copy, 0)[1] == 0, f"the life {name} broke"
            self.told |= {name: json.loads(told)} if told else {}
        else:
            os.close(reading)
            self._answer = writing
            change()

    def give_up(self) -> NoReturn:
        """The copy has nothing to tell."""
        os._exit(0)  # what Python would do at its end is for the process that it parted from

    def end(self, told: dict[str, Any]) -> NoReturn:
        assert self._answer is not None
        os.write(self._answer, json.dumps(told).encode())
        os._exit(0)
