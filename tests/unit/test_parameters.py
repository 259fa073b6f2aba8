"""The parameters of a call against what a workflow declares."""

from typing import Any

import pytest

from stepcall.domain.errors import MAX_PROBLEMS, InvalidParametersError, Problem
from stepcall.domain.parameters import bind_parameters
from tests.sample_workflows import Document, checked, declare, workflow
from tests.unit.counted_calls import count_calls


def bind(inputs: list[Document], given: dict[str, Any]) -> dict[str, Any]:
    return bind_parameters(checked(workflow(inputs=inputs)), given)


def refused(inputs: list[Document], given: dict[str, Any]) -> list[Problem]:
    with pytest.raises(InvalidParametersError) as raised:
        bind(inputs, given)
    return raised.value.problems


def test_every_declared_input_gets_a_value() -> None:
    inputs = [
        declare("given"),
        declare("defaulted", "integer", default=5),
        declare("nulled", "string", default=None),
        declare("optional", "object", required=False),
        declare("optional_given", "array", required=False),
    ]
    bound = bind(inputs, {"optional_given": [1], "given": ""})
    assert bound == {"given": "", "defaulted": 5, "nulled": None, "optional": None, "optional_given": [1]}
    assert list(bound) == [parameter["name"] for parameter in inputs]


def test_a_value_that_python_calls_false_is_given() -> None:
    inputs = [declare("n", "number", default=5), declare("b", "boolean", default=True), declare("t", default="x")]
    assert bind(inputs, {"n": 0, "b": False, "t": ""}) == {"n": 0, "b": False, "t": ""}


def test_a_workflow_without_inputs_takes_no_parameters() -> None:
    assert bind([], {}) == {}
    [problem] = refused([], {"x": 1})
    assert (problem.location, problem.code, problem.expected) == ("/input/x", "unknown_input", "no inputs")


def test_values_are_handed_on_as_they_are() -> None:
    text = "{{input.other}} {{refs.a.output}} {{{{"
    given = {"text": text, "large": 10**400, "whole": 3.0, "tree": {"a": [{"{{": text}]}}
    inputs = [declare("text"), declare("large", "number"), declare("whole", "integer"), declare("tree", "object")]
    bound = bind(inputs, given)
    assert bound == given
    assert bound["tree"] is given["tree"]


@pytest.mark.parametrize("value", ["5", True, None, 5.5, [5], {"n": 5}])
def test_a_value_of_another_type_is_refused_and_not_repeated(value: Any) -> None:
    [problem] = refused([declare("n", "integer")], {"n": value})
    assert (problem.location, problem.code, problem.expected) == ("/input/n", "wrong_type", "integer")
    assert problem.message.startswith("The input `n` must be of type integer, not ")


def test_null_fits_only_what_need_not_be_given() -> None:
    optional = [declare("a", required=False), declare("b", default="x")]
    assert bind(optional, {"a": None, "b": None}) == {"a": None, "b": "x"}
    [problem] = refused([declare("a")], {"a": None})
    assert problem.got == "null"


def test_all_problems_are_told_at_once_declared_ones_first() -> None:
    inputs = [declare("url", description="Where the page is."), declare("depth", "integer"), declare("fine")]
    problems = refused(inputs, {"a/b": 1, "depth": "1", "fine": "", "urls": "x"})
    assert [(problem.location, problem.code) for problem in problems] == [
        ("/input/url", "missing"),
        ("/input/depth", "wrong_type"),
        ("/input/a~1b", "unknown_input"),
        ("/input/urls", "unknown_input"),
    ]
    assert problems[0].message == "The input `url` is missing: Where the page is."
    assert problems[3].message == "The workflow has no input `urls`; did you mean `url`?"


ROWS = declare(
    "rows",
    "array",
    schema={
        "items": {
            "type": "object",
            "properties": {
                "id": {"type": "integer", "minimum": 1},
                "kind": {"enum": ["a", "b", 1]},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            },
            "required": ["id"],
            "additionalProperties": False,
        }
    },
)


@pytest.mark.parametrize(
    ("row", "location", "code"),
    [
        ("x", "/input/rows/1", "wrong_type"),
        (None, "/input/rows/1", "wrong_type"),
        ({}, "/input/rows/1/id", "missing"),
        ({"id": "5"}, "/input/rows/1/id", "wrong_type"),
        ({"id": True}, "/input/rows/1/id", "wrong_type"),
        ({"id": 5.5}, "/input/rows/1/id", "wrong_type"),
        ({"id": 0}, "/input/rows/1/id", "invalid_value"),
        ({"id": 1, "kind": "c"}, "/input/rows/1/kind", "invalid_value"),
        ({"id": 1, "kind": True}, "/input/rows/1/kind", "wrong_type"),
        ({"id": 1, "kid/": "c"}, "/input/rows/1/kid~1", "unknown_field"),
        ({"id": 1, "tags": ["a", 2]}, "/input/rows/1/tags/1", "wrong_type"),
        ({"id": 1, "tags": ["a", "b", "c"]}, "/input/rows/1/tags", "invalid_value"),
    ],
)
def test_a_value_is_held_to_its_nested_schema(row: Any, location: str, code: str) -> None:
    [problem] = refused([ROWS], {"rows": [{"id": 1}, row]})
    assert (problem.location, problem.code) == (location, code)


def test_a_value_of_its_nested_schema_is_handed_on_as_it_is() -> None:
    rows = [{"id": 2**70, "kind": 1, "tags": ["{{input.x}}", ""]}, {"id": 3.0, "kind": "a"}]
    assert bind([ROWS], {"rows": rows})["rows"] is rows


def test_all_problems_of_a_nested_value_are_told_at_once() -> None:
    problems = refused([ROWS, declare("n", "number")], {"rows": [{"id": "x", "kind": "c"}, {}], "n": "1"})
    assert [problem.location for problem in problems] == [
        "/input/rows/0/id",
        "/input/rows/0/kind",
        "/input/rows/1/id",
        "/input/n",
    ]


def test_places_are_spelled_as_the_caller_sent_them() -> None:
    definition = checked(workflow(inputs=[ROWS]))
    for pointer in ("/inputs", ""):
        with pytest.raises(InvalidParametersError) as raised:
            bind_parameters(definition, {"rows": [{}], "x": 1}, pointer)
        locations = [problem.location for problem in raised.value.problems]
        assert locations == [f"{pointer}/rows/0/id", f"{pointer}/x"]


@pytest.mark.parametrize("rows", [["x"] * 200_000, [{"k" * 400_000: 1, "id": "x"}] * 2000], ids=["many", "long"])
def test_a_nested_value_with_very_many_faults_costs_and_answers_little(rows: Any) -> None:
    definition, problems = checked(workflow(inputs=[ROWS])), list[Problem]()

    def call() -> None:
        with pytest.raises(InvalidParametersError) as raised:
            bind_parameters(definition, {"rows": rows})
        problems.extend(raised.value.problems)

    assert count_calls(call) < 500_000
    assert sum(len(str(problem.to_json())) for problem in problems) < 2_000_000


def test_a_call_with_very_many_unknown_names_costs_and_answers_little() -> None:
    inputs = [declare(f"input_number_{number}", required=False) for number in range(2000)]
    definition = checked(workflow(inputs=inputs))
    problems: list[Problem] = []

    def call() -> None:
        with pytest.raises(InvalidParametersError) as raised:
            bind_parameters(definition, {f"inpt_number_{number}": 1 for number in range(100_000)})
        problems.extend(raised.value.problems)

    assert count_calls(call) < 1_000_000
    assert len(problems) == MAX_PROBLEMS
    assert sum(len(str(problem.to_json())) for problem in problems) < 2_000_000
