"""Everything wrong with a definition, at once, each with its place."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcall.domain.check import check_definition
from stepcall.domain.errors import MAX_PROBLEMS, InvalidDefinitionError, Problem
from stepcall.domain.types import ValueType
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import checked, declare, give, transform, workflow
from tests.unit.counted_calls import count_calls

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))


def problems_of(document: Any) -> list[Problem]:
    with pytest.raises(InvalidDefinitionError) as raised:
        check_definition(document, CATALOG)
    return raised.value.problems


def found(document: Any) -> list[tuple[str, str]]:
    return [(problem.location, problem.code) for problem in problems_of(document)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_valid_and_come_out_as_they_went_in(path: Path) -> None:
    document = json.loads(path.read_text())
    assert checked(document).to_json() == document


def test_a_definition_reads_as_its_author_wrote_it() -> None:
    document = workflow(
        transform("a", {"deep": ["{{input.n}}"]}),
        inputs=[declare("n", "number", default=None, description="d"), declare("t", "text")],
        outputs=[give("o", "{{refs.a.output.result.deep[0]}}", "number")],
    )
    definition = checked(document)
    assert (definition.name, definition.description) == ("a workflow", None)
    assert definition.input[0].has_default
    assert not definition.input[0].must_be_given
    assert definition.input[1].type is ValueType.STRING
    assert definition.task("a").input == {"expression": "$", "data": {"deep": ["{{input.n}}"]}}
    assert definition.output[0].value == "{{refs.a.output.result.deep[0]}}"


def test_what_is_checked_part_by_part_equals_what_is_read_as_a_whole() -> None:
    document = workflow(transform("a"), inputs=[declare("n", default=None)], outputs=[give("o", "{{input.n}}")])
    definition, whole = checked(document), WorkflowDefinition.from_json(document)
    assert definition == whole
    assert definition.model_fields_set == whole.model_fields_set
    assert definition.to_json() == whole.to_json() == document


GOOD_TASK = transform("a")


@pytest.mark.parametrize(
    ("document", "location", "code"),
    [
        # shape
        (None, "", "wrong_type"),
        ([], "", "wrong_type"),
        ("text", "", "wrong_type"),
        (workflow() | {"name": None}, "/name", "wrong_type"),
        (workflow() | {"name": 5}, "/name", "wrong_type"),
        (workflow() | {"name": ""}, "/name", "invalid_value"),
        (workflow() | {"name": "n" * 257}, "/name", "invalid_value"),
        (workflow() | {"description": []}, "/description", "wrong_type"),
        (workflow() | {"description": "d" * 4097}, "/description", "invalid_value"),
        (workflow() | {"title": "x"}, "/title", "mixed_generations"),
        (workflow() | {"a/b~c": "x"}, "/a~1b~0c", "unknown_field"),
        (workflow() | {"": "x"}, "/", "unknown_field"),
        ({"tasks": [GOOD_TASK]}, "/name", "missing"),
        ({"name": "n"}, "/tasks", "missing"),
        (workflow() | {"tasks": {}}, "/tasks", "wrong_type"),
        (workflow() | {"tasks": None}, "/tasks", "wrong_type"),
        (workflow() | {"tasks": []}, "/tasks", "no_tasks"),
        (workflow() | {"input": {}}, "/input", "wrong_type"),
        (workflow() | {"input": None}, "/input", "wrong_type"),
        (workflow() | {"output": "x"}, "/output", "wrong_type"),
        (workflow(*[transform(f"t{n}") for n in range(1001)]), "/tasks", "too_many_tasks"),
        # inputs
        (workflow(inputs=[5]), "/input/0", "wrong_type"),  # type: ignore[list-item]
        (workflow(inputs=[{"name": "a"}]), "/input/0/type", "missing"),
        (workflow(inputs=[{"type": "string"}]), "/input/0/name", "missing"),
        (workflow(inputs=[declare("a", "strnig")]), "/input/0/type", "unknown_value"),
        (workflow(inputs=[{"name": "a", "type": ["string"]}]), "/input/0/type", "unknown_value"),
        (workflow(inputs=[{"name": "a", "type": None}]), "/input/0/type", "unknown_value"),
        (workflow(inputs=[declare("9a")]), "/input/0/name", "invalid_value"),
        (workflow(inputs=[declare("a b")]), "/input/0/name", "invalid_value"),
        (workflow(inputs=[declare("a\n")]), "/input/0/name", "invalid_value"),
        (workflow(inputs=[declare("ä")]), "/input/0/name", "invalid_value"),
        (workflow(inputs=[declare("")]), "/input/0/name", "invalid_value"),
        (workflow(inputs=[declare("a" * 65)]), "/input/0/name", "invalid_value"),
        (workflow(inputs=[declare("a", required="yes")]), "/input/0/required", "wrong_type"),
        (workflow(inputs=[declare("a", required=1)]), "/input/0/required", "wrong_type"),
        (workflow(inputs=[declare("a", optional=True)]), "/input/0/optional", "unknown_field"),
        (workflow(inputs=[declare("a", "integer", default="5")]), "/input/0/default", "wrong_type"),
        (workflow(inputs=[declare("a", "number", default=True)]), "/input/0/default", "wrong_type"),
        (workflow(inputs=[declare("a", "text", default=5)]), "/input/0/default", "wrong_type"),
        (workflow(inputs=[declare("a"), declare("b"), declare("a")]), "/input/2/name", "duplicate_name"),
        # tasks
        (workflow() | {"tasks": ["x"]}, "/tasks/0", "wrong_type"),
        (workflow({"type": "Data.Transform", "input": {"expression": "1"}}), "/tasks/0/ref", "missing"),
        (workflow({"ref": "a", "input": {}}), "/tasks/0/type", "missing"),
        (workflow(GOOD_TASK | {"ref": "a-b"}), "/tasks/0/ref", "invalid_value"),
        (workflow(GOOD_TASK | {"ref": 5}), "/tasks/0/ref", "wrong_type"),
        (workflow(GOOD_TASK | {"input": []}), "/tasks/0/input", "wrong_type"),
        (workflow(GOOD_TASK | {"retrying": {}}), "/tasks/0/retrying", "unknown_field"),
        (workflow(GOOD_TASK | {"type": ""}), "/tasks/0/type", "invalid_value"),
        (workflow(GOOD_TASK | {"type": "x" * 129}), "/tasks/0/type", "invalid_value"),
        (workflow(GOOD_TASK | {"type": "Data.Transfrom"}), "/tasks/0/type", "unknown_task_type"),
        (workflow(GOOD_TASK, GOOD_TASK), "/tasks/1/ref", "duplicate_ref"),
        (workflow({"ref": "a", "type": "Data.Transform"}), "/tasks/0/input/expression", "missing"),
        (workflow({"ref": "a", "type": "Web.Download", "input": {}}), "/tasks/0/input/url", "missing"),
        (
            workflow(GOOD_TASK | {"input": {"expression": "1", "x/y": 1}}),
            "/tasks/0/input/x~1y",
            "unknown_field",
        ),
        # outputs
        (workflow(outputs=[{"name": "o", "type": "string"}]), "/output/0/value", "missing"),
        (workflow(outputs=[give("o", 1, "strin")]), "/output/0/type", "unknown_value"),
        (workflow(outputs=[give("o", "1"), give("o", "2")]), "/output/1/name", "duplicate_name"),
        # templates and references
        (workflow(transform("a", "{{nothing}}")), "/tasks/0/input/data", "bad_template"),
        (workflow(transform("a", "x {{nothing}}")), "/tasks/0/input/data", "bad_template"),
        (workflow(transform("a", {"k/k": [0, "{{"]})), "/tasks/0/input/data/k~1k/1", "bad_template"),
        (workflow(outputs=[give("o", ["{{x}}"], "array")]), "/output/0/value/0", "bad_template"),
        (workflow(transform("a", "{{input.a}}")), "/tasks/0/input/data", "unknown_input"),
        (workflow(transform("a", "{{refs.b.output}}")), "/tasks/0/input/data", "unknown_ref"),
        (workflow(transform("a", "{{refs.a.output}}")), "/tasks/0/input/data", "later_ref"),
        (workflow(transform("a", ["{{refs.b.output}}"]), transform("b")), "/tasks/0/input/data/0", "later_ref"),
        (workflow(outputs=[give("o", "{{refs.nobody.output}}")]), "/output/0/value", "unknown_ref"),
        (workflow(outputs=[give("o", "{{refs.only.output.resutl}}")]), "/output/0/value", "unknown_output_field"),
        (workflow(outputs=[give("o", "x {{refs.only.output[0]}}")]), "/output/0/value", "unknown_output_field"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_problem_has_its_place_and_code(document: Any, location: str, code: str) -> None:
    [problem] = problems_of(document)
    assert (problem.location, problem.code) == (location, code)
    assert 10 < len(problem.message) < 400
    assert problem.message.endswith((".", "?"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        *(("config_id", value, "1 to 64 letters (A to Z, a to z), digits") for value in ("", "-a", "a/b", "ü")),
        ("config_id", "a" * 65, "the first of them a letter or a digit."),
        *(("type", value, "1 to 128 characters of one line") for value in ("", "a\nb", "a" * 129)),
        ("warn_after_ms", 1.5, "This must be a whole number, written without a decimal point."),
        ("warn_after_ms", 2.0, "This must be a whole number, written without a decimal point."),
        ("warn_after_ms", "2", "This must be an integer, not text."),
    ],
)
def test_what_a_field_of_the_head_takes_is_said_in_words(field: str, value: Any, message: str) -> None:
    [problem] = problems_of(workflow() | {field: value})
    assert problem.location == f"/{field}"
    assert message in problem.message
    assert "pattern" not in problem.message


def test_each_fault_of_a_text_is_told() -> None:
    text = "{{run.range_from.year}} {{run}} {{range_from}} {{input.nope}} {{refs.b.output"
    problems = problems_of(workflow(transform("a", {"deep": [text]})))
    assert {problem.location for problem in problems} == {"/tasks/0/input/data/deep/0"}
    assert Counter(problem.code for problem in problems) == {
        "bad_template": 3,
        "unknown_run_value": 1,
        "unknown_input": 1,
    }


def test_of_a_text_of_a_million_faults_as_many_are_told_as_an_answer_holds() -> None:
    def calls(size: int) -> int:
        return count_calls(lambda: problems_of(workflow(transform("a", "{{x}}" * size))))

    assert len(problems_of(workflow(transform("a", "{{x}}" * 200_000)))) == MAX_PROBLEMS
    assert calls(200_000) < 1.2 * calls(2000)


def test_messages_say_what_to_change() -> None:
    document = workflow(
        transform("first", "{{input.pgae}}"),
        {"ref": "second", "type": "Web.Downlaod", "input": {}},
        {"ref": "third", "type": "Web.ExtractText", "input": {"html": "{{refs.frist.output.result}}"}},
        inputs=[declare("page")],
        outputs=[give("o", "{{refs.first.output.resutl}}")],
    )
    assert [problem.message for problem in problems_of(document)] == [
        "`{{input.pgae}}`: there is no input `pgae`; did you mean `page`?",
        "There is no task type `Web.Downlaod`; did you mean `Web.Download`?",
        "`Web.ExtractText` takes no `html`.",
        "`{{refs.frist.output.result}}`: there is no task `frist`; did you mean `first`?",
        "`Web.ExtractText` needs `html_content`: A page's HTML.",
        "`refs.first.output` has no `resutl`; did you mean `result`?",
    ]


def test_all_problems_are_told_at_once_in_document_order() -> None:
    document = {
        "output": [{"name": "o", "value": "{{refs.zzz.output}} {{input.zzz}}"}, give("o", 1)],
        "tasks": [
            {"ref": "a", "type": "Nope", "input": {"x": "{{y}}"}, "extra": 1},
            {"type": "Web.Download", "input": {"uri": "{{refs.later.output}}"}},
            transform("a", "{{refs.b.output}}"),
        ],
        "input": [declare("9", "integer", default="x"), "no object", declare("n", "nope")],
        "versoin": 1,
    }
    assert found(document) == [
        ("/output/0/value", "unknown_ref"),
        ("/output/0/value", "unknown_input"),
        ("/output/0/type", "missing"),
        ("/output/1/name", "duplicate_name"),
        ("/output/1/value", "wrong_type"),
        ("/tasks/0/type", "unknown_task_type"),
        ("/tasks/0/input/x", "bad_template"),
        ("/tasks/0/extra", "unknown_field"),
        ("/tasks/1/input/uri", "unknown_field"),
        ("/tasks/1/input/uri", "unknown_ref"),
        ("/tasks/1/input/url", "missing"),
        ("/tasks/1/ref", "missing"),
        ("/tasks/2/ref", "duplicate_ref"),
        ("/tasks/2/input/data", "unknown_ref"),
        ("/input/0/name", "invalid_value"),
        ("/input/0/default", "wrong_type"),
        ("/input/1", "wrong_type"),
        ("/input/2/type", "unknown_value"),
        ("/versoin", "unknown_field"),
        ("/name", "missing"),
    ]


def test_one_fault_does_not_make_others_appear() -> None:
    misspelled_type = workflow(
        {"ref": "a", "type": "Nope", "input": {"anything": 1}}, transform("b", "{{refs.a.output.anything}}")
    )
    assert found(misspelled_type) == [("/tasks/0/type", "unknown_task_type")]
    bad_ref = workflow(transform("9a"), outputs=[give("o", "{{refs.b.output}}")])
    assert found(bad_ref) == [("/tasks/0/ref", "invalid_value"), ("/output/0/value", "unknown_ref")]
    bad_input_name = workflow(transform("a", "{{input.n}}"), inputs=[declare("n", "nope")])
    assert found(bad_input_name) == [("/input/0/type", "unknown_value")]
    named_twice = workflow(transform("a"), transform("b", "{{refs.a.output.result}}"), transform("a"))
    assert found(named_twice) == [("/tasks/2/ref", "duplicate_ref")]


def test_a_task_may_be_called_like_anything_of_ours() -> None:
    for ref in ("Failed", "finish_run", "input", "refs", "outputs", "States", "End", "_", "a" * 64):
        document = workflow(transform(ref), outputs=[give("o", f"{{{{refs.{ref}.output.result}}}}")])
        assert checked(document).task(ref).ref == ref


def test_large_integers_and_long_text_are_values_like_others() -> None:
    document = workflow(
        transform("a", [10**400, -(10**400), "x" * 100_000]), inputs=[declare("n", "integer", default=10**400)]
    )
    assert checked(document).to_json() == document


NESTED: Any = "x"
for _ in range(180):
    NESTED = [NESTED]

HOSTILE: dict[str, Callable[[], Any]] = {
    "many unknown keys": lambda: workflow() | {f"k{n}": 1 for n in range(100_000)},
    "many unknown fields of a task": lambda: workflow(
        {"ref": "a", "type": "Data.Transform", "input": {"expression": "1"} | {f"k{n}": 1 for n in range(50_000)}}
    ),
    "many duplicate refs": lambda: workflow(*[GOOD_TASK] * 20_000),
    "many empty inputs": lambda: workflow() | {"input": [{}] * 300_000},
    "many tasks that are none": lambda: workflow() | {"tasks": [None] * 200_000},
    "many bad templates": lambda: workflow(transform("a", ["{{x}}"] * 100_000)),
    "many bad templates in one text": lambda: workflow(transform("a", "{{x}}" * 200_000)),
    "many unknown references": lambda: workflow(transform("a", ["{{refs.x.output}}"] * 20_000)),
    "many unknown references in one text": lambda: workflow(transform("a", "{{input.x}}" * 30_000)),
    "one very deep path": lambda: workflow(transform("a", "{{input.x" + ".a" * 100_000 + "}}")),
    "a long key above many faults": lambda: workflow(transform("a", {"k" * 500_000: ["{{x"] * 80_000})),
    "a long key above many references": lambda: workflow(transform("a", {"k" * 500_000: ["{{input.x}}"] * 10_000})),
    "keys full of slashes": lambda: workflow() | {"/~" * 10_000 + str(n): 1 for n in range(40)},
    "a long unknown name": lambda: workflow(transform("a", "{{input." + "n" * 1_000_000 + "}}")),
    "a long type": lambda: workflow(GOOD_TASK | {"type": "t" * 1_000_000}),
    "a type that is a tree": lambda: workflow(GOOD_TASK | {"type": NESTED}),
    "a long ref": lambda: workflow(transform("r" * 1_000_000)),
    "deep input": lambda: workflow(transform("a", NESTED)),
    "deep document": lambda: NESTED,
    "deep default": lambda: workflow(inputs=[declare("a", default=NESTED)]),
    "near misses of inputs": lambda: workflow(
        transform("a", [f"{{{{input.a_rather_long_name_{n:05d}_x}}}}" for n in range(5000)]),
        inputs=[declare(f"a_rather_long_name_{n:05d}_y") for n in range(5000)],
    ),
    "near misses of refs": lambda: workflow(
        *[transform(f"a_long_ref_{n:05d}", f"{{{{refs.a_long_rfe_{n:05d}.output}}}}") for n in range(2500)]
    ),
    "no names of any kind": lambda: {"input": [[]], "tasks": [[]], "output": [[]]},
    "lists where names should be": lambda: workflow(
        {"ref": [], "type": {}, "input": []}, inputs=[{"name": {}, "type": [], "default": {}}]
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_with_bounded_work_and_a_bounded_answer(name: str) -> None:
    document = HOSTILE[name]()
    problems: list[Problem] = []
    assert count_calls(lambda: problems.extend(problems_of(document))) < 1_500_000
    assert 1 <= len(problems) <= MAX_PROBLEMS
    assert len(json.dumps([problem.to_json() for problem in problems])) < 3_500_000  # a Lambda answer has 6 MB


def test_a_valid_document_of_a_megabyte_is_checked_with_linear_work() -> None:
    def calls(values: int) -> int:
        document = workflow(
            transform("a", {"k" * 1000: ["{{input.x}} {{{{ "] * values}),
            *[transform(f"t{n}", "{{refs.a.output.result}}") for n in range(values // 50)],
            inputs=[declare("x")],
        )
        return count_calls(lambda: checked(document))

    assert calls(8_000) < 2.5 * calls(4_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
TEMPLATES = st.sampled_from(
    ["{{input.a}}", "{{refs.a.output.result}}", "{{refs.b.output}}", "{{", "{{{{", "x {{input.b[0]}}", "{{nope}}"]
)
NAMES = st.sampled_from(["a", "b", "9", "", "a/b", "~"]) | JSON
VALUES = TEMPLATES | JSON | st.lists(TEMPLATES, max_size=3)
INPUT = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "type": st.sampled_from(["string", "text", "integer", "nope"]) | JSON,
        "default": JSON,
        "required": JSON,
    },
)
TASK = st.fixed_dictionaries(
    {},
    optional={
        "ref": NAMES,
        "type": st.sampled_from(["Data.Transform", "Web.Download", "nope"]) | JSON,
        "input": st.fixed_dictionaries({}, optional={"expression": VALUES, "data": VALUES, "url": VALUES}) | JSON,
        "extra": JSON,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("n") | JSON,
        "input": st.lists(INPUT | JSON, max_size=4) | JSON,
        "tasks": st.lists(TASK | JSON, max_size=4) | JSON,
        "output": st.lists(INPUT | JSON, max_size=3) | JSON,
        "a/b": JSON,
    },
)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS)
def test_any_document_is_accepted_or_refused_with_places_that_lead_somewhere(document: Any) -> None:
    try:
        definition = check_definition(document, CATALOG).definition
    except InvalidDefinitionError as refusal:
        lost = [problem for problem in refusal.problems if not holder_exists(document, problem.location)]
        problems: list[Problem] | None = refusal.problems
    else:
        problems, lost = None, []
        assert WorkflowDefinition.from_json(json.loads(json.dumps(definition.to_json()))) == definition
    assert problems != []
    assert lost == []


def holder_exists(document: Any, location: str) -> bool:
    """Whether all but the last step of a JSON Pointer are there: the last one may be what is missing."""
    value, steps = document, location.split("/")[1:]
    for step in steps[:-1]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in {"input", "value"}:
            value = value.get(key, {})  # a field that is missing may lie in an object that is missing
        elif isinstance(value, dict):
            value = value[key]
        else:
            value = value[int(key)]
    return True
