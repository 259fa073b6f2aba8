"""Random orders of tasks: the same of one seed each time."""

import random
from collections.abc import Sequence


def closure(needed: Sequence[Sequence[int]]) -> list[int]:
    """From the tasks that each one uses, all of them before it: as bits, which have to be done first."""
    order: list[int] = []
    for uses in needed:
        order.append(0)
        for before in uses:
            order[-1] |= order[before] | 1 << before
    return order


def random_needs(seed: int, most: int = 30) -> list[list[int]]:
    """3 tasks to `most`: half of the graphs use a few of those before, half of them any with one probability."""
    draw = random.Random(seed)
    tasks = draw.randint(3, most)
    if seed % 2:
        few = draw.randint(1, 3)
        return [draw.sample(range(task), min(task, draw.randint(0, few))) for task in range(tasks)]
    density = draw.choice([0.05, 0.1, 0.2, 0.3])
    return [[before for before in range(task) if draw.random() < density] for task in range(tasks)]


def random_order(seed: int) -> list[int]:
    return closure(random_needs(seed))
