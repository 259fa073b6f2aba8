"""In which order tasks run: as they stand in the document, or each as soon as what it waits for is done."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from heapq import heapify, heappop, heappush


class TaskOrder(StrEnum):
    SEQUENCE = "sequence"
    """One after the other, as the source says."""
    GRAPH = "graph"
    """What does not wait for each other runs at once."""


Waits = Mapping[str, Collection[str]]
"""By ref: the refs that a task waits for. Those that are no task's count for nothing."""


def in_run_order(refs: Sequence[str], waits: Waits) -> list[str]:
    """Each after all that it waits for, otherwise as in the document; those of a cycle, and behind one, at the end."""
    positions = {ref: position for position, ref in enumerate(refs)}
    awaited = {ref: {other for other in waits[ref] if other in positions} for ref in refs}
    followers = defaultdict[str, list[str]](list)
    for ref, others in awaited.items():
        for other in others:
            followers[other].append(ref)
    ready = [positions[ref] for ref, others in awaited.items() if not others]
    heapify(ready)
    done: dict[str, None] = {}
    while ready:
        ref = refs[heappop(ready)]
        done[ref] = None
        for follower in followers[ref]:
            awaited[follower].discard(ref)
            if not awaited[follower]:
                heappush(ready, positions[follower])
    return [*done, *(ref for ref in refs if ref not in done)]


def find_cycles(refs: Sequence[str], waits: Waits) -> Iterator[list[str]]:
    """Cycles: each task waits for the next one, and the last for the first. Every order that cannot be has one."""
    done = set[str]()
    for start in refs:
        if start in done:
            continue
        way, open_ends = [start], [iter(waits[start])]
        while way:
            following = next((ref for ref in open_ends[-1] if ref in waits and ref not in done), None)
            if following is None:
                done.add(way.pop())
                open_ends.pop()
            elif following in way:
                yield way[way.index(following) :]
                done |= set(way)  # what led to it would only be told once more
                break
            else:
                way.append(following)
                open_ends.append(iter(waits[following]))
