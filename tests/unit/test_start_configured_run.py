"""A workflow may be named by its `config_id` where its id may stand."""

from dataclasses import replace
from typing import NoReturn

import pytest

from stepcall.domain.ids import spell_workflow
from stepcall.domain.run import TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.domain.workflow import MAX_CONFIG_ID_LENGTH
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.start_configured_run import StartConfiguredRun, find_configured_workflow, start_configured_run
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

LONGEST = "c" * MAX_CONFIG_ID_LENGTH
STAGED = workflow(transform("pull") | {"stage": "source"}, transform("send")) | {"config_id": LONGEST}


def test_a_run_is_started_by_the_config_id_or_the_id_in_any_spelling_in_its_mode_and_about_its_time() -> None:
    world = RunWorld()
    version = world.define(STAGED)
    time_range = TimeRange(world.clock.now(), world.clock.now())
    for name in (LONGEST, str(version.workflow_id), spell_workflow(version.workflow_id)):
        run = start_configured_run(StartConfiguredRun(name, RunMode.SOURCE, time_range), CALLER, world.deps)
        assert (run.workflow_id, run.run_mode, run.time_range) == (version.workflow_id, RunMode.SOURCE, time_range)


def test_a_config_id_is_its_tenants_and_an_id_of_another_tenant_is_not_found() -> None:
    world = RunWorld()
    version = world.define(STAGED)
    for name in (LONGEST, str(version.workflow_id), "c"):
        with pytest.raises(WorkflowNotFoundError):
            start_configured_run(StartConfiguredRun(name), STRANGER, world.deps)
    assert world.engine.started == {}


class UnaskedStore(MemoryWorkflowStore):
    """DynamoDB refuses a key that is empty or longer than 1,024 bytes: that would be an error of ours."""

    def find_config_id(self, tenant: str, config_id: str) -> NoReturn:
        raise AssertionError("nothing can be called so")


@pytest.mark.parametrize("name", ["", f"{LONGEST}c", "c" * 100_000])
def test_what_cannot_be_a_config_id_is_not_looked_for(name: str) -> None:
    deps = replace(RunWorld().deps, workflows=UnaskedStore())
    with pytest.raises(WorkflowNotFoundError, match="no workflow of this config_id"):
        find_configured_workflow(name, CALLER, deps)
