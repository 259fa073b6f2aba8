"""The port to slots: which runs of a tenant are under way, of so many that may be, and which wait for their turn.

docs/decisions/2026-11-21-run-concurrency.md.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.errors import StepcallError
from stepcall.domain.ids import spell_execution_name
from stepcall.domain.run import RunAttempt


class SlotsUnavailableError(StepcallError):
    """Slots cannot be asked for now, for no fault of the caller's: what was asked may have been done or not."""


class Place(NamedTuple):
    """Who holds a slot, or waits for one: one attempt of a run. They sort in the order of acceptance."""

    run_id: UUID
    run_attempt: int = 1

    def __str__(self) -> str:
        return spell_execution_name(self.run_id, self.run_attempt)


def place_of(run: RunAttempt) -> Place:
    return Place(run.run_id, run.run_attempt)


class Slots(NamedTuple):
    """A tenant's, at one moment."""

    holders: frozenset[Place] = frozenset()
    mark: str | None = None
    """There while somebody may be waiting, another one with each who begins to: new runs do not overtake then."""


class Taking(StrEnum):
    """What came of taking a slot."""

    TAKEN = "taken"
    HELD = "held"
    """The run had one before."""
    REFUSED = "refused"


class SlotStore(Protocol):
    """All of it may be done twice. Each raises SlotsUnavailableError."""

    def take(self, tenant: str, place: Place, *, limit: int, in_turn: bool) -> Taking:
        """Refused while `limit` slots are held; not `in_turn`, also while somebody may be waiting."""

    def give_back(self, tenant: str, places: Iterable[Place]) -> Slots:
        """Free their slots, if they have any; what is left then. At least one place."""

    def read(self, tenant: str) -> Slots: ...

    def put_waiting(self, tenant: str, place: Place) -> None: ...

    def mark(self, tenant: str, place: Place) -> Slots:
        """Say that somebody waits, once he does; what the slots are then."""

    def unmark(self, tenant: str, seen: str) -> None:
        """Say that nobody waits, unless somebody has begun to since `seen` was the mark."""

    def list_waiting(self, tenant: str, *, limit: int, after: Place | None = None) -> tuple[Place, ...]:
        """Who waits, first come first, at most `limit`, from the first one behind `after`."""

    def remove_waiting(self, tenant: str, place: Place) -> bool:
        """Whether he was waiting."""
