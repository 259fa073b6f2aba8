"""Slots in memory: for tests, and to say in few lines what every slot store does."""

from collections import defaultdict
from collections.abc import Iterable
from threading import RLock

from stepcall.stores.slot_store import Place, Slots, Taking


class MemorySlotStore:
    """See SlotStore."""

    def __init__(self) -> None:
        self._slots: dict[str, Slots] = defaultdict(Slots)
        self._waiting: dict[str, set[Place]] = defaultdict(set)
        self._lock = RLock()

    def take(self, tenant: str, place: Place, *, limit: int, in_turn: bool) -> Taking:
        with self._lock:
            slots = self._slots[tenant]
            if place in slots.holders:
                return Taking.HELD
            if len(slots.holders) >= limit or (slots.mark and not in_turn):
                return Taking.REFUSED
            self._slots[tenant] = slots._replace(holders=slots.holders | {place})
            return Taking.TAKEN

    def give_back(self, tenant: str, places: Iterable[Place]) -> Slots:
        with self._lock:
            slots = self._slots[tenant]
            self._slots[tenant] = slots._replace(holders=slots.holders - set(places))
            return self._slots[tenant]

    def read(self, tenant: str) -> Slots:
        return self._slots[tenant]

    def put_waiting(self, tenant: str, place: Place) -> None:
        with self._lock:
            self._waiting[tenant].add(place)

    def mark(self, tenant: str, place: Place) -> Slots:
        with self._lock:
            self._slots[tenant] = self._slots[tenant]._replace(mark=str(place))
            return self._slots[tenant]

    def unmark(self, tenant: str, seen: str) -> None:
        with self._lock:
            if self._slots[tenant].mark == seen:
                self._slots[tenant] = self._slots[tenant]._replace(mark=None)

    def list_waiting(self, tenant: str, *, limit: int, after: Place | None = None) -> tuple[Place, ...]:
        with self._lock:
            waiting = sorted(self._waiting[tenant])
        return tuple([place for place in waiting if after is None or place > after][:limit])

    def remove_waiting(self, tenant: str, place: Place) -> bool:
        with self._lock:
            was_waiting = place in self._waiting[tenant]
            self._waiting[tenant].discard(place)
            return was_waiting
