"""Two generations of one dialect: which one a document is written in, and what is read of one that mixes them."""

from typing import Any

import pytest

from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.generation import Generation, generation_of
from stepcall.domain.mixed_words import unmix
from stepcall.domain.render_template import Scope, render
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import checked, declare, give

LATER: dict[str, Any] = {
    "title": "Shout",
    "inputs": [declare("word"), declare("rows", "array", schema={"items": {"type": "integer"}})],
    "tasks": [
        {
            "name": "twice",
            "type": "Data.Transform",
            "inputs": {"expression": "$ & $", "data": "{{inputs.word}} {{inputs.rows[0]}}"},
            "description": "Says it twice.",
        }
    ],
    "outputs": [
        give("whole", "{{tasks.twice.outputs}}", "object"),
        give("said", "{{tasks.twice.outputs.result}}"),
        give("shouted", "{{outputs.said}}! {{outputs.whole.result}}"),
    ],
}


@pytest.mark.parametrize(
    ("document", "generation"),
    [
        ({"name": "n"}, Generation.FIRST),
        ({"title": "n"}, Generation.LATER),
        ({"title": "n", "input": [], "output": []}, Generation.FIRST),
        ({"name": "n", "inputs": [], "tasks": [{"name": "a", "inputs": {}}]}, Generation.LATER),
        ({"name": "n", "inputs": []}, Generation.FIRST),
        ({"inputs": []}, Generation.LATER),
        ({"outputs": []}, Generation.LATER),
        ({"input": [], "outputs": []}, Generation.FIRST),
        ({"name": "n", "title": "n", "outputs": []}, Generation.LATER),
        ({"tasks": [{"name": "a"}]}, Generation.LATER),
        ({"tasks": [{"ref": "a", "name": "b"}]}, Generation.FIRST),
        ({}, Generation.FIRST),
        ({"tasks": {}}, Generation.FIRST),
        ({"tasks": [5]}, Generation.FIRST),
        ([], Generation.FIRST),
        (None, Generation.FIRST),
    ],
)
def test_most_words_decide_and_else_the_title(document: Any, generation: Generation) -> None:
    assert generation_of(document) is generation


def test_a_document_of_the_later_generation_is_read_and_comes_out_as_it_went_in() -> None:
    definition = checked(LATER)
    assert definition.generation is Generation.LATER
    assert definition.name == "Shout"
    assert definition.task("twice").input == LATER["tasks"][0]["inputs"]
    assert definition.to_json() == LATER
    again = WorkflowDefinition.from_json(definition.to_json())
    assert again == definition
    assert again.model_fields_set == definition.model_fields_set


def test_templates_of_the_later_generation_name_the_same() -> None:
    definition = checked(LATER)
    scope = Scope(input={"word": "hey", "rows": [7]}, outputs={"twice": {"result": "heyhey"}})
    assert render(definition.task("twice").input_template, scope)["data"] == "hey 7"
    for output in definition.output:
        scope.results[output.name] = render(output.template, scope)
    assert scope.results["shouted"] == "heyhey! heyhey"
    assert definition.needs_of({output.name for output in definition.output}) == ("twice",)


def problems_of(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(document, CATALOG)
    return [(problem.location, problem.code) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"name": "n"}, "/name"),
        ({"input": [], "inputs": LATER["inputs"]}, "/input"),
        ({"output": []}, "/output"),
        ({"tasks": [{"ref": "twice", **LATER["tasks"][0]}]}, "/tasks/0/ref"),
        ({"tasks": [{**LATER["tasks"][0], "input": {}}]}, "/tasks/0/input"),
        ({"outputs": [*LATER["outputs"], give("x", "{{refs.twice.output.result}}")]}, "/outputs/3/value"),
        ({"outputs": [*LATER["outputs"], give("x", ["{{input.word}}"], "array")]}, "/outputs/3/value/0"),
    ],
)
def test_a_word_of_the_other_generation_is_one_problem_at_its_place(change: Any, location: str) -> None:
    assert problems_of(LATER | change) == [(location, "mixed_generations")]


def test_what_stands_under_a_word_of_the_other_generation_is_checked_all_the_same() -> None:
    document = {
        "name": "Mixed",
        "inputs": [declare("word", "strin"), declare("word")],
        "tasks": [
            {"ref": "z", "type": "Data.Transform", "input": {"expression": "1"}},
            {"ref": "y", "type": "Data.Transform", "input": {"expression": "1"}},
            {"ref": "x", "type": "Data.Transform", "input": {"expression": "1"}},
            {"name": "a", "type": "Data.Transform", "inputs": {"data": "{{input.wrod}}", "n/": ["{{refs.a.output}}"]}},
            {"name": "9", "type": "Nope", "inputs": 5},
        ],
        "outputs": [give("o", "{{refs.a.output.resutl}}")],
    }
    assert problems_of(document) == [
        ("/inputs", "mixed_generations"),
        ("/inputs/0/type", "unknown_value"),
        ("/inputs/1/name", "duplicate_name"),
        ("/tasks/3/name", "mixed_generations"),
        ("/tasks/3/inputs", "mixed_generations"),
        ("/tasks/3/inputs/data", "unknown_input"),
        ("/tasks/3/inputs/n~1", "unknown_field"),
        ("/tasks/3/inputs/n~1/0", "later_ref"),
        ("/tasks/3/inputs/expression", "missing"),
        ("/tasks/4/name", "mixed_generations"),
        ("/tasks/4/name", "invalid_value"),
        ("/tasks/4/type", "unknown_task_type"),
        ("/tasks/4/inputs", "mixed_generations"),
        ("/tasks/4/inputs", "wrong_type"),
        ("/outputs", "mixed_generations"),
        ("/outputs/0/value", "unknown_output_field"),
    ]


def test_a_document_in_one_generation_is_left_as_it_is() -> None:
    unmixed = unmix(LATER, Generation.LATER)
    assert unmixed.document == LATER
    assert unmixed.mixed == ()
    assert unmix([], Generation.FIRST).document == []


def test_what_stands_under_the_right_word_is_told_there_also_when_the_wrong_one_is_there_too() -> None:
    document = {
        "name": "n",
        "input": [declare("n", "strin")],
        "inputs": [],
        "tasks": [{"ref": "a", "type": "Data.Transform", "input": {"expression": 5}, "inputs": {}}],
    }
    assert problems_of(document) == [
        ("/input/0/type", "unknown_value"),
        ("/inputs", "mixed_generations"),
        ("/tasks/0/input/expression", "wrong_type"),
        ("/tasks/0/inputs", "mixed_generations"),
    ]
