"""What of a value does not fit its place, before anybody says where the value stands."""

from collections.abc import Callable
from dataclasses import dataclass

from stepcall.domain.errors import Problem
from stepcall.domain.template import Place, spell_place


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not fit, and where below the value."""

    place: Place
    code: str
    message: str
    expected: str | None = None
    got: str | None = None
    is_warning: bool = False

    def at(self, pointer: str) -> Problem:
        """The fault of a value that stands there."""
        return Problem(pointer + spell_place(self.place), self.code, self.message, self.expected, self.got)


Tell = Callable[[Fault], None]
