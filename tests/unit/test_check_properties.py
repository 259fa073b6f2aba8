"""That the static check is right: what it accepts compiles and fits when it runs, and a reference that is broken is
refused where it stands. The definitions are right by construction; JSON Schema's own validator gives a second opinion.
"""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stepcall.asl.check import check_state_machine
from stepcall.asl.compiler import compile_workflow
from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.fault import Fault
from stepcall.domain.json_schema import misfit
from stepcall.domain.json_text import read_json, write_json
from stepcall.domain.model_problems import Suggester
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.render_template import Scope, render
from stepcall.domain.schema_reader import SchemaReader
from stepcall.domain.type_check import ValueFit
from stepcall.domain.workflow import WorkflowDefinition
from tests.unit.broken_workflows import breaks_of, broken_workflows
from tests.unit.valid_schemas import is_nullable, related, schemas, spellings, values, witnesses
from tests.unit.valid_workflows import (
    RUN_NAMES,
    WIDE_CATALOG,
    ValidWorkflow,
    parameters_of,
    task_outputs,
    valid_workflows,
)
from tools.compile_workflow import placeholder_arns

QUIET = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def checked(workflow: ValidWorkflow) -> WorkflowDefinition:
    return check_definition(workflow.document, WIDE_CATALOG).definition


@QUIET
@given(valid_workflows(is_staged=True))
def test_a_definition_that_is_right_by_its_types_is_accepted_and_comes_out_as_it_went_in(
    workflow: ValidWorkflow,
) -> None:
    definition = checked(workflow)
    document = read_json(write_json(definition.to_json()))
    assert document == workflow.document
    assert WorkflowDefinition.from_json(document) == definition
    assert [task.ref for task in definition.tasks] == list(workflow.tasks)


@QUIET
@given(valid_workflows())
def test_warnings_name_the_inputs_that_nothing_names_and_what_may_be_null_in_text(workflow: ValidWorkflow) -> None:
    found = {(w.location, w.code) for w in check_definition(workflow.document, WIDE_CATALOG).warnings}
    used = {site.source.name for site in workflow.sites if site.source.kind == "input"}
    pointers = {name: f"/{workflow.words['input']}/{index}" for index, name in enumerate(workflow.inputs)}
    unused = {(pointers[name], "unused_input") for name in workflow.inputs.keys() - used}
    in_text = {
        (site.pointer, "null_in_text")
        for site in workflow.sites
        if not site.is_alone and is_nullable(site.source.schema)
    }
    assert found == unused | in_text


@QUIET
@given(valid_workflows())
def test_what_is_accepted_compiles_to_a_machine_without_a_fault(workflow: ValidWorkflow) -> None:
    compiled = compile_workflow(checked(workflow), WIDE_CATALOG, placeholder_arns())
    machine = json.loads(compiled.definition)
    check_state_machine(machine)
    assert list(machine["States"])[: len(workflow.tasks)] == list(workflow.tasks)


@settings(QUIET, max_examples=400)
@given(st.data())
def test_a_reference_that_is_broken_is_refused_where_it_stands(data: st.DataObject) -> None:
    workflow = data.draw(valid_workflows())
    if not workflow.sites:
        return
    broken = data.draw(broken_workflows(workflow))
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(broken.document, WIDE_CATALOG)
    found = {(problem.location, problem.code) for problem in refused.value.problems}
    assert found == {(broken.pointer, broken.broken.code)}


def test_every_way_to_break_a_reference_is_tried() -> None:
    """The property above says nothing of what its examples do not hold."""
    ways: Counter[str] = Counter()

    @settings(QUIET, max_examples=300)
    @given(valid_workflows())
    def count(workflow: ValidWorkflow) -> None:
        ways.update(broken.how for site in workflow.sites for broken in breaks_of(workflow, site))

    count()
    assert len(ways) == 15, sorted(ways)
    assert min(ways.values()) >= 10, ways


@settings(QUIET, max_examples=300)
@given(st.data())
def test_whatever_a_run_holds_no_value_of_an_accepted_definition_is_of_a_wrong_type(data: st.DataObject) -> None:
    workflow = data.draw(valid_workflows(is_sure=True))
    definition = checked(workflow)
    outputs: dict[str, Any] = {}
    run = data.draw(st.sampled_from([{}, dict.fromkeys(RUN_NAMES, "2025-04-18T00:00:00.000Z")]))
    scope = Scope(bind_parameters(definition, data.draw(parameters_of(workflow))), outputs, run=run)
    for task in definition.tasks:
        contract = WIDE_CATALOG[task.type]
        contract.input_model.model_validate(render(task.input_template, scope))
        outputs[task.ref] = made_up = data.draw(task_outputs(task.type))
        contract.output_model.model_validate(made_up)
    for declared, written in zip(definition.output, workflow.document.get(workflow.words["output"], []), strict=True):
        value = scope.results[declared.name] = render(declared.template, scope)
        if value is not None:
            kind = "string" if written["type"] == "file" else written["type"]
            Draft202012Validator({"type": kind, **written.get("schema", {})}).validate(value)


@settings(QUIET, max_examples=400)
@given(st.data())
def test_schemas_are_told_apart_exactly_when_a_value_of_one_breaks_the_other(data: st.DataObject) -> None:
    source = data.draw(schemas())
    target = data.draw(related(source))
    validator = Draft202012Validator(target)
    breaks = [value for value in witnesses(source) if not validator.is_valid(value)]
    reason = misfit(_read(data.draw(spellings(source))), _read(data.draw(spellings(target))))
    assert (reason is not None) == bool(breaks), (reason, breaks)


@settings(QUIET, max_examples=300)
@given(st.data())
def test_a_value_fits_a_schema_exactly_when_json_schema_says_so(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(st.one_of(values(schema), values(data.draw(related(schema)))))
    spelled, faults = data.draw(spellings(schema)), list[Fault]()
    ValueFit(Suggester(), faults.append).fit(value, _read(spelled))
    assert (faults == []) == Draft202012Validator(spelled).is_valid(value), faults


def _read(document: Any) -> Any:
    return SchemaReader().read(document)
