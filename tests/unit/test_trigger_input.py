"""The input of a trigger: checked before anything sets the trigger off, and filled from what does."""

import json
import tracemalloc
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.trigger_input import TriggerInputError, check_trigger_input, render_trigger_input
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG

EVENT: Mapping[str, Any] = {
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "source": "my.shop",
    "detail-type": "Order Placed",
    "account": "123456789012",
    "time": "2026-11-22T09:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:s3:::orders"],
    "detail": {"order": {"lines": [{"sku": 'a"b', "count": 3}], "instance-id": "i-1"}, "paid": True, "note": None},
}


def declared(name: str, value_type: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": value_type, **more}


def workflow(*inputs: dict[str, Any]) -> WorkflowDefinition:
    return WorkflowDefinition.from_json({"name": "w", "input": list(inputs), "tasks": [], "output": []})


SHOP = workflow(
    declared("url", "string"),
    declared("count", "integer", default=1),
    declared("lines", "array", required=False, schema={"items": {"type": "object"}}),
    declared(
        "order",
        "object",
        required=False,
        schema={"properties": {"id": {"type": "string"}}, "additionalProperties": False},
    ),
)


def problems(value: Any, definition: WorkflowDefinition = SHOP, *, is_schedule: bool = False) -> list[tuple[str, str]]:
    return [(p.location, p.code) for p in check_trigger_input(value, definition, "/input", is_schedule)]


@pytest.mark.parametrize(
    "value",
    [
        {"url": "https://example.com/{{event.detail.order.instance-id}}"},
        {"url": "{{event.detail-type}}", "count": "{{event.detail.count}}", "lines": "{{event.detail.order.lines}}"},
        {"url": "{{ event.resources[0] }}", "order": "{{event.detail}}"},
        {"url": "{{{{event}} stays", "count": None, "lines": []},
        {"url": "{{event.detail.a.b[0].c}}", "order": {"id": "{{event.id}}"}},
    ],
)
def test_what_may_fit_at_run_time_is_let_through(value: Any) -> None:
    assert problems(value) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], [("/input", "wrong_type")]),
        (None, [("/input", "wrong_type")]),
        ({}, [("/input/url", "missing")]),
        ({"url": 5}, [("/input/url", "wrong_type")]),
        ({"url": "u", "uri": "u"}, [("/input/uri", "unknown_input")]),
        ({"url": "u", "count": "5"}, [("/input/count", "wrong_type")]),
        ({"url": "u", "count": "{{event.time}}"}, [("/input/count", "type_mismatch")]),
        ({"url": "u", "count": "{{event.detail.n}} pieces"}, [("/input/count", "type_mismatch")]),
        ({"url": "{{event.detial.x}}"}, [("/input/url", "unknown_event_value")]),
        ({"url": "{{event.time.hour}}"}, [("/input/url", "unknown_event_value")]),
        ({"url": "{{event.resources}}"}, [("/input/url", "type_mismatch")]),
        ({"url": "at {{event.resources}}"}, [("/input/url", "not_text")]),
        ({"url": "{{input.x}}{{event}}"}, [("/input/url", "bad_template")] * 2),
        ({"url": "{{event.detail"}, [("/input/url", "bad_template")]),
        ({"url": "u", "lines": ["{{event.id}}"]}, [("/input/lines/0", "type_mismatch")]),
        ({"url": "u", "lines": ["x"]}, [("/input/lines/0", "wrong_type")]),
        ({"url": "u", "order": {"id": "{{event.id}}", "of": 1}}, [("/input/order/of", "unknown_field")]),
        (
            {"count": "x", "nought": 1},
            [("/input/url", "missing"), ("/input/count", "wrong_type"), ("/input/nought", "unknown_input")],
        ),
    ],
)
def test_what_is_known_to_be_wrong_is_told_with_its_place(value: Any, expected: list[tuple[str, str]]) -> None:
    assert problems(value) == expected


def test_a_word_that_no_event_has_is_told_with_the_nearest_one() -> None:
    [found] = check_trigger_input({"url": "{{event.detial.x}}"}, SHOP, "/input", is_schedule=False)
    assert "an event has no `detial`; did you mean `detail`?" in found.message


def test_the_detail_of_a_schedule_is_known_to_be_empty() -> None:
    assert problems({"url": "{{event.time}}"}, is_schedule=True) == []
    [found] = check_trigger_input({"url": "{{event.detail.x}}"}, SHOP, "/input", is_schedule=True)
    assert (found.location, found.code) == ("/input/url", "unknown_event_value")
    assert "the detail of a schedule is empty. Take `{{event.time}}`" in found.message


def test_null_may_fill_what_need_not_be_given_only() -> None:
    nullable = workflow(declared("a", "string"), declared("b", "string", required=False))
    assert problems({"a": None, "b": None}, nullable) == [("/input/a", "wrong_type")]


def test_messages_do_not_repeat_values() -> None:
    found = check_trigger_input({"url": 5, "count": "secret-value", "lines": ["secret-value"]}, SHOP, "/input", False)
    assert len(found) == 3
    assert "secret-value" not in json.dumps([p.to_json() for p in found])


def test_templates_are_filled_alone_with_their_type_and_as_text_within_text() -> None:
    given_input = {
        "url": "{{event.source}}/{{event.detail.order.lines[0].count}}",
        "lines": "{{event.detail.order.lines}}",
        "deep": [{"paid": "{{event.detail.paid}}", "note": "{{event.detail.note.deeper}}"}],
        "literal": "{{{{event.id}}",
        "type": "{{event.detail-type}}",
        "instance": "{{event.detail.order.instance-id}}",
        "first": "{{event.resources[0]}}",
    }
    assert render_trigger_input(given_input, EVENT) == {
        "url": "my.shop/3",
        "lines": [{"sku": 'a"b', "count": 3}],
        "deep": [{"paid": True, "note": None}],
        "literal": "{{event.id}}",
        "type": "Order Placed",
        "instance": "i-1",
        "first": "arn:aws:s3:::orders",
    }


def test_an_event_of_a_megabyte_named_a_thousand_times_is_refused_before_it_is_spelled_out() -> None:
    event = {**EVENT, "detail": {"rows": [["x" * 100] * 90] * 100}}
    names = "{{event.detail.rows}}" * 1000
    tracemalloc.start()
    try:
        with pytest.raises(TriggerInputError) as caught:
            render_trigger_input({"a": "{{event.id}}", "b": [f"rows: {names}"]}, event)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    [problem] = caught.value.problems
    assert (problem.location, problem.code) == ("/b", "input_too_long")
    assert "1,048,576 characters" in problem.message
    assert peak < 16 * 1024 * 1024


def test_what_all_inputs_make_of_an_event_together_counts() -> None:
    event = {**EVENT, "detail": {"text": "x" * 600_000}}
    assert render_trigger_input({"a": "<{{event.detail.text}}>"}, event)
    with pytest.raises(TriggerInputError, match="characters, the limit"):
        render_trigger_input({"a": "<{{event.detail.text}}>", "b": "<{{event.detail.text}}>"}, event)


def test_a_value_that_is_named_twice_in_a_text_stands_there_twice_and_one_of_another_template_is_its_own() -> None:
    event = {**EVENT, "detail": {"a": [1], "b": [1, 2]}}
    value = {"x": "{{event.detail.a}} {{event.detail.b}} {{event.detail.a}}", "y": "<{{event.detail.b}}>"}
    assert render_trigger_input(value, event) == {"x": "[1] [1,2] [1]", "y": "<[1,2]>"}


def test_a_reference_of_a_thousand_fields_is_shortened_in_the_message() -> None:
    long = "{{event.detail." + ".".join(["field"] * 1000) + "}}"
    with pytest.raises(TriggerInputError) as caught:
        render_trigger_input({"a": long, "b": "{{event.detail." + "f" * 10_000 + "}}"}, EVENT)
    assert all(len(problem.message) < 700 for problem in caught.value.problems)


def test_what_an_event_brings_is_never_read_as_a_template() -> None:
    event = {**EVENT, "detail": {"text": "{{event.id}} {{{{"}}
    assert render_trigger_input({"a": "{{event.detail.text}}", "b": "<{{event.detail.text}}>"}, event) == {
        "a": "{{event.id}} {{{{",
        "b": "<{{event.id}} {{{{>",
    }


def test_every_reference_that_leads_nowhere_is_named() -> None:
    value = {"a/b": "{{event.detail.order.size}}", "b": ["{{event.resources[3]}}"], "c": "{{event.id}}"}
    with pytest.raises(TriggerInputError) as caught:
        render_trigger_input(value, EVENT)
    first, second = caught.value.problems
    assert (first.location, first.code) == ("/a~1b", "missing_event_value")
    assert "`{{event.detail.order.size}}` has no value: `event.detail.order` has no field `size`" in first.message
    assert "`{{event.resources[3]}}`" in second.message
    assert str(caught.value) == f"{first.message} {second.message}"


def test_an_input_that_need_not_be_given_is_left_out_where_the_template_that_alone_fills_it_leads_nowhere() -> None:
    value = {"url": "u", "count": "{{event.detail.amount}}"}
    assert render_trigger_input(value, EVENT, SHOP) == {"url": "u"}
    with pytest.raises(TriggerInputError):
        render_trigger_input(value, EVENT)


@pytest.mark.parametrize(
    "value",
    [
        {"url": "{{event.detail.lost}}"},
        {"url": "u", "lines": ["{{event.detail.lost}}"]},
        {"url": "a{{event.detail.lost}}"},
    ],
)
def test_nothing_is_given_with_a_hole_in_it(value: Any) -> None:
    with pytest.raises(TriggerInputError):
        render_trigger_input(value, EVENT, SHOP)


def test_a_workflow_cannot_name_an_event() -> None:
    document = {
        "name": "w",
        "tasks": [{"ref": "t", "type": "Data.Transform", "input": {"data": "{{event.detail}}", "expression": "$"}}],
    }
    with pytest.raises(InvalidDefinitionError) as caught:
        check_definition(document, CATALOG)
    assert "bad_template" in [problem.code for problem in caught.value.problems]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_whatever_a_detail_holds_arrives_as_it_is(detail: Any) -> None:
    event = {**EVENT, "detail": {"x": detail}}
    assert render_trigger_input({"a": "{{event.detail.x}}"}, event) == {"a": detail}


@given(st.text(alphabet="{}ev nt.detail[0]-_<", max_size=40))
def test_what_was_checked_can_be_filled_or_says_what_is_missing(text: str) -> None:
    definition = workflow(declared("a", "string"))
    if check_trigger_input({"a": text}, definition, "/input", is_schedule=False):
        return
    with suppress(TriggerInputError):
        assert [*render_trigger_input({"a": text}, EVENT, definition)] == ["a"]
