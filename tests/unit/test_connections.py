"""Connections: made, shown, and taken away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, SourceGrant
from stepcall.domain.connection import DEFAULT_CONNECTION, Column, SqlEngine
from stepcall.domain.procedure import Procedure
from stepcall.stores.connection_store import ConnectionExistsError, ConnectionNotFoundError
from stepcall.use_cases.connection_errors import ConnectionInUseError, DatasetRefusedError, DefaultConnectionError
from stepcall.use_cases.create_connection import MAX_CONNECTIONS, CreateConnection, create_connection
from stepcall.use_cases.dataset_files import DatasetFile
from stepcall.use_cases.delete_connection import delete_connection
from stepcall.use_cases.list_connections import list_connections, read_connection
from stepcall.use_cases.open_upload import open_upload
from stepcall.use_cases.sql_worker import ImportedTable, SqlRefusedError, SqlTimeoutError
from tests.unit.fake_sql import IMPORTED
from tests.unit.run_world import CALLER, STRANGER, RunWorld

NARROWED = Caller("acme", "ci", grants=Grants(sources=(SourceGrant("sales", "p.d.*"),)))
BOTH = ["people", "stores"]
JOB_TOKEN = Caller("acme", "ci", run_id=RunWorld().deps.new_id())


def create(world: RunWorld, name: str = "sales", caller: Caller = CALLER, **more: Any) -> None:
    create_connection(CreateConnection(name, **more), caller, world.deps)


def upload(world: RunWorld, content: bytes = b"id,city\n", tenant: str = "acme", location: str = "/x") -> DatasetFile:
    return DatasetFile(world.uploads.put(tenant, content), None, location)


def names(world: RunWorld, caller: Caller = CALLER) -> list[str]:
    return [found.connection.name for found in list_connections(caller, world.deps)]


def test_a_connection_is_made_with_its_datasets() -> None:
    world = RunWorld()
    files = {
        "stores": upload(world),
        "lines": upload(world, b'\xef\xbb\xbf\n {"a": 1}'),
        "big": upload(world, b"PAR1.."),
    }
    made = create_connection(CreateConnection("sales", SqlEngine.ATHENA, "EU", files), CALLER, world.deps)
    found = read_connection("sales", CALLER, world.deps)
    assert (found.connection, dict(found.datasets)) == (made.connection, dict(made.datasets))
    assert (found.connection.engine, found.connection.location) == (SqlEngine.ATHENA, "EU")
    assert found.connection.created_at == found.connection.changed_at == world.clock.now()
    assert {name: (each.columns, each.row_count, each.size) for name, each in found.datasets.items()} == dict.fromkeys(
        ["big", "lines", "stores"], (IMPORTED.columns, 3, 1234)
    )
    assert [file_format for _, file_format, _ in world.sql_worker.imports] == ["csv", "ndjson", "parquet"]
    prefix = f"datasets/acme/{made.connection.connection_id}/stores-"
    assert made.datasets["stores"].key.startswith(prefix)
    assert made.datasets["stores"].key == world.sql_worker.imports[0][2]


def test_every_dataset_has_a_key_of_its_own() -> None:
    world = RunWorld()
    create(world, datasets={"a": upload(world), "b": upload(world)})
    targets = [target for _, _, target in world.sql_worker.imports]
    assert len(set(targets)) == 2


@pytest.mark.parametrize("name", ["sales", DEFAULT_CONNECTION])
def test_a_name_that_is_taken_is_refused_before_anything_is_imported(name: str) -> None:
    world = RunWorld()
    create(world)
    with pytest.raises(ConnectionExistsError):
        create(world, name, datasets={"stores": upload(world)})
    assert world.sql_worker.imports == []
    create(world, caller=STRANGER)


def test_athena_is_refused_where_it_is_not_deployed() -> None:
    world = RunWorld()
    world.deps = replace(world.deps, athena_available=False)
    with pytest.raises(DatasetRefusedError) as refused:
        create(world, engine=SqlEngine.ATHENA, datasets={"1": upload(world)})
    assert [(each.location, each.code) for each in refused.value.problems] == [
        ("/engine", "no_athena"),
        ("/datasets/1", "invalid_name"),
    ]
    assert names(world) == [DEFAULT_CONNECTION]


def test_all_that_is_wrong_with_the_files_is_told_and_nothing_is_made() -> None:
    world = RunWorld()
    files = {
        "good": upload(world),
        "unknown": DatasetFile("upl_nothing", None, "/datasets/unknown"),
        "theirs": upload(world, tenant="other", location="/datasets/theirs"),
        "own_bucket": DatasetFile("s3://data-bucket/datasets/other/x", None, "/datasets/own_bucket"),
        "no_format": DatasetFile("s3://open-data/x", None, "/datasets/no_format"),
        "no_key": DatasetFile("s3://open-data", None, "/datasets/no_key"),
    }
    with pytest.raises(DatasetRefusedError) as refused:
        create(world, datasets=files)
    assert {each.location: each.code for each in refused.value.problems} == {
        "/datasets/unknown": "unknown_upload",
        "/datasets/theirs": "unknown_upload",
        "/datasets/own_bucket": "unknown_bucket",
        "/datasets/no_format": "unknown_format",
        "/datasets/no_key": "invalid_value",
    }
    assert (world.sql_worker.imports, names(world)) == ([], [DEFAULT_CONNECTION])


def test_a_file_that_cannot_be_read_is_told_with_the_workers_words() -> None:
    world = RunWorld()
    world.sql_worker.imported = SqlRefusedError("Line 3 has 2 columns in place of 4.")
    with pytest.raises(DatasetRefusedError) as refused:
        create(world, datasets={"a": upload(world, location="/datasets/a"), "b": upload(world, location="/datasets/b")})
    assert [(each.location, each.code, each.message) for each in refused.value.problems] == [
        (f"/datasets/{name}", "unreadable_file", "Line 3 has 2 columns in place of 4.") for name in "ab"
    ]
    assert names(world) == [DEFAULT_CONNECTION]


def test_a_file_that_takes_too_long_leaves_nothing_behind() -> None:
    world = RunWorld()
    world.sql_worker.imported = SqlTimeoutError("20 s")
    with pytest.raises(SqlTimeoutError):
        create(world, datasets={"a": upload(world)})
    assert names(world) == [DEFAULT_CONNECTION]


def test_more_columns_than_a_record_holds_are_refused() -> None:
    world = RunWorld()
    world.sql_worker.imported = ImportedTable(tuple(Column("c" * 100, "INT64") for _ in range(700)), 1, 1)
    with pytest.raises(DatasetRefusedError) as refused:
        create(world, datasets={"a": upload(world)})
    assert [each.code for each in refused.value.problems] == ["too_many_columns"]


@pytest.mark.parametrize("caller", [NARROWED, JOB_TOKEN])
def test_who_is_narrowed_changes_no_connection_and_opens_no_upload(caller: Caller) -> None:
    world = RunWorld()
    create(world)
    with pytest.raises(NotGrantedError):
        create(world, "another", caller)
    with pytest.raises(NotGrantedError):
        delete_connection("sales", caller, world.deps)
    with pytest.raises(NotGrantedError):
        open_upload(caller, world.deps)
    assert names(world) == [DEFAULT_CONNECTION, "sales"]


def test_who_is_narrowed_sees_the_connections_of_its_sources_alone() -> None:
    world = RunWorld()
    for name in ("sales", "secret"):
        create(world, name)
    assert names(world, NARROWED) == ["sales"]
    assert read_connection("sales", NARROWED, world.deps).connection.name == "sales"
    for name in ("secret", DEFAULT_CONNECTION, "nowhere"):
        with pytest.raises(NotGrantedError):
            read_connection(name, NARROWED, world.deps)
    assert names(world, JOB_TOKEN) == []
    assert names(world, Caller("acme", "ci", grants=Grants(frozenset({world.deps.new_id()})))) == []


@pytest.mark.parametrize(("source", "seen"), [("p.d.*", []), ("stores", ["stores"]), ("s*", ["stores"]), ("*", BOTH)])
def test_who_is_narrowed_sees_the_datasets_that_it_is_granted_alone(source: str, seen: list[str]) -> None:
    world = RunWorld()
    create(world, datasets={name: upload(world) for name in BOTH})
    caller = Caller("acme", "ci", grants=Grants(sources=(SourceGrant("sales", source),)))
    assert list(read_connection("sales", caller, world.deps).datasets) == seen
    assert [list(found.datasets) for found in list_connections(caller, world.deps)] == [seen]


def test_another_tenants_connection_is_not_there() -> None:
    world = RunWorld()
    create(world)
    assert names(world, STRANGER) == [DEFAULT_CONNECTION]
    with pytest.raises(ConnectionNotFoundError):
        read_connection("sales", STRANGER, world.deps)
    with pytest.raises(ConnectionNotFoundError):
        delete_connection("sales", STRANGER, world.deps)


def test_the_default_connection_stays() -> None:
    world = RunWorld()
    with pytest.raises(DefaultConnectionError):
        delete_connection(DEFAULT_CONNECTION, CALLER, world.deps)
    assert names(world) == [DEFAULT_CONNECTION]


def test_a_connection_that_workflows_are_called_on_stays_until_they_are_disabled() -> None:
    world = RunWorld()
    create(world)
    workflow_id = world.deps.new_id()
    procedure = Procedure(
        tenant="acme", workflow_id=workflow_id, workflow_version=1, connection="sales", enabled_at=world.clock.now()
    )
    world.procedures.put(procedure)
    with pytest.raises(ConnectionInUseError, match=r"^1 workflow can be called on it: wf-.*DELETE .*api-access"):
        delete_connection("sales", CALLER, world.deps)
    world.procedures.delete("acme", procedure.name)
    delete_connection("sales", CALLER, world.deps)
    assert names(world) == [DEFAULT_CONNECTION]


def test_the_datasets_of_a_deleted_connection_are_let_go() -> None:
    world = RunWorld()
    create(world, datasets={"a": upload(world), "b": upload(world)})
    keys = {each.key for each in read_connection("sales", CALLER, world.deps).datasets.values()}
    delete_connection("sales", CALLER, world.deps)
    assert set(world.uploads.discarded) == keys


def test_a_connection_made_anew_has_changed_since_the_one_before() -> None:
    world = RunWorld()
    create(world)
    delete_connection("sales", CALLER, world.deps)
    world.clock.time += timedelta(hours=1)
    create(world)
    assert read_connection("sales", CALLER, world.deps).connection.changed_at == world.clock.now()


def test_an_upload_is_opened_in_the_callers_tenant() -> None:
    world = RunWorld()
    opened = open_upload(CALLER, world.deps)
    assert world.uploads.find("acme", opened.upload_id).key.startswith("uploads/acme/")


def test_a_tenant_has_so_many_connections_and_no_more() -> None:
    world = RunWorld()
    for number in range(MAX_CONNECTIONS):
        create(world, f"c{number}")
    with pytest.raises(DatasetRefusedError) as refused:
        create(world, "more", datasets={"a": upload(world)})
    assert [(each.location, each.code) for each in refused.value.problems] == [("/name", "too_many_connections")]
    assert world.sql_worker.imports == []
    create(world, caller=STRANGER)
