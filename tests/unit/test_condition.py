"""What a condition comes to, with a run's data."""

from typing import Any

import pytest

from stepcall.domain.condition import (
    MAX_DEPTH,
    MAX_PARTS,
    ConditionError,
    ConditionSyntaxError,
    holds,
    parse_condition,
    templates_of,
)
from stepcall.domain.parse_template import TemplateSyntaxError
from stepcall.domain.render_template import RenderError, Scope
from stepcall.domain.template import refs_in, spell_place

SCOPE = Scope(input={"yes": True, "n": 3, "text": "b", "gone": None, "list": [1, 2]}, outputs={"a": {"result": 3.0}})


def compare(left: Any, operator: str, right: Any) -> dict[str, Any]:
    return {"left": left, "operator": operator, "right": right}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (True, True),
        (False, False),
        ("{{input.yes}}", True),
        ({"not": "{{input.yes}}"}, False),
        (compare("{{input.n}}", "==", 3), True),
        (compare("{{input.n}}", "==", "{{refs.a.output.result}}"), True),
        (compare("{{input.n}}", "!=", 3), False),
        (compare("{{input.yes}}", "==", 1), False),
        (compare(1, "!=", "{{input.yes}}"), True),
        (compare("{{input.gone}}", "==", None), True),
        (compare("{{input.list}}", "==", [1, 2]), True),
        (compare("{{input.n}}", "<", 3), False),
        (compare("{{input.n}}", "<=", 3.0), True),
        (compare("{{input.text}}", ">", "a"), True),
        (compare("x{{input.text}}", ">=", "xb"), True),
        (compare("{{refs.skipped.output.result ?? 0}}", "==", 0), True),
        ({"all": ["{{input.yes}}", compare(1, "<", 2)]}, True),
        ({"all": ["{{input.yes}}", False]}, False),
        ({"any": [False, compare(2, "<", 1)]}, False),
        ({"any": [False, {"not": False}]}, True),
    ],
)
def test_a_condition_is_true_or_false(condition: Any, expected: bool) -> None:
    assert holds(parse_condition(condition), SCOPE) is expected


def test_what_an_earlier_part_decides_needs_no_later_one() -> None:
    lost = compare("{{refs.lost.output.result}}", "==", 1)
    assert not holds(parse_condition({"all": [False, lost]}), SCOPE)
    assert holds(parse_condition({"any": [True, lost]}), SCOPE)


@pytest.mark.parametrize(
    "condition",
    ["{{input.n}}", "{{input.gone}}", compare("{{input.n}}", "<", "3"), compare(True, ">", 0), compare([1], "<", [2])],
)
def test_what_is_neither_true_nor_false_is_an_error_that_says_what_it_is(condition: Any) -> None:
    with pytest.raises(ConditionError, match=r"not (a number|null)\.|compares two"):
        holds(parse_condition(condition), SCOPE)


def test_a_reference_that_leads_nowhere_is_an_error() -> None:
    with pytest.raises(RenderError):
        holds(parse_condition("{{refs.lost.output.result}}"), SCOPE)


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ("yes", ""),
        ("{{input.yes}} or not", ""),
        (3, ""),
        (None, ""),
        ([], ""),
        ({}, ""),
        ({"left": 1, "right": 2}, ""),
        ({"all": True}, "/all"),
        ({"any": []}, "/any"),
        ({"not": {"any": [True, "no"]}}, "/not/any/1"),
        (compare(1, "===", 1), "/operator"),
        (compare("{{input", "==", 1), "/left"),
        (compare(1, "==", {"deep": ["{{}}"]}), "/right/deep/0"),
    ],
)
def test_what_is_no_condition_is_refused_where_it_is(condition: Any, place: str) -> None:
    with pytest.raises(TemplateSyntaxError) as raised:
        parse_condition(condition)
    assert spell_place(raised.value.place) == place


def test_conditions_are_bounded_in_depth_and_number() -> None:
    deep: Any = True
    for _ in range(MAX_DEPTH + 1):
        deep = {"not": deep}
    for hostile in (deep, {"all": [True] * MAX_PARTS}):
        with pytest.raises(ConditionSyntaxError):
            parse_condition(hostile)
    parse_condition({"all": [True] * (MAX_PARTS - 1)})


def test_all_that_it_names_is_found() -> None:
    parts = [{"not": "{{refs.a.output.x}}"}, compare("{{refs.b.output}}", "<", ["{{refs.c.output}}"])]
    named = [ref for template in templates_of(parse_condition({"all": parts})) for ref in refs_in(template)]
    assert named == ["a", "b", "c"]
