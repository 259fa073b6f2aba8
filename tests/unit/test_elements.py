"""How many elements a task may be done for, and how an execution's history is shared among tasks that have them."""

from typing import Any

import pytest

from stepcall.asl.elements import MOST_INLINE, most_elements, share_history
from stepcall.domain.task_control import MAX_ELEMENTS
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import Document, checked, declare, transform, workflow

FEW = declare("few", "array", schema={"type": "array", "maxItems": 5})
NESTED = declare("all", "object", schema={"properties": {"few": {"type": "array", "maxItems": 7}}, "required": ["few"]})


def each(array: Any, ref: str = "each") -> Document:
    return transform(ref, "{{item}}") | {"for_each": array}


def most(task: Document, *before: Document, inputs: Any = ()) -> int:
    definition = checked(workflow(*before, task, inputs=[*inputs]))
    return most_elements(definition.task("each"), definition, CATALOG)


def test_an_array_that_is_written_out_has_its_own_number() -> None:
    assert (most(each([1, "two", "{{input.few}}"]), inputs=[FEW]), most(each([]))) == (3, 0)


@pytest.mark.parametrize(("array", "inputs", "number"), [("{{input.few}}", FEW, 5), ("{{input.all.few}}", NESTED, 7)])
def test_a_schema_says_how_many_there_are_at_most(array: str, inputs: Document, number: int) -> None:
    assert most(each(array), inputs=[inputs]) == number


def test_who_does_not_say_how_many_may_have_as_many_as_there_may_be() -> None:
    assert most(each("{{input.many}}"), inputs=[declare("many", "array")]) == MAX_ELEMENTS
    assert most(each("{{refs.before.output.result}}"), transform("before")) == MAX_ELEMENTS


def test_the_output_of_a_task_that_is_done_for_each_is_as_long_as_that_one_may_be() -> None:
    before = transform("before", "{{item}}") | {"for_each": "{{input.few}}"}
    assert most(each("{{refs.before.output}}"), before, inputs=[FEW]) == MAX_ELEMENTS


def test_a_task_alone_has_all_the_room_and_no_more_than_it_wants() -> None:
    assert share_history(1000, [50], [10]) == [50]
    assert share_history(1000, [500], [10]) == [100]
    assert share_history(10**9, [10_000], [10]) == [MOST_INLINE]


def test_what_one_task_does_not_need_is_the_others_in_whatever_order_they_stand() -> None:
    assert share_history(1000, [5, 500], [10, 10]) == [5, 95]
    assert share_history(1000, [500, 5], [10, 10]) == [95, 5]


def test_two_that_want_more_than_there_is_have_the_same_share_of_events() -> None:
    assert share_history(1000, [500, 500], [10, 50]) == [50, 10]


def test_each_task_has_one_element_inline_however_little_room_there_is() -> None:
    assert share_history(0, [10, 10, 10], [100, 20, 50]) == [1, 1, 1]
    assert share_history(-50, [0], [10]) == [1]


@pytest.mark.parametrize("room", [100, 999, 5000, 24_000])
@pytest.mark.parametrize("wanted", [[10_000, 10_000, 3], [1, 2, 3], [0, 700, 10_000]])
def test_they_never_write_more_than_there_is_room_for(room: int, wanted: list[int]) -> None:
    events = [7, 13, 19]
    shared = share_history(room, wanted, events)
    written = sum(number * each for number, each in zip(shared, events, strict=True))
    assert written <= room
    assert all(number <= max(1, asked) for number, asked in zip(shared, wanted, strict=True))
