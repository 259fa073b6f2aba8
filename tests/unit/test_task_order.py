"""In which order tasks run, and that some can have none."""

import pytest

from stepcall.domain.task_order import find_cycles, in_run_order


def test_tasks_that_wait_for_nothing_stay_as_in_the_document() -> None:
    assert in_run_order(["c", "a", "b"], {"c": [], "a": [], "b": []}) == ["c", "a", "b"]


def test_a_task_comes_after_all_that_it_waits_for() -> None:
    waits = {"d": ["b", "c"], "c": ["a"], "b": ["a"], "a": [], "e": []}
    assert in_run_order([*waits], waits) == ["a", "c", "b", "d", "e"]


def test_what_is_no_task_is_not_waited_for() -> None:
    assert in_run_order(["b", "a"], {"b": ["gone", "a"], "a": []}) == ["a", "b"]


def test_tasks_of_a_cycle_come_last_with_all_behind_them() -> None:
    waits = {"a": ["b"], "b": ["a"], "c": ["b"], "d": []}
    assert in_run_order([*waits], waits) == ["d", "a", "b", "c"]


@pytest.mark.parametrize(
    ("waits", "cycles"),
    [
        ({"a": [], "b": ["a"]}, []),
        ({"a": ["a"]}, [["a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, [["a", "b", "c"]]),
        ({"x": ["a"], "a": ["b"], "b": ["a"]}, [["a", "b"]]),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b"], ["c", "d"]]),
        ({"a": ["gone"]}, []),
    ],
)
def test_each_cycle_is_found_once(waits: dict[str, list[str]], cycles: list[list[str]]) -> None:
    assert [*find_cycles([*waits], waits)] == cycles


def test_a_thousand_tasks_that_all_wait_for_each_other_are_no_trouble() -> None:
    refs = [f"t{number}" for number in range(1000)]
    waits = dict.fromkeys(refs, refs)
    assert in_run_order(refs, waits) == refs
    assert len([*find_cycles(refs, waits)]) >= 1
