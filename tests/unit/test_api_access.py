"""API access to a workflow: enabled, kept in step, taken away."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, SourceGrant
from stepcall.domain.connection import Connection
from stepcall.domain.procedure import Procedure, procedure_name
from stepcall.stores.memory_procedure_store import MemoryProcedureStore
from stepcall.stores.procedure_store import ProcedureNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.change_workflow import CHANGE_ATTEMPTS
from stepcall.use_cases.connection_errors import ApiAccessDisabledError, ApiAccessRefusedError
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.enable_api_access import (
    ApiAccess,
    EnableApiAccess,
    disable_api_access,
    enable_api_access,
    read_api_access,
    update_api_access,
)
from stepcall.use_cases.list_workflows import list_workflows
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import Document, transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

SQL: Document = {
    "name": "sql",
    "connection": "sales",
    "tasks": [{"ref": "q", "type": "Sql.Query", "input": {"query": "SELECT 1 AS one"}}],
}


@pytest.fixture
def world() -> RunWorld:
    made = RunWorld()
    for number, name in enumerate(("sales", "other")):
        made.connections.put(Connection(tenant="acme", connection_id=UUID(int=number), name=name), [])
    return made


def enable(world: RunWorld, workflow_id: UUID, caller: Caller = CALLER, **more: Any) -> tuple[ApiAccess, bool]:
    return enable_api_access(EnableApiAccess(workflow_id, **more), caller, world.deps)


def change(world: RunWorld, workflow_id: UUID, task: str, **more: Any) -> None:
    update_workflow(workflow_id, workflow(transform(task)) | more, CALLER, world.deps)


def stored(world: RunWorld, workflow_id: UUID) -> Procedure:
    return world.procedures.get("acme", procedure_name("acme", workflow_id))


def test_the_newest_version_becomes_a_procedure_on_the_definitions_connection_with_the_cache_on(
    world: RunWorld,
) -> None:
    one = world.define(workflow()).workflow_id
    change(world, one, "t2")
    access, is_new = enable(world, one)
    assert (is_new, access.in_sync, access.newest, access.version.version) == (True, True, 2, 2)
    assert access.procedure == stored(world, one)
    assert access.procedure == Procedure(
        tenant="acme",
        workflow_id=one,
        workflow_version=2,
        connection="carto_dw",
        cache=True,
        enabled_at=access.procedure.enabled_at,
    )
    assert read_api_access(one, CALLER, world.deps) == access


def test_enabling_again_brings_it_up_to_date_and_changes_what_is_said_alone(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    enable(world, one, connection="other", cache=False)
    first = stored(world, one)
    change(world, one, "t2")
    access, is_new = enable(world, one)
    assert (is_new, access.procedure) == (False, replace(first, workflow_version=2))
    access, _ = enable(world, one, connection="sales", cache=True)
    assert access.procedure == replace(first, workflow_version=2, connection="sales", cache=True)


def test_whether_calls_have_a_table_is_told_of_the_version_that_they_run(world: RunWorld) -> None:
    output = {"ref": "out", "type": "Workflow.Output", "input": {"table": "{{refs.q.output.table}}"}}
    one = world.define(SQL).workflow_id
    assert not enable(world, one)[0].has_output_table
    update_workflow(one, SQL | {"tasks": [*SQL["tasks"], output]}, CALLER, world.deps)
    behind = read_api_access(one, CALLER, world.deps)
    assert behind
    assert not behind.has_output_table
    assert update_api_access(one, CALLER, world.deps).has_output_table


def test_a_changed_workflow_is_out_of_step_until_it_is_updated(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    enable(world, one)
    change(world, one, "t2")
    found = read_api_access(one, CALLER, world.deps)
    assert found
    assert (found.in_sync, found.newest, found.version.version, found.procedure.workflow_version) == (False, 2, 1, 1)
    updated = update_api_access(one, CALLER, world.deps, cache=False)
    assert (updated.in_sync, updated.version.version, updated.procedure.cache) == (True, 2, False)
    assert updated.procedure.name == found.procedure.name
    assert not update_api_access(one, CALLER, world.deps).procedure.cache
    assert read_api_access(one, CALLER, world.deps) == updated


def test_what_is_disabled_is_neither_called_nor_updated_and_disabling_again_is_fine(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    assert read_api_access(one, CALLER, world.deps) is None
    enable(world, one)
    disable_api_access(one, CALLER, world.deps)
    disable_api_access(one, CALLER, world.deps)
    assert read_api_access(one, CALLER, world.deps) is None
    with pytest.raises(ProcedureNotFoundError):
        stored(world, one)
    with pytest.raises(ApiAccessDisabledError):
        update_api_access(one, CALLER, world.deps)


@pytest.mark.parametrize(
    ("document", "asked", "chosen"),
    [
        (workflow(), None, "carto_dw"),
        (workflow(), "sales", "sales"),
        (workflow() | {"connection": "other"}, None, "other"),
        (workflow() | {"connection": "other"}, "sales", "sales"),
        (SQL, None, "sales"),
        (SQL, "sales", "sales"),
    ],
)
def test_sql_is_called_where_it_runs_and_everything_else_anywhere(
    world: RunWorld, document: Document, asked: str | None, chosen: str
) -> None:
    one = world.define(document).workflow_id
    access, _ = enable(world, one, connection=asked)
    assert access.procedure.connection == chosen


@pytest.mark.parametrize(
    ("document", "asked", "code"),
    [
        (SQL, "other", "other_connection"),
        (SQL, "carto_dw", "other_connection"),
        (workflow(), "nowhere", "unknown_connection"),
    ],
)
def test_another_connection_is_refused_with_advice(
    world: RunWorld, document: Document, asked: str | None, code: str
) -> None:
    one = world.define(document).workflow_id
    with pytest.raises(ApiAccessRefusedError) as refused:
        enable(world, one, connection=asked)
    assert [(each.location, each.code) for each in refused.value.problems] == [("/connection", code)]
    assert world.procedures.list_by_tenant("acme") == []


def test_a_connection_that_has_gone_since_the_definition_is_refused(world: RunWorld) -> None:
    one = world.define(workflow() | {"connection": "other"}).workflow_id
    world.connections.delete("acme", "other")
    with pytest.raises(ApiAccessRefusedError) as refused:
        enable(world, one)
    assert [each.code for each in refused.value.problems] == ["unknown_connection"]
    assert enable(world, one, connection="sales")[0].procedure.connection == "sales"


def test_a_version_whose_sql_runs_elsewhere_takes_the_procedure_there(world: RunWorld) -> None:
    one = world.define(SQL).workflow_id
    enable(world, one)
    update_workflow(one, SQL | {"connection": "other"}, CALLER, world.deps)
    assert update_api_access(one, CALLER, world.deps).procedure.connection == "other"


@pytest.mark.parametrize("granted", [True, False])
def test_who_is_narrowed_enables_the_workflows_that_it_is_granted(world: RunWorld, granted: bool) -> None:
    one = world.define(workflow()).workflow_id
    of_connection = (SourceGrant("carto_dw", "p.*"),)
    caller = Caller("acme", "ci", grants=Grants(frozenset({one if granted else world.deps.new_id()}), of_connection))
    for ask in asks(world, one, caller):
        if granted:
            ask()
            continue
        with pytest.raises(NotGrantedError):
            ask()
    assert world.procedures.list_by_tenant("acme") == []


@pytest.mark.parametrize("asked", [None, "carto_dw", "sales", "nowhere"])
def test_who_is_narrowed_enables_on_no_connection_but_those_that_it_sees(world: RunWorld, asked: str | None) -> None:
    one = world.define(workflow()).workflow_id
    caller = Caller("acme", "ci", grants=Grants(frozenset({one}), (SourceGrant("other", "p.*"),)))
    with pytest.raises(ApiAccessRefusedError) as refused:
        enable(world, one, caller, connection=asked)
    assert [each.code for each in refused.value.problems] == ["unknown_connection"]
    assert world.procedures.list_by_tenant("acme") == []
    assert enable(world, one, caller, connection="other")[0].procedure.connection == "other"


def asks(world: RunWorld, workflow_id: UUID, caller: Caller) -> list[Callable[[], object]]:
    return [
        partial(enable, world, workflow_id, caller),
        partial(read_api_access, workflow_id, caller, world.deps),
        partial(update_api_access, workflow_id, caller, world.deps),
        partial(disable_api_access, workflow_id, caller, world.deps),
    ]


def test_another_tenants_workflow_is_not_there(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    enable(world, one)
    for ask in asks(world, one, STRANGER):
        with pytest.raises(WorkflowNotFoundError):
            ask()
    assert stored(world, one).workflow_version == 1


class Interrupted(MemoryProcedureStore):
    """Something happens just before each of the first writes."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        super().__init__()
        self.happenings = list(happenings)

    def put(self, procedure: Procedure) -> None:
        if self.happenings:
            self.happenings.pop(0)()
        super().put(procedure)

    def replace(self, procedure: Procedure) -> None:
        if self.happenings:
            self.happenings.pop(0)()
        super().replace(procedure)


def interrupt(world: RunWorld, *happenings: Callable[[], object]) -> None:
    world.procedures = Interrupted(*happenings)
    world.__post_init__()


def test_a_workflow_that_changes_while_it_is_enabled_is_enabled_as_it_is_then(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    interrupt(world, partial(change, world, one, "t2"), partial(change, world, one, "t3"))
    access, is_new = enable(world, one)
    assert (is_new, access.in_sync, access.version.version, stored(world, one).workflow_version) == (True, True, 3, 3)


def test_a_workflow_that_never_stops_changing_is_enabled_and_said_to_be_out_of_step(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    interrupt(world, *[partial(change, world, one, f"t{number}") for number in range(CHANGE_ATTEMPTS)])
    access, _ = enable(world, one)
    assert (access.in_sync, access.newest - access.version.version) == (False, 1)
    assert stored(world, one) == access.procedure


def test_a_workflow_that_is_deleted_while_it_is_enabled_leaves_no_procedure(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    interrupt(world, partial(delete_workflow, one, CALLER, world.deps))
    world.procedures.happenings[:] = [lambda: delete_workflow(one, CALLER, world.deps)]  # type: ignore[attr-defined]
    with pytest.raises(WorkflowNotFoundError):
        enable(world, one)
    assert world.procedures.list_by_tenant("acme") == []


def test_who_updates_while_another_disables_does_not_enable_it_again(world: RunWorld) -> None:
    one = world.define(workflow()).workflow_id
    interrupt(world)
    enable(world, one)
    world.procedures.happenings[:] = [lambda: disable_api_access(one, CALLER, world.deps)]  # type: ignore[attr-defined]
    with pytest.raises(ApiAccessDisabledError):
        update_api_access(one, CALLER, world.deps)
    assert world.procedures.list_by_tenant("acme") == []


def test_a_deleted_workflow_cannot_be_called(world: RunWorld) -> None:
    one, kept = world.define(workflow()).workflow_id, world.define(workflow()).workflow_id
    for workflow_id in (one, kept):
        enable(world, workflow_id)
    delete_workflow(one, CALLER, world.deps)
    assert [procedure.workflow_id for procedure in world.procedures.list_by_tenant("acme")] == [kept]


def test_a_list_tells_which_workflows_can_be_called(world: RunWorld) -> None:
    one, two = world.define(workflow()).workflow_id, world.define(workflow()).workflow_id
    enable(world, one)
    narrowed = Caller("acme", "ci", grants=Grants(frozenset({one, two})))
    for caller in (CALLER, narrowed):
        page = list_workflows(caller, world.deps, name=None, limit=5, after=None)
        assert {each.workflow_id: each.api_access for each in page.workflows} == {one: True, two: False}
    disable_api_access(one, CALLER, world.deps)
    page = list_workflows(CALLER, world.deps, name=None, limit=5, after=None)
    assert [each.api_access for each in page.workflows] == [False, False]
