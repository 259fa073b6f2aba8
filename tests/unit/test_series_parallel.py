"""Orders of tasks as trees of series and parallels."""

import statistics
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcall.asl.parts import Order, Parallel, Part, Series, bits, longest_way, parallel, series, span_of
from stepcall.asl.series_parallel import MAX_MERGED, arrange
from tests.random_graphs import closure, random_order

ARROWS = st.integers(2, 30).flatmap(
    lambda tasks: st.tuples(
        st.just(tasks), st.lists(st.tuples(st.integers(0, tasks - 1), st.integers(0, tasks - 1)), max_size=3 * tasks)
    )
)


def order_of(tasks: int, arrows: list[tuple[int, int]]) -> Order:
    """Each pair from the smaller number to the larger: there is no cycle."""
    return closure([[min(pair) for pair in arrows if max(pair) == task != min(pair)] for task in range(tasks)])


def tasks_of(part: Part) -> list[int]:
    return [part] if isinstance(part, int) else [task for inner in part.parts for task in tasks_of(inner)]


def waits_of(part: Part, before: int = 0) -> Iterator[tuple[int, int]]:
    """Each task, and as bits those that the tree has done before it."""
    if isinstance(part, int):
        yield part, before
        return
    for inner in part.parts:
        yield from waits_of(inner, before)
        if isinstance(part, Series):
            before |= sum(1 << task for task in tasks_of(inner))


def spelled(part: Part) -> str:
    match part:
        case Series(parts):
            return "".join(map(spelled, parts))
        case Parallel(parts):
            return f"({'|'.join(map(spelled, parts))})"
        case task:
            return chr(ord("a") + task)


@given(ARROWS)
def test_every_task_is_there_once_and_behind_all_that_it_waits_for(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    order = order_of(*drawn)
    tree = arrange(order)
    waits = dict(waits_of(tree))
    assert sorted(tasks_of(tree)) == list(range(len(order)))
    assert all(not order[task] & ~waits[task] for task in waits)


TREES = st.recursive(st.just("task"), lambda inner: st.tuples(st.booleans(), st.lists(inner, min_size=2, max_size=4)))


def numbered(tree: object, counter: Iterator[int]) -> Part:
    if isinstance(tree, tuple):
        parts = [numbered(inner, counter) for inner in tree[1]]
        return series(parts) if tree[0] else parallel(parts)
    return next(counter)


@given(TREES)
def test_what_a_tree_can_say_is_said_exactly(drawn: object) -> None:
    """No task waits for one that it need not wait for."""
    order = [before for _, before in sorted(waits_of(numbered(drawn, iter(range(10_000)))))]
    assert [before for _, before in sorted(waits_of(arrange(order)))] == order


@pytest.mark.parametrize(
    ("arrows", "tree"),
    [
        ([], "(a|b|c|d)"),
        ([(0, 1), (1, 2), (2, 3)], "abcd"),
        ([(0, 1), (0, 2), (1, 3), (2, 3)], "a(b|c)d"),
        ([(0, 1), (2, 3)], "(ab|cd)"),
    ],
)
def test_independent_chains_do_not_wait_for_each_other(arrows: list[tuple[int, int]], tree: str) -> None:
    assert spelled(arrange(order_of(4, arrows))) == tree


def test_where_a_task_must_wait_without_need_it_is_one_that_lengthens_no_way() -> None:
    """`c` uses `a` and `b`; `d` uses `b`, and begins a long chain: that must not wait for `a`, nor for `c`."""
    order = order_of(8, [(0, 2), (1, 2), (1, 3), *pairwise(range(3, 8))])
    tree = arrange(order)
    assert span_of(tree, [1.0] * 8) == 6 == longest_way(0xFF, order, [1.0] * 8)


@settings(max_examples=20)
@given(ARROWS)
def test_equal_orders_give_equal_trees(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    assert arrange(order_of(*drawn)) == arrange(order_of(*drawn))


def test_what_is_too_large_to_be_merged_is_cut_between_levels() -> None:
    tasks = 12 * MAX_MERGED
    order = closure([[before for before in (task - 5, task - 7) if before >= 0] for task in range(tasks)])
    tree = arrange(order)
    waits = dict(waits_of(tree))
    assert all(not order[task] & ~waits[task] for task in waits)
    weights = [1.0] * tasks
    assert span_of(tree, weights) <= 1.1 * longest_way((1 << tasks) - 1, order, weights)


def test_random_graphs_take_hardly_longer_than_their_longest_way() -> None:
    """Of tasks that all take as long; `make bench` measures other durations, too. No machine's speed has a say here."""
    ratios = []
    for seed in range(60):
        order = random_order(seed)
        weights = [1.0] * len(order)
        ratios.append(span_of(arrange(order), weights) / longest_way((1 << len(order)) - 1, order, weights))
    assert statistics.median(ratios) <= 1.1
    assert max(ratios) <= 1.5


def test_bits_are_the_numbers_of_a_set() -> None:
    assert [*bits(0b101001)] == [0, 3, 5]
