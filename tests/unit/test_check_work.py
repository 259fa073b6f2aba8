"""No small document costs seconds: nested schemas, references into them, and mixed generations, made to cost time.

Work is counted in calls, which are the same on every machine. What C does without a call (`in` of a tuple, `str` of a
value) is counted by names and values that notice it.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from stepcall.domain.check import check_definition
from stepcall.domain.errors import MAX_PROBLEMS, InvalidDefinitionError, Problem
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import checked, declare, give, transform, workflow
from tests.unit.counted_calls import count_calls
from tests.unit.hostile_schemas import HOSTILE, VALID, Document, listed, typed

MAX_CALLS = 2_500_000  # a megabyte takes half a second or so
SIZE = 1_500


class NoticedName(str):
    """A name whose comparisons are calls."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


class NoticedList(list[Any]):
    """A value that is spelled by a call."""

    def __repr__(self) -> str:
        return list.__repr__(self)


def problems_of(document: Any) -> list[Problem]:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(document, CATALOG)
    return refused.value.problems


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused_with_bounded_work_and_a_bounded_answer(name: str) -> None:
    document, problems = HOSTILE[name](), list[Problem]()
    assert len(json.dumps(document)) < 1_300_000  # a request has 1 MB at most
    assert count_calls(lambda: problems.extend(problems_of(document)), at_most=MAX_CALLS) < MAX_CALLS
    assert 1 <= len(problems) <= MAX_PROBLEMS
    assert len(json.dumps([problem.to_json() for problem in problems])) < 3_500_000  # a Lambda answer has 6 MB


@pytest.mark.parametrize("name", VALID)
def test_a_valid_definition_of_twice_the_size_is_twice_the_work(name: str) -> None:
    assert work_of(VALID[name], 2 * SIZE) < 2.5 * work_of(VALID[name], SIZE)


def noticed_names(size: int) -> list[str]:
    return [NoticedName(f"a{number}") for number in range(size)]


def names_against_names(size: int) -> Document:
    source, target = ({"required": noticed_names(size), "properties": {"a0": {}}} for _ in range(2))
    return workflow(
        inputs=[declare("m", "object", schema=source)], outputs=[typed("o", "{{input.m}}", target, "object")]
    )


def references_past_names(size: int) -> Document:
    schema = {"properties": {"z": {"type": "string"}}, "required": [*noticed_names(size), "z"]}
    return workflow(
        transform("t", ["{{input.m.z}}"] * size),
        inputs=[declare("m", "object", schema=schema)],
        outputs=[give("o", "{{refs.t.output.result}}", "array")],
    )


NAMES = {"names against names": names_against_names, "references past names": references_past_names}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_must_be_there_are_looked_up_and_not_searched_for(name: str) -> None:
    document_of = NAMES[name]
    assert work_of(document_of, 2 * SIZE) < 2.5 * work_of(document_of, SIZE)


def work_of(document_of: Callable[[int], Document], size: int) -> int:
    document = document_of(size)
    return count_calls(lambda: checked(document))


def test_a_value_that_a_schema_lists_is_spelled_once_and_not_for_each_problem() -> None:
    allowed = NoticedList([1] * 10)
    document = listed([[]] * 500, {"enum": [allowed]})
    assert count_calls(lambda: problems_of(document), named="__repr__") <= 5


ELEMENTS: dict[str, Callable[[int], Any]] = {
    "templates": lambda number: f"{{{{input.{'ab'[number % 2]}}}}}",
    "templates with defaults": lambda number: f"{{{{input.{'ab'[number % 2]} ?? {number}}}}}",
    "objects": lambda number: {"a": f"{{{{input.{'ab'[number % 2]}}}}}", f"only{number}": 1},
    "arrays": lambda number: [f"{{{{input.{'ab'[number % 2]}}}}}"],
}


def done_for_each(element: Callable[[int], Any], size: int) -> Document:
    """Of two inputs with as many properties as schemas may have."""
    large = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(240)}}
    return workflow(
        transform("t", "{{item}}") | {"for_each": [element(number) for number in range(size)]},
        inputs=[declare(name, "object", schema=large, required=False) for name in "ab"],
    )


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_that_name_the_same_are_looked_at_once(name: str) -> None:
    document = done_for_each(ELEMENTS[name], SIZE)
    assert count_calls(lambda: checked(document), at_most=MAX_CALLS) < 200 * SIZE


def test_of_too_many_elements_none_is_looked_at() -> None:
    document = done_for_each(ELEMENTS["templates"], 10_001)
    found: list[Problem] = []
    assert count_calls(lambda: found.extend(problems_of(document))) < 10 * 10_001
    assert [(problem.location, problem.code) for problem in found] == [("/tasks/0/for_each", "too_many_elements")]
