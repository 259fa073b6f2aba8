"""Check a definition and store it, or store nothing."""

from dataclasses import dataclass

import pytest

from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.workflow_store import LATEST_LEASE_SECONDS, ConfigIdTakenError, VersionConflictError
from stepcall.use_cases.change_workflow import CHANGE_ATTEMPTS
from tests.sample_workflows import incompressible, transform, workflow
from tests.unit.oversized import TOO_LARGE, deployed_under_long_names
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
    world = deployed_under_long_names()
    with pytest.raises(InvalidDefinitionError) as raised:
        world.define(TOO_LARGE)
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


NIGHTLY = workflow() | {"config_id": "cg-nightly"}


def test_a_new_workflow_has_its_config_id_when_it_is_told() -> None:
    world = RunWorld()
    began = world.clock.monotonic()
    world.define(workflow())
    assert world.clock.monotonic() == began
    nightly = world.define(NIGHTLY)
    assert world.clock.monotonic() - began == pytest.approx(LATEST_LEASE_SECONDS)
    assert world.workflows.find_config_id(CALLER.tenant, "cg-nightly") == nightly.workflow_id


def test_a_config_id_that_is_taken_is_refused_and_nothing_is_stored() -> None:
    world = RunWorld()
    nightly = world.define(NIGHTLY)
    with pytest.raises(ConfigIdTakenError) as refused:
        world.define(NIGHTLY)
    assert "cg-nightly" not in str(refused.value)
    assert list(vars(world.workflows)["_versions"]) == [(nightly.workflow_id, 1)]


@dataclass
class BusyStore(MemoryWorkflowStore):
    """Somebody else claims, and frees, the same config_id, so many times."""

    others: int

    def __post_init__(self) -> None:
        super().__init__()

    def put_first(self, version: WorkflowVersion) -> None:
        if self.others:
            self.others -= 1
            raise VersionConflictError("Another change is under way.")
        super().put_first(version)


def test_a_claim_that_meets_others_under_way_is_made_again() -> None:
    world = RunWorld(workflows=BusyStore(CHANGE_ATTEMPTS - 1))
    nightly = world.define(NIGHTLY)
    assert world.workflows.find_config_id(CALLER.tenant, "cg-nightly") == nightly.workflow_id


def test_a_claim_that_always_meets_others_is_told_so_after_a_while() -> None:
    world = RunWorld(workflows=BusyStore(CHANGE_ATTEMPTS))
    with pytest.raises(VersionConflictError):
        world.define(NIGHTLY)
    assert vars(world.workflows)["_versions"] == {}
