"""Which workflows there are, and which versions of one."""

from dataclasses import replace
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants
from stepcall.stores.workflow_store import VersionNotFoundError, WorkflowNotFoundError
from stepcall.use_cases.list_workflows import list_versions, list_workflows
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld


def test_a_caller_sees_the_workflows_of_its_tenant_newest_first() -> None:
    world = RunWorld()
    mine = [world.define(workflow() | {"name": name}) for name in ("one", "two", "One more")]
    world.define(workflow(), STRANGER)
    page = list_workflows(CALLER, world.deps, name=None, limit=2, after=None)
    rest = list_workflows(CALLER, world.deps, name=None, limit=2, after=page.next_workflow_id)
    found = [summary.workflow_id for summary in (*page.workflows, *rest.workflows)]
    assert found == [version.workflow_id for version in reversed(mine)]
    assert rest.next_workflow_id is None
    named = list_workflows(CALLER, world.deps, name="ONE", limit=5, after=None).workflows
    assert [summary.name for summary in named] == ["One more", "one"]


def test_versions_are_listed_newest_first_and_strangers_see_none() -> None:
    world = RunWorld()
    one = world.define(workflow())
    for number in range(2, 5):
        update_workflow(one.workflow_id, workflow(transform(f"t{number}")), CALLER, world.deps)
    page = list_versions(one.workflow_id, CALLER, world.deps, limit=3, after=None)
    rest = list_versions(one.workflow_id, CALLER, world.deps, limit=3, after=page.next_version)
    assert [summary.version for summary in (*page.versions, *rest.versions)] == [4, 3, 2, 1]
    assert rest.next_version is None
    for caller, workflow_id in ((STRANGER, one.workflow_id), (CALLER, world.deps.new_id())):
        with pytest.raises(WorkflowNotFoundError):
            list_versions(workflow_id, caller, world.deps, limit=3, after=None)


def test_a_workflow_is_read_by_version() -> None:
    world = RunWorld()
    one = world.define(workflow())
    two = update_workflow(one.workflow_id, workflow(transform("other")), CALLER, world.deps).version
    assert [read_workflow(one.workflow_id, CALLER, world.deps, number=number) for number in (None, 1, 2)] == [
        two,
        one,
        two,
    ]
    for number in (1, 3, None):
        with pytest.raises(WorkflowNotFoundError):
            read_workflow(one.workflow_id, STRANGER, world.deps, number=number)
    with pytest.raises(VersionNotFoundError, match="no version 3; the newest is 2"):
        read_workflow(one.workflow_id, CALLER, world.deps, number=3)


def test_a_caller_with_grants_pages_through_what_is_granted_and_learns_of_nothing_else() -> None:
    world = RunWorld()
    ids = [world.define(workflow() | {"name": name}).workflow_id for name in ("top one", "secret", "top two", "other")]
    narrowed = replace(CALLER, grants=Grants(frozenset({ids[0], ids[2], world.deps.new_id()})))

    def page(caller: Caller, name: str | None, limit: int, after: UUID | None = None) -> tuple[list[UUID], UUID | None]:
        found = list_workflows(caller, world.deps, name=name, limit=limit, after=after)
        return [each.workflow_id for each in found.workflows], found.next_workflow_id

    assert page(narrowed, None, 1) == ([ids[2]], ids[2])
    assert page(narrowed, None, 1, ids[2]) == ([ids[0]], None)
    assert page(narrowed, "TOP", 5) == ([ids[2], ids[0]], None)
    assert page(narrowed, "secret", 1) == ([], None)
    everything = list_workflows(CALLER, world.deps, name=None, limit=9, after=None).workflows
    granted = list_workflows(narrowed, world.deps, name=None, limit=9, after=None).workflows
    assert [each for each in everything if each.workflow_id in {ids[0], ids[2]}] == list(granted)
    assert page(replace(CALLER, tenant="other", grants=narrowed.grants), None, 9) == ([], None)
