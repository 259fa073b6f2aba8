"""The template language: what it says, what it refuses, and that run data is only ever copied."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.parse_template import MAX_TEMPLATE_DEPTH, TemplateSyntaxError, parse, parse_reference, parse_text
from stepcall.domain.render_template import RenderError, Scope, render
from stepcall.domain.template import (
    Array,
    InputReference,
    Literal,
    Object,
    OutputReference,
    Text,
    escape_pointer,
    references,
    spell_place,
)
from tests.unit.counted_calls import count_calls

JSON_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON_VALUES = st.recursive(JSON_SCALARS, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=20)

SCOPE = Scope(
    input={"url": "https://example.com/", "number": 7, "none": None, "große": "ignored", "big": 10**30, "half": 0.5},
    outputs={
        "page": {
            "html_content": "<p>{{input.url}}</p>",
            "status_code": 200,
            "links": [{"href": "/a"}, {"href": "/b", "tags": ["x", "y"]}],
            "ok": True,
            "empty": {},
            "text": "ünïcode 🌊",
        }
    },
    results={"earlier": {"deep": [5]}},
)


def filled(value: Any, scope: Scope = SCOPE) -> Any:
    return render(parse(value), scope)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{input.number}}", 7),
        ("{{ input.number }}", 7),
        ("{{\n\tinput.number\u2003}}", 7),
        ("{{input.none}}", None),
        ("{{input.big}}", 10**30),
        ("{{input.half}}", 0.5),
        ("{{refs.page.output.ok}}", True),
        ("{{refs.page.output.status_code}}", 200),
        ("{{refs.page.output.links}}", [{"href": "/a"}, {"href": "/b", "tags": ["x", "y"]}]),
        ("{{refs.page.output.links[1]}}", {"href": "/b", "tags": ["x", "y"]}),
        ("{{refs.page.output.links[1].tags[0]}}", "x"),
        ("{{refs.page.output.empty}}", {}),
        ("{{refs.page.output}}", SCOPE.outputs["page"]),
        ("{{inputs.number}}", 7),
        ("{{tasks.page.outputs.links[1].tags[0]}}", "x"),
        ("{{tasks.page.outputs}}", SCOPE.outputs["page"]),
        ("{{outputs.earlier.deep[0]}}", 5),
    ],
)
def test_a_template_alone_keeps_the_type_of_what_it_names(template: str, value: Any) -> None:
    got = filled(template)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("number {{input.number}}", "number 7"),
        ("{{input.number}} ", "7 "),
        ("{{input.number}}{{input.number}}", "77"),
        ("{{input.url}}?page={{input.number}}", "https://example.com/?page=7"),
        ("is {{refs.page.output.ok}}", "is true"),
        ("is {{input.none}}", "is null"),
        ("{{refs.page.output.links[1].tags}}!", '["x","y"]!'),
        ("{{refs.page.output.links[0]}}!", '{"href":"/a"}!'),
        ("half {{input.half}}", "half 0.5"),
        ("{{input.big}}.", f"{10**30}."),
        ("«{{refs.page.output.text}}»", "«ünïcode 🌊»"),
    ],
)
def test_a_template_inside_longer_text_becomes_text(template: str, text: str) -> None:
    assert filled(template) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{{{", "{{"),
        ("{{{{input.url}}", "{{input.url}}"),
        ("a {{{{ b {{input.number}} }} c", "a {{ b 7 }} c"),
        ("{{{{{{{{", "{{{{"),
        ("{{{{{{input.number}}", "{{7"),
        ("}} and { and }", "}} and { and }"),
        ("{ {input.url} }", "{ {input.url} }"),
        ("", ""),
    ],
)
def test_four_braces_are_a_literal_pair_and_single_braces_are_text(template: str, text: str) -> None:
    assert filled(template) == text


def test_objects_and_arrays_are_filled_and_keys_are_left_alone() -> None:
    template = {"{{input.url}}": ["{{input.number}}", {"deep": [["n = {{input.number}}"]]}], "plain": 1.5, "no": None}
    assert filled(template) == {"{{input.url}}": [7, {"deep": [["n = 7"]]}], "plain": 1.5, "no": None}


@pytest.mark.parametrize(
    "text",
    [
        "{{}}",
        "{{ }}",
        "{{input}}",
        "{{input.}}",
        "{{input.url.}}",
        "{{input.9}}",
        "{{input.a-b}}",
        "{{input.große}}",
        "{{input.url }x}}",
        "{{inputs}}",
        "{{Input.url}}",
        "{{input .url}}",
        "{{input..url}}",
        "{{refs.page}}",
        "{{refs.page.outputs}}",
        "{{refs.page.outputx}}",
        "{{refs.page.output[-1]}}",
        "{{refs.page.output[1e1]}}",
        "{{refs.page.output[٣]}}",
        "{{refs.page.output[1}}",
        "{{refs.page.output['a']}}",
        "{{refs.page.output[0]x}}",
        "{{refs.page.output[1234567890]}}",
        "{{outputs}}",
        "{{__class__}}",
        "{{input.url|upper}}",
        "{{input.number + 1}}",
        "{{input.url",
        "text {{",
        "{{{input.url}}}",
        "{{a {{input.url}} b}}",
    ],
)
def test_what_is_not_in_the_language_is_refused(text: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"names nothing|not closed"):
        parse(text)


def test_a_message_quotes_only_the_beginning_of_a_long_mistake() -> None:
    with pytest.raises(TemplateSyntaxError) as raised:
        parse("{{" + "x" * 1_000_000)
    assert len(raised.value.message) < 300


def test_references_keep_their_spelling() -> None:
    for spelled in ("run.range_from", "input.a", "input.a.b[0][12].c", "refs.r.output", "refs.r.output[3].x"):
        assert str(parse_reference(spelled)) == spelled


def test_a_path_is_names_and_indices() -> None:
    assert parse_reference("refs.r.output.a[2].b") == OutputReference("r", ("a", 2, "b"))
    assert parse_reference("input.a") == InputReference("a")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{refs.later.output.x}}", "`later` has no output"),
        ("{{refs.page.output.nothing}}", "`refs.page.output` has no field `nothing`; it is an object with"),
        ("{{refs.page.output.links[2]}}", "`refs.page.output.links` has no element 2; it is an array of 2"),
        ("{{refs.page.output.links.href}}", "has no field `href`; it is an array of 2"),
        ("{{refs.page.output[0]}}", "has no element 0; it is an object with"),
        ("{{refs.page.output.text.length}}", "has no field `length`; it is text"),
        ("{{refs.page.output.text[0]}}", "has no element 0; it is text"),
        ("{{input.number.real}}", "has no field `real`; it is a number"),
        ("{{refs.page.output.ok[0]}}", "it is a boolean"),
        ("{{refs.page.output.empty.a}}", "it is an object with no fields"),
        ("x {{refs.page.output.nothing}}", "no field `nothing`"),
    ],
)
def test_a_reference_that_leads_nowhere_says_how_far_it_got(template: str, message: str) -> None:
    with pytest.raises(RenderError, match=r"has no value") as raised:
        filled(template)
    assert message in str(raised.value)


@pytest.mark.parametrize("template", ["{{input.none.x}}", "{{input.none.x[0].y}}", "{{input.tree.nothing}}"])
def test_past_null_and_for_a_field_that_a_caller_left_out_there_is_null(template: str) -> None:
    scope = Scope({"none": None, "tree": {"a": None}}, {"task": {"tree": {"a": None}}})
    assert render(parse(template), scope) is None
    assert render(parse("{{refs.task.output.tree.a.b}}"), scope) is None
    with pytest.raises(RenderError):
        render(parse("{{refs.task.output.tree.b}}"), scope)


def test_what_a_run_is_about_is_text_or_null() -> None:
    scope = Scope({}, {}, run={"range_from": "2025-04-18T00:00:00.000Z"})
    assert filled(["{{run.range_from}}", "{{ run.range_to }}", "since {{run.range_from}}"], scope) == [
        "2025-04-18T00:00:00.000Z",
        None,
        "since 2025-04-18T00:00:00.000Z",
    ]


@pytest.mark.parametrize(
    ("spelled", "right"),
    [
        ("run", "run.range_from"),
        ("run.", "run.range_from"),
        ("run.range_from!", "run.range_from"),
        ("runs.a", "input.NAME"),
        ("running", "input.NAME"),
        ("tasks.a", "tasks.a.outputs"),
        ("tasks.a.result[0].x", "tasks.a.outputs.result[0].x"),
        ("tasks.a.output.x", "tasks.a.outputs.x"),
        ("refs.a.outputs.x", "refs.a.output.x"),
        ("refs.a.outputs_x", "refs.a.output.outputs_x"),
        ("tasks.a b", "tasks.NAME.outputs.FIELD"),
        ("refs.a.output-x", "refs.REF.output.FIELD"),
    ],
)
def test_what_names_nothing_is_told_the_forms_that_it_is_nearest_to(spelled: str, right: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="names nothing") as refused:
        parse(f"{{{{{spelled}}}}}")
    assert f"`{{{{{right}}}}}`" in str(refused.value)


def test_attributes_of_python_objects_are_out_of_reach() -> None:
    for name in ("__class__", "__init__", "items", "keys"):
        with pytest.raises(RenderError):
            filled(f"{{{{refs.page.output.{name}}}}}")


def test_run_data_is_never_parsed_again() -> None:
    hostile = "{{input.secret}} {{refs.page.output}} {{{{ }} {{"
    scope = Scope({"text": hostile, "secret": "s3cret"}, {"page": {"body": hostile, "{{input.secret}}": [hostile]}})
    assert filled("{{refs.page.output.body}}", scope) == hostile
    assert filled("<{{input.text}}>", scope) == f"<{hostile}>"
    assert filled("{{refs.page.output}}", scope) == {"body": hostile, "{{input.secret}}": [hostile]}
    assert "s3cret" not in json.dumps(filled(["{{input.text}}", "a{{refs.page.output.body}}"], scope))


@given(JSON_VALUES)
def test_any_value_comes_through_a_reference_unchanged(value: Any) -> None:
    scope = Scope({"value": value}, {"task": {"field": value}})
    assert filled(["{{input.value}}", {"k": "{{refs.task.output.field}}"}], scope) == [value, {"k": value}]


@given(st.text(alphabet="{}a. \n", max_size=40) | st.text())
def test_any_text_can_be_written_by_doubling_its_opening_braces(text: str) -> None:
    assert filled(text.replace("{{", "{{{{")) == text


@given(JSON_VALUES)
def test_a_value_without_templates_is_its_own_template(value: Any) -> None:
    text = json.dumps(value).replace("{{", "{ {")
    assert filled(json.loads(text)) == json.loads(text)


@given(st.text(alphabet="{}input.refsoutpab_[]0123 ", max_size=80))
def test_any_text_is_parsed_or_refused_and_nothing_else(text: str) -> None:
    try:
        parse(text)
    except TemplateSyntaxError:
        assert "{{" in text


def test_every_fault_is_told_with_its_place_and_the_rest_is_parsed() -> None:
    faults: list[TemplateSyntaxError] = []
    template = parse({"a/b": ["{{x}}", "{{input.n}}"], "~": {"": "{{"}}, faults.append)
    assert [spell_place(fault.place) for fault in faults] == ["/a~1b/0", "/~0/"]
    assert template == Object(
        (("a/b", Array((Literal(None), InputReference("n")))), ("~", Object((("", Literal(None)),))))
    )


def test_without_anybody_to_tell_the_first_fault_is_raised_with_its_place() -> None:
    with pytest.raises(TemplateSyntaxError) as raised:
        parse({"list": [1, "{{x}}", "{{y}}"]})
    assert spell_place(raised.value.place) == "/list/1"
    assert "{{x}}" in raised.value.message


def test_references_come_in_document_order_with_their_places() -> None:
    template = parse({"b": "{{input.x}} and {{refs.t.output}}", "a": [0, ["{{input.y}}"]], "c": "plain"})
    assert [(spell_place(place), str(reference)) for place, reference in references(template)] == [
        ("/b", "input.x"),
        ("/b", "refs.t.output"),
        ("/a/1/0", "input.y"),
    ]


@given(st.text())
def test_a_key_is_one_token_of_a_json_pointer(key: str) -> None:
    token = escape_pointer(key)
    assert "/" not in token
    assert token.replace("~1", "/").replace("~0", "~") == key


def nested(depth: int) -> Any:
    value: Any = "{{input.number}}"
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def test_values_nest_to_the_limit_and_no_deeper() -> None:
    filled(nested(MAX_TEMPLATE_DEPTH))
    with pytest.raises(TemplateSyntaxError, match="nest at most 64 deep"):
        parse(nested(MAX_TEMPLATE_DEPTH + 1))
    with pytest.raises(TemplateSyntaxError, match="nest at most 64 deep"):
        parse(nested(10_000))


class CountedText(str):
    """Text that counts the characters which its readers look at and copy."""

    touched = 0

    def find(self, sub: str, start: SupportsIndex | None = 0, end: SupportsIndex | None = None) -> int:
        first = int(start or 0)
        found = super().find(sub, first, end)
        CountedText.touched += (found if found >= 0 else len(self)) - first + 1
        return found

    def startswith(self, *args: Any) -> bool:
        CountedText.touched += 4
        return super().startswith(*args)

    def __getitem__(self, key: SupportsIndex | slice) -> "CountedText":
        return self._counted(super().__getitem__(key))

    def __add__(self, other: str) -> "CountedText":
        return self._counted(super().__add__(other))

    def __radd__(self, other: str) -> "CountedText":
        return self._counted(other + str(self))

    def _counted(self, text: str) -> "CountedText":
        CountedText.touched += len(text)
        return CountedText(text)


HOSTILE: dict[str, Callable[[int], str]] = {
    "escapes": lambda size: "{{{{" * (size // 4),
    "references": lambda size: "{{input.a}} " * (size // 12),
    "opened and never closed": lambda size: "{{" + "{ " * (size // 2),
    "opened at the end": lambda size: "}}" * (size // 2) + "{{",
    "escapes before a reference": lambda size: "{{{{" * (size // 4) + "{{input.a}}",
    "one long name": lambda size: "{{input." + "a" * size + "}}",
    "one deep path": lambda size: "{{input.a" + ".b" * (size // 2) + "}}",
    "spaces": lambda size: "{{" + " " * size + "}}",
    "closing braces": lambda size: "}" * size,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_in_linear_time(name: str) -> None:
    def characters_touched(size: int) -> int:
        CountedText.touched = 0
        with suppress(TemplateSyntaxError):
            parse_text(CountedText(HOSTILE[name](size)))
        return CountedText.touched

    assert characters_touched(200_000) <= 6 * 200_000 + 1000


@pytest.mark.parametrize("part", ["{{x}} ", "{{run}}{{input.a}} ", "{{input.a b}}", "{{{{{{range_to}}"])
def test_text_of_many_faults_is_read_in_linear_time(part: str) -> None:
    faults: list[TemplateSyntaxError] = []
    CountedText.touched = 0
    parse_text(CountedText(part * (200_000 // len(part))), faults.append)
    assert len(faults) == 200_000 // len(part)
    assert CountedText.touched <= 6 * 200_000 + 1000


def test_a_deep_path_is_read_in_linear_time() -> None:
    def calls(steps: int) -> int:
        return count_calls(lambda: parse("{{input.a" + "[0].b" * steps + "}}"))

    assert calls(2000) < 2.5 * calls(1000)


def test_a_long_key_is_not_copied_for_every_value_below_it() -> None:
    def calls(size: int) -> int:
        return count_calls(lambda: list(references(parse({"/~" * size: ["{{input.a}}"] * 100}))), named="replace")

    assert calls(10_000) == 0, "no place is spelled where there is no fault"


def test_of_a_text_with_faults_each_is_told_and_there_is_what_could_be_read() -> None:
    faults: list[TemplateSyntaxError] = []
    read = parse(["{{x}} {{input.a}}{{y}}, {{{{ {{z", "{{x}}", "{{x}} and {{y}}"], faults.append)
    assert read == Array((Text((" ", InputReference("a"), ", {{ ")), Literal(None), Literal(None)))
    assert [(spell_place(fault.place), fault.message.split("`")[1]) for fault in faults] == [
        ("/0", "{{x}}"),
        ("/0", "{{y}}"),
        ("/0", "{{z"),
        ("/1", "{{x}}"),
        ("/2", "{{x}}"),
        ("/2", "{{y}}"),
    ]
    with pytest.raises(TemplateSyntaxError, match=r"\{\{x\}\}"):
        parse("{{x}} {{y}}")


@pytest.mark.parametrize("name", ["range_from", "range_to"])
@pytest.mark.parametrize("spelled", ["{}", " {} ", "{}.year"])
def test_who_forgets_that_a_range_is_the_runs_is_told_how_it_is_written(name: str, spelled: str) -> None:
    with pytest.raises(TemplateSyntaxError) as raised:
        parse(f"{{{{{spelled.format(name)}}}}}")
    assert raised.value.message.endswith(f" names nothing: write `{{{{run.{name}}}}}`.")


def test_text_that_holds_references_is_told_from_text_that_does_not() -> None:
    assert parse("a{{input.x}}") == Text(("a", InputReference("x")))
    assert parse("{{{{x") == Literal("{{x")
