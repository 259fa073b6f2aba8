"""What Athena has written is read back: its first rows, how many there are, and an object where there is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import duckdb
import pytest
from moto import mock_aws

from run_sql_task.athena_results import AthenaResults
from run_sql_task.engine.limits import limits_for
from run_sql_task.engines import Engines
from stepcall.aws.tables import TableObject, TableObjects
from stepcall.domain.connection import Column
from stepcall.domain.run_table import RunTable
from stepcall.domain.task_contract import TaskContext

BUCKET = "data"
TABLE = RunTable(UUID(int=1), "one", "0123456789ab")
CONTEXT = TaskContext(TABLE.run_id, "acme", "one", 0, lambda: 60.0)
COLUMNS = (Column("n", "INT64"), Column("at", "DATETIME"), Column("parts", "ARRAY<STRUCT<a STRING, b NUMERIC>>"))
ROWS, MANY = 20_000, "SELECT range::BIGINT AS n FROM range(20_000)"


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    engines = Engines(1, limits_for(1769))
    yield engines
    engines.close()


@pytest.fixture
def client() -> Iterator[Any]:
    make: Any = boto3.client
    with mock_aws():
        client = make("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def objects(client: Any) -> TableObjects:
    return TableObjects(lambda: client, BUCKET)


def put(client: Any, folder: Path, name: str, rows: str) -> int:
    """As Athena does it: without an ending. The object's size."""
    path = folder / name
    with duckdb.connect() as connection:
        connection.sql(rows).write_parquet(str(path))
    client.put_object(Bucket=BUCKET, Key=f"{TABLE.prefix}{name}", Body=path.read_bytes())
    return path.stat().st_size


def test_a_small_result_is_read_whole(client: Any, objects: TableObjects, engines: Engines, tmp_path: Path) -> None:
    put(client, tmp_path, "20261121_0_a", "SELECT 1::BIGINT AS n, 'x' AS t")
    put(client, tmp_path, "20261121_0_b", "SELECT 2::BIGINT AS n, 'y' AS t")
    first = AthenaResults(engines, objects, tmp_path).read(TABLE, COLUMNS, CONTEXT)
    assert first.row_count == 2
    assert sorted(first.rows, key=lambda row: int(row["n"])) == [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}]


def test_of_a_large_result_the_first_objects_are_read_and_all_rows_are_counted(
    client: Any, objects: TableObjects, engines: Engines, tmp_path: Path
) -> None:
    small = put(client, tmp_path, "a", "SELECT 7::BIGINT AS n")
    put(client, tmp_path, "b", MANY)
    first = AthenaResults(engines, objects, tmp_path, max_read_bytes=small).read(TABLE, COLUMNS, CONTEXT)
    assert (list(first.rows), first.row_count) == ([{"n": 7}], ROWS + 1)


def test_a_result_whose_first_object_is_too_large_shows_no_rows_and_is_counted(
    client: Any, objects: TableObjects, engines: Engines, tmp_path: Path
) -> None:
    put(client, tmp_path, "a", MANY)
    first = AthenaResults(engines, objects, tmp_path, max_read_bytes=1).read(TABLE, COLUMNS, CONTEXT)
    assert (list(first.rows), first.row_count) == ([], ROWS)


def test_a_result_without_objects_gets_one_that_tells_its_columns_and_once(
    client: Any, objects: TableObjects, engines: Engines, tmp_path: Path
) -> None:
    results = AthenaResults(engines, objects, tmp_path)
    for _ in range(2):
        first = results.read(TABLE, COLUMNS, CONTEXT)
        assert (list(first.rows), first.row_count) == ([], 0)
    [written] = objects.list(TABLE.prefix)
    path = tmp_path / "written"
    path.write_bytes(client.get_object(Bucket=BUCKET, Key=written.key)["Body"].read())
    with duckdb.connect() as connection:
        described = connection.read_parquet(str(path)).description
    assert [column[0] for column in described] == [column.name for column in COLUMNS]


def test_a_footer_that_is_longer_than_was_read_at_first_is_read_again(
    client: Any, objects: TableObjects, tmp_path: Path
) -> None:
    size = put(client, tmp_path, "a", MANY)
    path = tmp_path / "footer"
    objects.fetch_footer(TableObject(f"{TABLE.prefix}a", size), path, first_bytes=16)
    assert path.stat().st_size == size
    whole = client.get_object(Bucket=BUCKET, Key=f"{TABLE.prefix}a")["Body"].read()
    length = int.from_bytes(whole[-8:-4], "little") + 8
    assert path.read_bytes() == bytes(size - length) + whole[-length:]


def test_nothing_is_left_on_disk(client: Any, objects: TableObjects, engines: Engines, tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    put(client, tmp_path, "a", "SELECT 1::BIGINT AS n")
    AthenaResults(engines, objects, folder, max_read_bytes=1).read(TABLE, COLUMNS, CONTEXT)
    assert list(folder.iterdir()) == []
