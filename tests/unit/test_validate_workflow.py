"""A dry run of a definition: what it says beyond what the check of a document does."""

from dataclasses import replace

import pytest

from stepcall.domain.access import Grants
from stepcall.domain.ids import spell_workflow
from stepcall.use_cases.validate_workflow import validate_workflow
from tests.sample_workflows import declare, workflow
from tests.unit.oversized import TOO_LARGE, deployed_under_long_names
from tests.unit.run_world import CALLER, STRANGER, RunWorld

NIGHTLY = workflow() | {"config_id": "cg-nightly"}


def test_a_config_id_that_a_workflow_has_is_a_warning_that_names_it() -> None:
    world = RunWorld()
    assert validate_workflow(NIGHTLY, CALLER, world.deps).warnings == ()
    nightly = world.define(NIGHTLY)
    validation = validate_workflow(NIGHTLY, CALLER, world.deps)
    [warning] = validation.warnings
    assert (warning.location, warning.code) == ("/config_id", "config_id_taken")
    assert f"`{spell_workflow(nightly.workflow_id)}`" in warning.message
    assert (validation.errors, validation.compiled is None) == ((), False)
    assert validate_workflow(NIGHTLY, STRANGER, world.deps).warnings == ()
    assert validate_workflow(workflow() | {"config_id": "cg-free"}, CALLER, world.deps).warnings == ()


@pytest.mark.parametrize("first", [True, False])
def test_the_warning_stands_in_document_order_among_others(first: bool) -> None:
    world = RunWorld()
    world.define(NIGHTLY)
    odd, claim = workflow(inputs=[declare("nobodys")]), {"config_id": "cg-nightly"}
    document = {**claim, **odd} if first else {**odd, **claim}
    codes = [warning.code for warning in validate_workflow(document, CALLER, world.deps).warnings]
    assert codes == (["config_id_taken", "unused_input"] if first else ["unused_input", "config_id_taken"])


def test_who_is_granted_some_workflows_is_told_of_no_other() -> None:
    world = RunWorld()
    world.define(NIGHTLY)
    mine = world.define(workflow())
    narrowed = replace(CALLER, grants=Grants(frozenset({mine.workflow_id})))
    assert validate_workflow(NIGHTLY, narrowed, world.deps).warnings == ()


def test_a_machine_that_is_too_large_for_step_functions_is_told_as_a_problem_of_the_definition() -> None:
    [problem] = validate_workflow(TOO_LARGE, CALLER, deployed_under_long_names().deps).errors
    assert (problem.location, problem.code) == ("", "too_large")
    assert "Step Functions takes 1048576" in problem.message
