"""How much longer than their longest way random graphs take, as they are compiled: no clock has a say in it."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from stepcall.asl.parts import longest_way, span_of
from stepcall.asl.series_parallel import arrange
from tests.benchmarks.figures import Figure, Reach
from tests.random_graphs import closure, random_order

GRAPHS = 200
MEDIAN, WORST = Reach(1.1), Reach(1.5)
Durations = Callable[[int], Sequence[float]]


def measure_graphs() -> tuple[list[Figure], dict[str, Any]]:
    orders = [random_order(seed) for seed in range(GRAPHS)]
    trees = [arrange(order) for order in orders]
    rows, facts = list[Figure](), {"seconds_for_1000_tasks": _time_large()}
    for name, durations in (("tasks alike", _alike), ("tasks of 0.5 to 1.5", _unlike)):
        ratios = []
        for order, tree in zip(orders, trees, strict=True):
            weights = durations(len(order))
            ratios.append(span_of(tree, weights) / longest_way((1 << len(order)) - 1, order, weights))
        rows.append(
            Figure(f"graphs: makespan over critical path, {name}, median", statistics.median(ratios), "", reach=MEDIAN)
        )
        rows.append(
            Figure(f"graphs: makespan over critical path, {name}, worst of {GRAPHS}", max(ratios), "", reach=WORST)
        )
    return rows, facts


def _alike(tasks: int) -> Sequence[float]:
    return [1.0] * tasks


def _unlike(tasks: int) -> Sequence[float]:
    draw = random.Random(tasks)
    return [draw.uniform(0.5, 1.5) for _ in range(tasks)]


def _time_large() -> float:
    """A thousand tasks that use one or two of the twenty before them: the planner at its slowest."""
    draw = random.Random(1)
    needs = [draw.sample(range(max(0, task - 20), task), min(task, draw.randint(1, 2))) for task in range(1000)]
    order, began = closure(needs), time.process_time()
    arrange(order)
    return time.process_time() - began
