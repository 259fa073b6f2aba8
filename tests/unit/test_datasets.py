"""Datasets: put, put anew, and taken away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, SourceGrant
from stepcall.domain.connection import (
    DEFAULT_CONNECTION,
    Column,
    ConnectionWithDatasets,
    Dataset,
    default_connection,
)
from stepcall.domain.json_text import print_json, write_json
from stepcall.runtime.http import require_carried
from stepcall.stores.connection_store import ConnectionNotFoundError, DatasetNotFoundError
from stepcall.stores.memory_connection_store import MemoryConnectionStore
from stepcall.use_cases.connection_errors import DatasetRefusedError, ImportUnavailableError
from stepcall.use_cases.create_connection import MAX_CONNECTIONS
from stepcall.use_cases.dataset_files import DatasetFile, detect_format
from stepcall.use_cases.delete_dataset import delete_dataset
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.list_connections import read_connection
from stepcall.use_cases.put_dataset import (
    MAX_COLUMNS_LENGTH_OF_ALL,
    MAX_DATASETS,
    PutDataset,
    StoredDataset,
    put_dataset,
)
from stepcall.use_cases.sql_worker import ImportedTable, SqlRefusedError, SqlWorkerBusyError
from tests.unit.fake_sql import IMPORTED
from tests.unit.run_world import CALLER, STRANGER, RunWorld
from workflows_api.connection_answers import print_connection, print_connections

NARROWED = Caller("acme", "ci", grants=Grants(sources=(SourceGrant(DEFAULT_CONNECTION, "*"),)))
NOW = datetime(2026, 11, 21, tzinfo=UTC)
CSV = b"id,city\n1,Brno\n"


def put(world: RunWorld, name: str = "stores", file: Any = CSV, caller: Caller = CALLER) -> StoredDataset:
    file_format = "csv" if isinstance(file, bytes) else None
    return put_dataset(PutDataset(DEFAULT_CONNECTION, name, file, file_format), caller, world.deps)


def datasets(world: RunWorld) -> list[str]:
    return list(read_connection(DEFAULT_CONNECTION, CALLER, world.deps).datasets)


def changed_at(world: RunWorld) -> datetime | None:
    return world.connections.get("acme", DEFAULT_CONNECTION).changed_at


def test_content_becomes_a_dataset_of_the_default_connection() -> None:
    world = RunWorld()
    stored = put(world)
    assert (stored.is_new, stored.dataset.columns, stored.dataset.row_count) == (True, IMPORTED.columns, 3)
    assert datasets(world) == ["stores"]
    [(source, file_format, target)] = world.sql_worker.imports
    assert (source.startswith("uploads/acme/upl_"), file_format, target) == (True, "csv", stored.dataset.key)
    assert list(world.uploads.kept.values()) == [CSV]


def test_a_dataset_takes_the_place_of_the_one_of_its_name_and_has_another_key() -> None:
    world = RunWorld()
    before = put(world).dataset
    world.clock.sleep(60)
    assert world.uploads.discarded == []
    after = put(world)
    assert world.uploads.discarded == [before.key]
    assert (after.is_new, after.dataset.key == before.key, datasets(world)) == (False, False, ["stores"])
    assert changed_at(world) == world.clock.now()


def test_an_upload_is_named_by_its_id_and_an_object_by_its_address() -> None:
    world = RunWorld()
    upload_id = world.uploads.put("acme", b'{"a": 1}\n')
    put(world, "lines", DatasetFile(upload_id, None, "/upload_id"))
    put(world, "said", DatasetFile(upload_id, "csv", "/upload_id"))
    put(world, "there", DatasetFile("s3://open-data/a/b.PARQUET", None, "/s3"))
    put(world, "named", DatasetFile("s3://open-data/a/b", "ndjson", "/s3"))
    assert [(source, file_format) for source, file_format, _ in world.sql_worker.imports] == [
        (f"uploads/acme/{upload_id}", "ndjson"),
        (f"uploads/acme/{upload_id}", "csv"),
        ("s3://open-data/a/b.PARQUET", "parquet"),
        ("s3://open-data/a/b", "ndjson"),
    ]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("upl_0", "unknown_upload"),
        ("uploads/acme/upl_0000000000000000000000001", "unknown_upload"),
        ("../datasets/other/secret", "unknown_upload"),
        ("s3://the-data-bucket/datasets/other/x.csv", "unknown_bucket"),
        ("s3://OPEN-DATA/x.csv", "invalid_value"),
        ("s3://open-data.evil/x.csv", "unknown_bucket"),
        ("s3://open-data/", "invalid_value"),
        ("s3://?", "invalid_value"),
        ("s3://open-data/x.xlsx", "unknown_format"),
        ("S3://open-data/x.csv", "unknown_upload"),
    ],
)
def test_a_file_that_is_not_the_callers_is_refused_unseen(source: str, code: str) -> None:
    world = RunWorld()
    with pytest.raises(DatasetRefusedError) as refused:
        put(world, file=DatasetFile(source, None, "/somewhere"))
    assert [(each.location, each.code) for each in refused.value.problems] == [("/somewhere", code)]
    assert source not in refused.value.problems[0].message
    assert (world.sql_worker.imports, datasets(world)) == ([], [])


def test_the_buckets_that_may_be_imported_from_are_named() -> None:
    world = RunWorld()
    with pytest.raises(DatasetRefusedError) as refused:
        put(world, file=DatasetFile("s3://other-data/x.csv", None, "/s3"))
    assert "than open-data are not imported" in refused.value.problems[0].message


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a#b", "a" * 64, "ž", "a\n", 'a"; DROP'])
def test_a_name_that_sql_would_have_to_quote_is_refused_before_anything_is_kept(name: str) -> None:
    world = RunWorld()
    with pytest.raises(DatasetRefusedError) as refused:
        put(world, name)
    assert [(each.location, each.code) for each in refused.value.problems] == [("/dataset", "invalid_name")]
    assert (world.uploads.kept, world.sql_worker.imports) == ({}, [])


def test_two_names_that_differ_in_case_alone_are_one_in_sql() -> None:
    world = RunWorld()
    put(world)
    with pytest.raises(DatasetRefusedError) as refused:
        put(world, "Stores")
    assert [each.code for each in refused.value.problems] == ["duplicate_name"]
    put(world)


def test_a_file_that_cannot_be_read_changes_nothing() -> None:
    world = RunWorld()
    before = put(world).dataset
    at = changed_at(world)
    world.clock.sleep(60)
    world.sql_worker.imported = SqlRefusedError("Line 3 has 2 columns in place of 4.")
    with pytest.raises(DatasetRefusedError) as refused:
        put(world)
    assert [(each.location, each.code) for each in refused.value.problems] == [("", "unreadable_file")]
    assert world.connections.get_with_datasets("acme", DEFAULT_CONNECTION).datasets["stores"] == before
    assert changed_at(world) == at


@pytest.mark.parametrize("busy", [EngineUnavailableError("too busy"), SqlWorkerBusyError("too busy")])
def test_a_worker_that_is_busy_is_no_fault_of_the_file(busy: Exception) -> None:
    world = RunWorld()
    world.sql_worker.imported = busy
    with pytest.raises(ImportUnavailableError):
        put(world)
    assert datasets(world) == []


class SlowStore(MemoryConnectionStore):
    """A second passes while it writes."""

    def __init__(self, world: RunWorld) -> None:
        super().__init__()
        self._world = world

    def put_dataset(self, tenant: str, connection: str, dataset: Dataset, now: datetime) -> None:
        self._world.clock.sleep(0.5)
        super().put_dataset(tenant, connection, dataset, now)
        self._world.clock.sleep(0.5)

    def delete_dataset(self, tenant: str, connection: str, dataset: str, now: datetime) -> None:
        self._world.clock.sleep(0.5)
        super().delete_dataset(tenant, connection, dataset, now)
        self._world.clock.sleep(0.5)


def test_what_began_while_a_dataset_changed_is_older_than_the_change() -> None:
    world = RunWorld()
    slow = SlowStore(world)
    world.connections = slow
    world.__post_init__()
    began = world.clock.now() + timedelta(milliseconds=900)
    put(world)
    assert (at := changed_at(world))
    assert at > began
    began = world.clock.now() + timedelta(milliseconds=900)
    delete_dataset(DEFAULT_CONNECTION, "stores", CALLER, world.deps)
    assert (at := changed_at(world))
    assert at > began


def test_a_deleted_dataset_is_gone() -> None:
    world = RunWorld()
    stored = put(world).dataset
    delete_dataset(DEFAULT_CONNECTION, "stores", CALLER, world.deps)
    assert (datasets(world), world.uploads.discarded) == ([], [stored.key])
    with pytest.raises(DatasetNotFoundError):
        delete_dataset(DEFAULT_CONNECTION, "stores", CALLER, world.deps)


def test_strangers_and_who_is_narrowed_change_no_dataset() -> None:
    world = RunWorld()
    put(world)
    with pytest.raises(NotGrantedError):
        put(world, caller=NARROWED)
    with pytest.raises(NotGrantedError):
        delete_dataset(DEFAULT_CONNECTION, "stores", NARROWED, world.deps)
    with pytest.raises(DatasetNotFoundError):
        delete_dataset(DEFAULT_CONNECTION, "stores", STRANGER, world.deps)
    with pytest.raises(ConnectionNotFoundError):
        put_dataset(PutDataset("sales", "stores", CSV, "csv"), CALLER, world.deps)
    assert datasets(world) == ["stores"]


@pytest.mark.parametrize(
    ("beginning", "file_format"),
    [
        (b"PAR1\x15\x04", "parquet"),
        (b'{"a": 1}', "ndjson"),
        (b'\xef\xbb\xbf\r\n\t {"a', "ndjson"),
        (b"a,b\n1,2", "csv"),
        (b"", "csv"),
        (b"PAR", "csv"),
        (b"[1]", "csv"),
    ],
)
def test_the_format_is_told_by_the_first_bytes(beginning: bytes, file_format: str) -> None:
    assert detect_format(beginning) == file_format


def test_a_connection_has_so_many_datasets_and_no_more() -> None:
    world = RunWorld()
    for number in range(MAX_DATASETS):
        put(world, f"d{number}")
    with pytest.raises(DatasetRefusedError) as refused:
        put(world, "more")
    assert [(each.location, each.code) for each in refused.value.problems] == [("/dataset", "too_many_datasets")]
    assert len(world.sql_worker.imports) == MAX_DATASETS
    assert not put(world, "d0").is_new


def test_all_columns_of_a_connection_fit_into_one_answer() -> None:
    world = RunWorld()
    wide = tuple(Column(f"列{number:04}" + "é" * 50, "INT64") for number in range(900))
    world.sql_worker.imported = ImportedTable(wide, row_count=1, size=1)
    fit = MAX_COLUMNS_LENGTH_OF_ALL // len(write_json(wide))
    for number in range(fit):
        put(world, f"d{number}")
    with pytest.raises(DatasetRefusedError) as refused:
        put(world, "more")
    assert [(each.location, each.code) for each in refused.value.problems] == [("", "too_many_columns")]
    assert not put(world, "d0").is_new
    require_carried(print_json(print_connection(read_connection(DEFAULT_CONNECTION, CALLER, world.deps))))


def test_a_list_of_the_most_and_widest_connections_can_be_answered() -> None:
    columns = tuple(Column("c" * 300, "INT64") for _ in range(200))
    filled = {
        name: Dataset(name=name, key="k", columns=columns, row_count=10**12, size=10**12, created_at=NOW)
        for name in (f"{number:063}" for number in range(MAX_DATASETS))
    }
    connection = replace(default_connection("acme"), name="c" * 63, location="é" * 64, created_at=NOW)
    found = [ConnectionWithDatasets(connection, filled)] * (MAX_CONNECTIONS + 1)
    require_carried(print_json(print_connections(found)))
