"""A deleted workflow is gone, and its executions are not."""

from uuid import UUID

import pytest

from stepcall.domain.run import RunStatus
from stepcall.stores.cached_workflow_store import CachedWorkflowStore
from stepcall.stores.workflow_store import LATEST_LEASE_SECONDS, WorkflowNotFoundError
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.change_workflow import StaleVersionError
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.list_workflows import list_versions, list_workflows
from stepcall.use_cases.read_run import list_runs, read_run
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

OTHER = workflow(transform("other"))


def listed(world: RunWorld) -> list[UUID]:
    page = list_workflows(CALLER, world.deps, name=None, limit=10, after=None)
    return [summary.workflow_id for summary in page.workflows]


def test_nothing_of_a_deleted_workflow_is_shown_or_started() -> None:
    world = RunWorld()
    one, kept = world.define(workflow()), world.define(workflow())
    update_workflow(one.workflow_id, OTHER, CALLER, world.deps)
    delete_workflow(one.workflow_id, CALLER, world.deps)
    for ask in (
        lambda: read_workflow(one.workflow_id, CALLER, world.deps),
        lambda: read_workflow(one.workflow_id, CALLER, world.deps, number=1),
        lambda: read_workflow(one.workflow_id, CALLER, world.deps, number=2),
        lambda: list_versions(one.workflow_id, CALLER, world.deps, limit=5, after=None),
        lambda: update_workflow(one.workflow_id, workflow(), CALLER, world.deps),
        lambda: start_run(StartRun(one.workflow_id, {}), CALLER, world.deps),
        lambda: delete_workflow(one.workflow_id, CALLER, world.deps),
    ):
        with pytest.raises(WorkflowNotFoundError):
            ask()
    assert listed(world) == [kept.workflow_id]


def test_executions_of_a_deleted_workflow_go_on_and_stay_readable() -> None:
    world = RunWorld()
    going = world.start(workflow())
    stopped = start_run(StartRun(going.workflow_id, {}), CALLER, world.deps)
    delete_workflow(going.workflow_id, CALLER, world.deps)
    world.do_task(going, "only")
    world.finish(going)
    assert cancel_run(stopped.run_id, CALLER, world.deps, workflow_id=going.workflow_id).run.status == "CANCELLED"
    assert read_run(going.run_id, CALLER, world.deps, workflow_id=going.workflow_id).run.status is RunStatus.COMPLETED
    page = list_runs(going.workflow_id, CALLER, world.deps, status=None, limit=5, after=None)
    assert [run.run_id for run in page.runs] == [stopped.run_id, going.run_id]
    with pytest.raises(WorkflowNotFoundError):
        list_runs(going.workflow_id, STRANGER, world.deps, status=None, limit=5, after=None)


def test_another_tenants_workflow_is_not_there_to_be_deleted() -> None:
    world = RunWorld()
    one = world.define(workflow())
    with pytest.raises(WorkflowNotFoundError):
        delete_workflow(one.workflow_id, STRANGER, world.deps)
    assert listed(world) == [one.workflow_id]
    assert world.events() == []


def test_a_workflow_that_has_changed_is_not_deleted_by_who_has_not_seen_it() -> None:
    world = RunWorld()
    one = world.define(workflow())
    update_workflow(one.workflow_id, OTHER, CALLER, world.deps)
    with pytest.raises(StaleVersionError, match="The newest version is 2"):
        delete_workflow(one.workflow_id, CALLER, world.deps, expected={1})
    assert listed(world) == [one.workflow_id]
    delete_workflow(one.workflow_id, CALLER, world.deps, expected={2})
    assert listed(world) == []


def test_a_deletion_is_told_when_no_process_believes_in_the_workflow_any_more() -> None:
    world = RunWorld()
    one = world.define(workflow())
    elsewhere = CachedWorkflowStore(world.workflows, world.clock.monotonic)
    assert elsewhere.get_latest(CALLER.tenant, one.workflow_id) == one
    began = world.clock.monotonic()
    delete_workflow(one.workflow_id, CALLER, world.deps)
    assert world.clock.monotonic() - began == pytest.approx(LATEST_LEASE_SECONDS)
    with pytest.raises(WorkflowNotFoundError):
        elsewhere.get_latest(CALLER.tenant, one.workflow_id)


def test_who_deleted_what_is_in_the_log() -> None:
    world = RunWorld()
    one = world.define(workflow())
    delete_workflow(one.workflow_id, CALLER, world.deps)
    [(event, facts)] = world.logged
    assert event == "workflow_deleted"
    assert facts == {"workflow_id": str(one.workflow_id), "tenant": CALLER.tenant, "principal": CALLER.principal}


def test_the_config_id_of_a_deleted_workflow_is_free_for_who_is_told() -> None:
    world = RunWorld()
    elsewhere = CachedWorkflowStore(world.workflows, world.clock.monotonic)
    nightly = workflow() | {"config_id": "nightly"}
    one = world.define(nightly)
    assert elsewhere.find_config_id(CALLER.tenant, "nightly") == one.workflow_id
    delete_workflow(one.workflow_id, CALLER, world.deps)
    with pytest.raises(WorkflowNotFoundError):
        elsewhere.find_config_id(CALLER.tenant, "nightly")
    two = world.define(nightly)
    assert elsewhere.find_config_id(CALLER.tenant, "nightly") == two.workflow_id
