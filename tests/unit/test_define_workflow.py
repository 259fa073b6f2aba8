"""Check a definition and store it, or store nothing."""

import pytest

from stepcall.domain.errors import InvalidDefinitionError
from tests.sample_workflows import incompressible, transform, workflow
from tests.unit.run_world import CALLER, RunWorld


def test_a_valid_definition_becomes_version_1_of_a_new_workflow() -> None:
    world = RunWorld()
    first, second = world.define(workflow()), world.define(workflow())
    assert first.workflow_id != second.workflow_id
    assert (first.version, first.tenant, first.created_at) == (1, CALLER.tenant, world.clock.now())
    assert world.workflows.get_latest(CALLER.tenant, first.workflow_id) == first


def test_an_invalid_definition_is_refused_and_not_stored() -> None:
    world = RunWorld()
    with pytest.raises(InvalidDefinitionError):
        world.define(workflow(transform("a", "{{input.nobody}}")))
    assert vars(world.workflows)["_versions"] == {}


def test_a_definition_whose_machine_is_too_large_is_refused_as_a_problem_of_the_document() -> None:
    world = RunWorld()
    with pytest.raises(InvalidDefinitionError) as raised:
        world.define(workflow(*[transform(f"{number:x}".rjust(64, "r")) for number in range(1000)]))
    [problem] = raised.value.problems
    assert (problem.location, problem.code) == ("", "too_large")
    assert "Step Functions takes 1048576" in problem.message
    assert vars(world.workflows)["_versions"] == {}


def test_a_definition_that_does_not_fit_into_its_record_is_refused_as_a_problem_of_the_document() -> None:
    world = RunWorld()
    with pytest.raises(InvalidDefinitionError) as raised:
        world.define(incompressible())
    assert [problem.code for problem in raised.value.problems] == ["too_large"]
    assert vars(world.workflows)["_versions"] == {}
