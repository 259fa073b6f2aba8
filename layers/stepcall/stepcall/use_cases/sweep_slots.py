"""A tenant's slots as one sweep finds and mends them: ended runs that still hold one, runs that wait in no line."""

from collections.abc import Callable, Collection, Sequence

from stepcall.stores.slot_store import Place, Taking
from stepcall.use_cases.admit_waiting_runs import run_in
from stepcall.use_cases.dependencies import StartDependencies

PAGE = 1000
MAX_READ_AGAIN = 100
"""Holders of one tenant in one sweep where not all open runs could be listed: most of them may be open."""


class SweptSlots:
    """Raises SlotsUnavailableError, as does `lets_in`, once: then nobody is let in any more."""

    def __init__(
        self,
        tenant: str,
        listed: Collection[Place],
        deps: StartDependencies,
        tell: Callable[[str, Place], None],
        choose: Callable[[Sequence[Place], int], Sequence[Place]] | None,
    ) -> None:
        """`listed` are open runs, a moment ago; `tell` hears of each repair; `choose` is None where they are all."""
        self._tenant = tenant
        self._listed = listed
        self._deps = deps
        self._tell = tell
        self._choose = choose
        self._seen = deps.slots.read(tenant)
        self._holders = set(self._seen.holders)
        self._is_closed = False
        self._has_marked = False
        self._in_line: set[Place] | None = None

    @property
    def were_taken(self) -> bool:
        """Whether there was none free before this sweep."""
        return len(self._seen.holders) >= self._deps.max_running

    def held(self, place: Place) -> bool:
        """Whether it had a slot before this sweep."""
        return place in self._seen.holders

    def lets_in(self, place: Place) -> bool:
        """Whether it has a slot now. Asked in the order of acceptance; nothing is written for who waits in line."""
        if place in self._holders:
            return True
        if self._is_closed:
            self._put_in_line(place)
            return False
        self._is_closed = True  # also if this fails
        if not self._take(place) and not (self._free_ended() and self._take(place)):
            self._in_line = self._read_line()
            self._put_in_line(place)
            return False
        self._holders.add(place)
        self._is_closed = False
        return True

    def waited(self, place: Place) -> bool:
        """Whether it was in line until now, where it is no more, and this sweep has let it in: its turn had come."""
        return self._deps.slots.remove_waiting(self._tenant, place) and not self.held(place)

    def leaves(self, place: Place) -> None:
        """It has ended since it was listed, and needs its slot no more."""
        self._deps.slots.give_back(self._tenant, [place])
        self._holders.discard(place)

    def _take(self, place: Place) -> bool:
        taking = self._deps.slots.take(self._tenant, place, limit=self._deps.max_running, in_turn=True)
        return taking is not Taking.REFUSED

    def _free_ended(self) -> bool:
        """Whether there were any. What is not listed may be new: it is read again."""
        unseen = sorted(self._holders.difference(self._listed))
        read_again: Sequence[Place] = unseen
        if self._choose and len(unseen) > MAX_READ_AGAIN:
            read_again = self._choose(unseen, MAX_READ_AGAIN)
        ended = {place for place in read_again if run_in(place, self._deps) is None}
        if ended:
            self._deps.slots.give_back(self._tenant, ended)
            self._holders -= ended
        for place in sorted(ended):
            self._tell("slot_freed", place)
        return bool(ended)

    def _read_line(self) -> set[Place]:
        line: set[Place] = set()
        after: Place | None = None
        while page := self._deps.slots.list_waiting(self._tenant, limit=PAGE, after=after):
            line.update(page)
            after = page[-1]
        return line

    def _put_in_line(self, place: Place) -> None:
        """Who died before he was in it would never have his turn while others fill every slot that becomes free."""
        line = self._in_line
        if line is None:
            return  # slots cannot be asked for
        is_missing = place not in line
        if is_missing:
            self._deps.slots.put_waiting(self._tenant, place)
            line.add(place)
            self._tell("put_in_line", place)
        if not self._has_marked and (is_missing or self._seen.mark is None):
            self._has_marked = True  # once is enough: whom an unmarking misses, the next sweep finds
            self._deps.slots.mark(self._tenant, place)
