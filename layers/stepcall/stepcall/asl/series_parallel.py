"""Tasks that wait for each other, as a tree of series and parallels, which is all that Step Functions can say.

Where the order is of that kind, the tree says exactly it. Where it is not (two tasks both use a third, and one of them
uses a fourth as well), some task has to wait for one that it does not use. docs/decisions/2026-11-22-graph-order.md.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from stepcall.asl.part_merging import merge_parts
from stepcall.asl.parts import Order, Part, bits, longest_way, parallel, series, span_of

MAX_MERGED = 24
"""Tasks that are merged pair by pair: the work grows with the fourth power of their number. More are cut in two."""
READINESS = (0.02, 0.5, 2.0)
"""How much merging minds a wait that lengthens no way: no single answer is best for every order."""
SAMPLES = 12
STEPS = 1000


def arrange(order: Order) -> Part:
    """The tree of all tasks. Equal orders give equal trees."""
    return _arrange((1 << len(order)) - 1, order)


def _arrange(members: int, order: Order) -> Part:
    if members.bit_count() == 1:
        return members.bit_length() - 1
    groups = _independent(members, order)
    if len(groups) > 1:
        return parallel([_arrange(group, order) for group in groups])
    stages = [*_stages(members, order)]
    if len(stages) > 1:
        return series([_arrange(stage, order) for stage in stages])
    return _approximate(members, order)


def _independent(members: int, order: Order) -> list[int]:
    """Groups of which no task waits for one of another."""
    groups: list[int] = []
    for task in bits(members):
        group, apart = 1 << task | order[task] & members, list[int]()
        for other in groups:
            if other & group:
                group |= other
            else:
                apart.append(other)
        groups = [*apart, group]
    return sorted(groups, key=lambda group: group & -group)


def _stages(members: int, order: Order) -> Iterator[int]:
    """Groups of which each task waits for all of those before."""
    tasks = sorted(bits(members), key=lambda task: ((order[task] & members).bit_count(), task))
    awaited_by_rest = [members]
    for task in reversed(tasks):
        awaited_by_rest.append(awaited_by_rest[-1] & order[task])
    awaited_by_rest.reverse()
    before = stage = 0
    for position, task in enumerate(tasks, start=1):
        before, stage = before | 1 << task, stage | 1 << task
        if position == len(tasks) or not before & ~awaited_by_rest[position]:
            yield stage
            stage = 0


def _approximate(members: int, order: Order) -> Part:
    """A tree that makes some task wait without need: of several, the one that lengthens the way least."""
    levels = _levels(members, order)
    if members.bit_count() > MAX_MERGED:
        return series([_arrange(half, order) for half in _halves(levels)])
    trees = [merge_parts(members, order, readiness) for readiness in READINESS]
    trees.append(series([parallel([*bits(level)]) for level in levels]))
    samples = [*_samples(len(order))]
    shortest = [longest_way(members, order, weights) for weights in samples]

    def lengthening(tree: Part) -> float:
        ratios = [span_of(tree, weights) / least for weights, least in zip(samples, shortest, strict=True)]
        return sum(ratios) / len(ratios) + max(ratios) / 2

    return min(trees, key=lengthening)


def _levels(members: int, order: Order) -> list[int]:
    """By how many tasks have to be done before, one after the other."""
    levels: list[int] = []
    depth: dict[int, int] = {}
    for task in sorted(bits(members), key=lambda task: order[task].bit_count()):
        depth[task] = 1 + max((depth[before] for before in bits(order[task] & members)), default=-1)
        if depth[task] == len(levels):
            levels.append(0)
        levels[depth[task]] |= 1 << task
    return levels


def _halves(levels: Sequence[int]) -> tuple[int, int]:
    """Cut between two levels, so that about as many tasks are before as after."""
    members = sum(levels)
    cuts = [*accumulate(levels[:-1])]
    before = min(reversed(cuts), key=lambda cut: abs(members.bit_count() - 2 * cut.bit_count()))
    return before, members & ~before


def _samples(tasks: int) -> Iterator[list[float]]:
    """How long tasks may take: all the same, then between 0.4 and 1.6 of that, the same numbers each time."""
    yield [1.0] * tasks
    for sample in range(1, SAMPLES + 1):
        seeds = (task * 7919 + sample * 104_729 + task * sample * 31 for task in range(tasks))
        yield [0.4 + 1.2 * (seed % STEPS) / STEPS for seed in seeds]
