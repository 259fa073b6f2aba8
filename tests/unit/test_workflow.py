"""A definition once it is read: what its tasks need, and that it never changes."""

from typing import Any

import pytest
from pydantic import ValidationError

from stepcall.domain.declared_value import InputParameter
from stepcall.domain.template import Literal, Object
from tests.sample_workflows import checked, declare, give, transform, workflow


def test_a_task_needs_each_task_it_names_once_in_document_order() -> None:
    document = workflow(
        transform("a"),
        transform("b"),
        transform(
            "c", ["{{refs.b.output}}", {"x": "{{refs.a.output.result}} {{refs.b.output.result[0]}} {{input.n}}"}]
        ),
        inputs=[declare("n")],
        outputs=[
            give("o", "{{refs.c.output}}", "object"),
            give("p", ["{{refs.a.output}}", "{{refs.c.output.result}}"], "array"),
        ],
    )
    definition = checked(document)
    assert definition.task("a").needs == ()
    assert definition.task("c").needs == ("b", "a")
    assert definition.needs_of({"o", "p"}) == ("c", "a")
    assert (definition.needs_of({"o"}), definition.needs_of({"p"})) == (("c",), ("a", "c"))


def test_a_template_is_parsed_once() -> None:
    definition = checked(workflow(transform("a", "{{{{")))
    task = definition.task("a")
    assert task.input_template is task.input_template
    assert task.input_template == Object((("expression", Literal("$")), ("data", Literal("{{"))))


def test_a_workflow_without_outputs_needs_no_task() -> None:
    assert checked(workflow()).needs_of({"o"}) == ()


def test_an_unknown_ref_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        checked(workflow()).task("nobody")


@pytest.mark.parametrize(
    ("declared", "must_be_given", "has_default"),
    [
        ({}, True, False),
        ({"required": True}, True, False),
        ({"required": False}, False, False),
        ({"default": "x"}, False, True),
        ({"default": None}, False, True),
        ({"required": True, "default": None}, False, True),
    ],
)
def test_an_input_must_be_given_unless_it_is_optional_or_has_a_default(
    declared: dict[str, Any], must_be_given: bool, has_default: bool
) -> None:
    parameter = InputParameter.model_validate(declare("n", **declared))
    assert (parameter.must_be_given, parameter.has_default) == (must_be_given, has_default)


def test_a_definition_cannot_be_changed() -> None:
    definition = checked(workflow())
    with pytest.raises(ValidationError):
        definition.name = "another"  # type: ignore[misc]


def test_what_the_author_left_out_stays_out_also_after_its_templates_were_used() -> None:
    document = workflow(transform("a", "{{input.n}}"), inputs=[declare("n")], outputs=[give("o", "{{input.n}}")])
    definition = checked(document)
    assert definition.task("a").needs == ()
    assert definition.needs_of({"o"}) == ()
    assert definition.to_json() == document
    assert definition == checked(document)
