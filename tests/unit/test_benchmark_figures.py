"""What the benchmarks compute from what they measure."""

import re

import pytest

from tests.benchmarks.figures import Figure, Reach, interleave, percentile, table_of
from tests.benchmarks.write_units import Index, index_units, size_of, table_units

BY_STATUS = Index(keys=("status", "id"), attributes=frozenset({"status", "id", "name"}))
ITEM = {"id": {"S": "1"}, "status": {"S": "open"}, "name": {"S": "x"}, "other": {"S": "y"}}


def test_a_reach_for_the_ratio_looks_at_the_ratio() -> None:
    figure = Figure("cold start", measured=300, unit="ms", reference=200, reach=Reach(1.5, of_ratio=True))
    assert (figure.ratio, figure.within_reach) == (1.5, True)
    assert Figure("cold start", 301, "ms", 200, Reach(1.5, of_ratio=True)).within_reach is False


def test_a_reach_for_at_least_is_missed_from_below() -> None:
    assert Figure("runs", 29.9, "/s", reach=Reach(30, at_least=True)).within_reach is False
    assert Figure("runs", 30, "/s", reach=Reach(30, at_least=True)).within_reach is True
    assert Figure("runs", 30, "/s").within_reach is None


def test_the_table_shows_a_figure_with_all_it_stands_beside() -> None:
    [_, line] = table_of([Figure("cold start", 1234, "ms", 1000, Reach(1.5, of_ratio=True))]).splitlines()
    assert re.split(r" {2,}", line) == ["cold start", "1,234 ms", "1,000 ms", "1.23 ×", "≤ 1.5 ×", "yes"]


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_a_sample(percent: int, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == expected


def test_subjects_take_turns() -> None:
    order: list[tuple[str, int]] = []

    def subject(name: str, number: int) -> float:
        order.append((name, number))
        return float(number)

    samples = interleave({"a": lambda number: subject("a", number), "b": lambda number: subject("b", number)}, 2)
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert samples == {"a": [0.0, 1.0], "b": [0.0, 1.0]}


def test_an_items_size_is_that_of_its_names_and_values() -> None:
    assert size_of({"id": {"S": "é"}}) == 4
    assert size_of({"n": {"N": "1795252532"}}) == 1 + 6
    assert size_of({"b": {"B": b"123"}}) == 4


def test_a_write_costs_a_unit_per_kilobyte_of_the_larger_image_and_twice_that_in_a_transaction() -> None:
    large, small = {"id": {"S": "x" * 1023}}, {"id": {"S": "x"}}
    assert table_units({}, small, transaction=False) == 1
    assert table_units(large, small, transaction=False) == 2
    assert table_units(large, small, transaction=True) == 4


def test_an_index_costs_only_where_its_entry_changes() -> None:
    assert index_units(BY_STATUS, {}, ITEM) == 1
    assert index_units(BY_STATUS, ITEM, ITEM | {"other": {"S": "z"}}) == 0
    assert index_units(BY_STATUS, ITEM, ITEM | {"name": {"S": "z"}}) == 1
    assert index_units(BY_STATUS, ITEM, ITEM | {"status": {"S": "done"}}) == 2
    assert index_units(BY_STATUS, ITEM, {name: value for name, value in ITEM.items() if name != "status"}) == 1
