"""Tasks merged pair by pair, in series or in parallel, until one part is left: each time the pair that costs least."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stepcall.asl.parts import Order, Part, bits, parallel, series


@dataclass(slots=True)
class _Merged:
    """A part under its first task's number. `before` and `after` are the parts it waits for, and that wait for it."""

    part: Part
    before: int
    after: int
    span: float = 1.0
    size: int = 1
    head: float = 0.0
    """How long the longest way is that leads to it."""
    tail: float = 0.0
    previous: int = 0
    """Of `before` those that are not before another of them."""
    following: int = 0


class _Merge(NamedTuple):
    """`cost` counts first; then what comes first in the document."""

    cost: float
    is_parallel: bool
    one: int
    other: int


def merge_parts(members: int, order: Order, readiness: float) -> Part:
    """A tree of these tasks that keeps their order, and adds to it where it has to.

    `readiness` says how much a wait costs that lengthens no way, in tasks.
    """
    return _Merging(members, order, readiness).merge_all()


class _Merging:
    def __init__(self, members: int, order: Order, readiness: float) -> None:
        after = dict.fromkeys(bits(members), 0)
        for task in after:
            for before in bits(order[task] & members):
                after[before] |= 1 << task
        self._parts = {task: _Merged(task, order[task] & members, after[task]) for task in after}
        self._price_of_wait = readiness / len(after)

    def merge_all(self) -> Part:
        while len(self._parts) > 1:
            self._measure()
            best = min([*self._in_series(), *self._in_parallel()])
            self._merge(best)
        [left] = self._parts.values()
        return left.part

    def _measure(self) -> None:
        parts = sorted(self._parts.items(), key=lambda item: item[1].before.bit_count())
        for number, part in parts:
            part.previous, part.following = part.before, 0
            for before in bits(part.before):
                part.previous &= ~self._parts[before].before
            for before in bits(part.previous):
                self._parts[before].following |= 1 << number
            part.head = self._longest_head(part.previous)
        for _, part in reversed(parts):
            part.tail = self._longest_tail(part.following)
        self._longest = max(part.head + part.span + part.tail for _, part in parts)

    def _longest_head(self, parts: int) -> float:
        return max((self._parts[number].head + self._parts[number].span for number in bits(parts)), default=0.0)

    def _longest_tail(self, parts: int) -> float:
        return max((self._parts[number].tail + self._parts[number].span for number in bits(parts)), default=0.0)

    def _in_series(self) -> Iterator[_Merge]:
        """A part and one that follows it: what else waits for the first then waits for the second, too."""
        for number, one in self._parts.items():
            for other_number in bits(one.following):
                other = self._parts[other_number]
                waiting = one.after & ~other.after & ~(1 << other_number)
                awaited = other.before & ~one.before & ~(1 << number)
                if any((self._parts[each].before | 1 << each) & waiting for each in bits(awaited)):
                    continue  # one would have to be before itself
                head = max(one.head, self._longest_head(awaited))
                tail = max(other.tail, self._longest_tail(waiting))
                late, early = self._count(waiting), self._count(awaited)
                waits = late * other.size + early * one.size + late * early
                yield self._price(head + one.span + other.span + tail, waits, number, other_number, is_parallel=False)

    def _in_parallel(self) -> Iterator[_Merge]:
        """Two parts that wait for the same, or are awaited by the same: each then waits for what the other does."""
        for number, one in self._parts.items():
            for other_number in bits(self._beside(number, one)):
                other = self._parts[other_number]
                before, after = one.before | other.before, one.after | other.after
                if before & after:
                    continue
                span = max(one.head, other.head) + max(one.span, other.span) + max(one.tail, other.tail)
                waits = self._waits_of_joining(one, other)
                yield self._price(span, waits, number, other_number, is_parallel=True)

    def _waits_of_joining(self, one: _Merged, other: _Merged) -> int:
        before, after = one.before | other.before, one.after | other.after
        of_one = self._count((before & ~one.before) | (after & ~one.after))
        of_other = self._count((before & ~other.before) | (after & ~other.after))
        around = sum(self._parts[each].size * self._count(after & ~self._parts[each].after) for each in bits(before))
        return of_one * one.size + of_other * other.size + around

    def _beside(self, number: int, one: _Merged) -> int:
        """The parts behind it in the document that have a neighbour in common with it, and no order to it."""
        found = 0
        for other_number, other in self._parts.items():
            has_order = (one.before | one.after) >> other_number & 1
            has_neighbour = one.previous & other.previous or one.following & other.following
            is_alike = one.previous == other.previous or one.following == other.following
            if other_number > number and not has_order and (has_neighbour or is_alike):
                found |= 1 << other_number
        return found

    def _price(self, span: float, waits: int, one: int, other: int, *, is_parallel: bool) -> _Merge:
        lengthening = max(0.0, span - self._longest)
        return _Merge(lengthening + waits * self._price_of_wait, is_parallel, one, other)

    def _count(self, parts: int) -> int:
        return sum(self._parts[number].size for number in bits(parts))

    def _merge(self, merge: _Merge) -> None:
        one, other = self._parts[merge.one], self._parts.pop(merge.other)
        put_together = parallel if merge.is_parallel else series
        one.part = put_together([one.part, other.part])
        one.span = max(one.span, other.span) if merge.is_parallel else one.span + other.span
        one.size += other.size
        both = 1 << merge.one | 1 << merge.other
        one.before, one.after = (one.before | other.before) & ~both, (one.after | other.after) & ~both
        for number, part in self._parts.items():
            if one.before >> number & 1:
                part.after |= one.after | both
            if one.after >> number & 1:
                part.before |= one.before | both
            part.before &= ~(1 << merge.other)
            part.after &= ~(1 << merge.other)
