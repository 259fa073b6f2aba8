"""SQL tasks in the local stack, and the worker as the faces ask it: whole invocations, real state machines."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from local.seed import TENANT
from local.stack import LocalStack
from run_sql_task.answers import Answers
from run_sql_task.app import engines, queries, table_objects
from run_sql_task.engines import Engines
from run_sql_task.workflow_output import WorkflowOutput
from stepcall.aws.tables import TableObjects
from stepcall.domain.connection import DEFAULT_CONNECTION, Column, Dataset
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.run_table import RunTable, read_run_table
from stepcall.domain.task_contract import TaskContext, Worker
from stepcall.runtime.client_wiring import lambda_, s3
from stepcall.runtime.settings import EngineSettings, StoreSettings
from stepcall.runtime.wiring import connections, face_dependencies
from stepcall.tasks.sql import OutputInput, OutputOutput, QueryInput
from stepcall.use_cases.sql_worker import ResultTooLargeError, SqlRefusedError, SqlWorker
from tests.functional.conftest import Api

STORES = b"""id,city,kind,revenue,opened
1,Hull,Supermarket,12.5,2020-01-31
2,Hull,Kiosk,1.25,2021-02-28
3,York,Supermarket,20,2022-03-31
4,York,Kiosk,,2023-04-30
"""
COLUMNS = (
    *(Column("id", "INT64"), Column("city", "STRING"), Column("kind", "STRING")),
    *(Column("revenue", "FLOAT64"), Column("opened", "DATE")),
)


@pytest.fixture
def worker(stack: LocalStack) -> SqlWorker:
    return face_dependencies().sql_worker


@pytest.fixture
def bucket(stack: LocalStack) -> str:
    return StoreSettings.from_env().data_bucket


@pytest.fixture
def stores(worker: SqlWorker, bucket: str) -> Iterator[Dataset]:
    """The dataset `stores` of the default connection, made of a CSV file."""
    upload, key = f"uploads/{TENANT}/{uuid4()}", f"datasets/{TENANT}/carto_dw/stores-{uuid4()}.parquet"
    s3().put_object(Bucket=bucket, Key=upload, Body=STORES)
    table = worker.import_file(upload, "csv", key)
    now = datetime.now(UTC)
    made = Dataset(
        name="stores", key=key, columns=table.columns, row_count=table.row_count, size=table.size, created_at=now
    )
    connections().put_dataset(TENANT, DEFAULT_CONNECTION, made, now)
    yield made
    connections().delete_dataset(TENANT, DEFAULT_CONNECTION, "stores", datetime.now(UTC))


@pytest.fixture(autouse=True)
def nothing_is_left_on_disk(stack: LocalStack) -> Iterator[None]:
    yield
    assert list(Path(tempfile.gettempdir()).glob(f"stepcall-sql-{os.getpid()}-*")) == []


def query(ref: str, sql: str, **more: Any) -> dict[str, Any]:
    return {"ref": ref, "type": "Sql.Query", "input": {"query": sql} | more}


def output_of(ref: str, *names: str) -> list[dict[str, str]]:
    types = {"table": "string", "row_count": "integer", "truncated": "boolean"}
    return [
        {"name": name, "type": types.get(name, "array"), "value": f"{{{{refs.{ref}.output.{name}}}}}"} for name in names
    ]


def run(api: Api, *tasks: dict[str, Any], output: list[dict[str, str]], **parameters: Any) -> Any:
    kinds = {str: "string", int: "integer", float: "number", list: "array", bool: "boolean"}
    declared = [{"name": name, "type": kinds[type(value)]} for name, value in parameters.items()]
    return api.run(api.define(input=declared, tasks=list(tasks), output=output), parameters)


SUMS = {"sums": "{{refs.by_city.output.table}}"}


def test_queries_read_datasets_and_the_tables_of_earlier_queries(api: Api, stores: Dataset) -> None:
    execution = run(
        api,
        query(
            "by_city",
            "SELECT city, SUM(revenue) AS revenue FROM stores WHERE kind IN UNNEST(@kinds) GROUP BY city",
            parameters={"kinds": "{{input.kinds}}"},
        ),
        query("top", "SELECT * FROM sums ORDER BY revenue DESC LIMIT 1", sources=SUMS),
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.top.output.table}}"}},
        output=[*output_of("top", "rows", "columns", "row_count", "truncated"), *output_of("result", "table")],
        kinds=["Supermarket"],
    )
    assert execution["status"] == "COMPLETED", execution
    output = execution["output"]
    assert read_run_table(output.pop("table")).ref == "top"
    assert output == {
        "rows": [{"city": "York", "revenue": 20.0}],
        "columns": [{"name": "city", "type": "STRING"}, {"name": "revenue", "type": "FLOAT64"}],
        "row_count": 1,
        "truncated": False,
    }


def test_a_value_is_never_read_as_sql(api: Api, stores: Dataset) -> None:
    hostile = "x' OR '1'='1'; DROP TABLE stores; --"
    execution = run(
        api,
        query("q", "SELECT @v AS v, COUNT(*) AS n FROM stores WHERE city = @v", parameters={"v": "{{input.v}}"}),
        output=output_of("q", "rows"),
        v=hostile,
    )
    assert execution["output"]["rows"] == [{"v": hostile, "n": 0}]


def test_of_a_long_result_the_first_thousand_rows_are_shown(api: Api) -> None:
    sql = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 5000)) AS n ORDER BY n DESC"
    output = run(api, query("q", sql), output=output_of("q", "rows", "row_count", "truncated"))["output"]
    assert (len(output["rows"]), output["rows"][0], output["row_count"]) == (1000, {"n": 5000}, 5000)
    assert output["truncated"] is True


def failure(execution: Any) -> tuple[str, str, str]:
    assert execution["status"] == "FAILED", execution
    error = execution["error"]
    return error["reason"], error["location"], error["message"]


def test_a_fault_that_only_running_shows_fails_the_run_at_its_task(api: Api) -> None:
    tasks = [
        query("first", "SELECT 1 AS a"),
        query("q", "SELECT CAST(@v AS INT64) AS n", parameters={"v": "{{input.v}}"}),
    ]
    error = failure(run(api, *tasks, output=[], v="hidden"))
    assert error == ("invalidQuery", "q", "Query error: Could not convert string '…' to INT64")


def context(run_id: UUID) -> TaskContext:
    return TaskContext(run_id, TENANT, "q", 0, lambda: 60.0)


def test_a_table_of_another_execution_cannot_be_read(stack: LocalStack) -> None:
    # as when nothing had looked at the definition
    theirs, ours = context(UUID(int=1)), context(UUID(int=2))
    other = queries().run(QueryInput(query="SELECT 'theirs' AS a"), theirs).table
    reading = QueryInput(query="SELECT * FROM t", sources={"t": other})
    assert queries().run(reading, theirs).rows == [{"a": "theirs"}]
    naming = OutputInput(table=other)
    assert WorkflowOutput(table_objects()).run(naming, theirs) == OutputOutput(table=other, content=other)
    for attempt in (lambda: queries().run(reading, ours), lambda: WorkflowOutput(table_objects()).run(naming, ours)):
        with pytest.raises(PermanentTaskError, match="A table of another execution may not be read") as caught:
            attempt()
        assert caught.value.reason is ErrorReason.ACCESS_DENIED


@pytest.mark.parametrize("name", ["stores", "../../datasets/x", "run_0_0_q", ""])
def test_what_is_no_table_of_a_task_cannot_be_read(stack: LocalStack, name: str) -> None:
    with pytest.raises(PermanentTaskError) as caught:
        queries().run(QueryInput(query="SELECT * FROM t", sources={"t": name}), context(UUID(int=1)))
    assert caught.value.reason is ErrorReason.INVALID


def test_a_table_that_was_never_written_is_not_found(stack: LocalStack) -> None:
    ours = context(UUID(int=1))
    missing = RunTable(ours.run_id, "q", "0" * 12).name
    for attempt in (
        lambda: queries().run(QueryInput(query="SELECT * FROM t", sources={"t": missing}), ours),
        lambda: WorkflowOutput(table_objects()).run(OutputInput(table=missing), ours),
    ):
        with pytest.raises(PermanentTaskError) as caught:
            attempt()
        assert caught.value.reason is ErrorReason.NOT_FOUND


def test_a_called_workflows_result_bears_the_name_of_its_output_table(stack: LocalStack) -> None:
    ours = context(UUID(int=3))
    table = queries().run(QueryInput(query="SELECT 1 AS a"), ours).table
    called = replace(ours, output_table="local.workflows_temp.wfproc_0_out_1")
    given = WorkflowOutput(table_objects()).run(OutputInput(table=table), called)
    assert given == OutputOutput(table="local.workflows_temp.wfproc_0_out_1", content=table)


@pytest.mark.parametrize(("left", "message"), [(30.2, "takes longer than"), (12.0, "Fetching its tables took")])
def test_a_task_with_no_time_left_ends_as_a_timeout(stack: LocalStack, left: float, message: str) -> None:
    hurried = replace(context(UUID(int=4)), remaining_seconds=lambda: left)
    endless = (
        "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 99999)) a, UNNEST(GENERATE_ARRAY(1, 99999)) b WHERE a*b=7"
    )
    with pytest.raises(PermanentTaskError, match=message) as caught:
        queries().run(QueryInput(query=endless), hurried)
    assert caught.value.reason is ErrorReason.TIMEOUT


def test_a_table_whose_object_was_deleted_is_gone(api: Api, stores: Dataset, bucket: str) -> None:
    s3().delete_object(Bucket=bucket, Key=stores.key)
    reason, location, message = failure(run(api, query("q", "SELECT * FROM stores"), output=[]))
    assert (reason, location, "`stores`" in message) == ("notFound", "q", True)


def test_a_csv_file_becomes_a_dataset(stores: Dataset) -> None:
    assert (stores.columns, stores.row_count) == (COLUMNS, 4)
    assert stores.size > 100


def test_somebody_who_waits_gets_rows(worker: SqlWorker, stores: Dataset) -> None:
    statement = "SELECT id, opened, revenue FROM `project.stores` WHERE city = @city ORDER BY id"
    answer = worker.select(statement, {"project.stores": stores.key}, {"city": "York"})
    assert answer.rows == [
        {"id": 3, "opened": "2022-03-31", "revenue": 20.0},
        {"id": 4, "opened": "2023-04-30", "revenue": None},
    ]
    assert answer.columns == (Column("id", "INT64"), Column("opened", "DATE"), Column("revenue", "FLOAT64"))
    assert answer.bytes_processed == stores.size
    positional = worker.select("SELECT COUNT(*) AS n FROM s WHERE id > ? AND kind = ?", {"s": stores.key}, [1, "Kiosk"])
    assert positional.rows == [{"n": 2}]


@pytest.mark.parametrize(
    ("statement", "parameters", "message"),
    [
        ("SELECT * FROM stores WHERE", {}, r"Query error: .* at \[1:\d+\]"),
        ("SELECT nope FROM stores", {}, r"^Query error: Unrecognized name: `nope` at \[1:8\]$"),
        ("SELECT id,\n  s.citty FROM stores AS s", {}, r"`citty`.*; did you mean `city`\? at \[2:\d\]$"),
        ("SELECT id FROM stores WHERE id = @p", {"p": "secret"}, r"^(?!.*secret)Query error: .*'…'"),
        ("SELECT * FROM others", {}, "none that may be read"),
        ("DROP TABLE stores", {}, r"at \[1:1\]"),
        ("SELECT 1; SELECT 2", {}, r"at \[1:\d+\]"),
        ("SELECT @a AS a", {}, "'a' not found"),
        ("SELECT ? AS a", [1, 2], "1 `\\?`, and 2 values"),
        ("SELECT ? AS a", {}, "as an array"),
        ("SELECT CAST(city AS INT64) AS n FROM stores", {}, "Could not convert string '…'"),
    ],
)
def test_a_statement_that_cannot_run_is_refused_with_its_reason(
    worker: SqlWorker, stores: Dataset, statement: str, parameters: Any, message: str
) -> None:
    with pytest.raises(SqlRefusedError, match=message):
        worker.select(statement, {"stores": stores.key}, parameters)


def test_rows_over_5_mb_are_too_many_to_wait_for(worker: SqlWorker) -> None:
    with pytest.raises(ResultTooLargeError):
        worker.select("SELECT REPEAT('x', 1000) AS a FROM UNNEST(GENERATE_ARRAY(1, 6000)) AS n", {}, {})


def test_rows_of_nearly_5_mb_come_through(worker: SqlWorker) -> None:
    answer = worker.select("SELECT REPEAT('ü', 1000) AS a FROM UNNEST(GENERATE_ARRAY(1, 2400)) AS n", {}, {})
    assert len(answer.rows) == 2400


@pytest.mark.parametrize(
    ("source", "file_format", "message"),
    [
        ("uploads/nobody/nothing", "csv", "There is no such object"),
        ("s3://somebody-elses/file.csv", "csv", "may not be read"),
        ("uploads/nobody/nothing", "xlsx", "csv, ndjson, parquet"),
    ],
)
def test_a_file_that_cannot_be_had_is_refused(worker: SqlWorker, source: str, file_format: str, message: str) -> None:
    with pytest.raises(SqlRefusedError, match=message):
        worker.import_file(source, file_format, "datasets/x.parquet")


def test_a_file_of_the_bucket_that_the_deployment_names_becomes_a_table(stack: LocalStack, bucket: str) -> None:
    s3().create_bucket(Bucket="theirs")
    s3().put_object(Bucket="theirs", Key="a folder/stores.csv", Body=STORES)
    answers = Answers(engines(), table_objects(), frozenset({"theirs"}), time.monotonic)
    given = {"source": "s3://theirs/a folder/stores.csv", "file_format": "csv", "target": "datasets/theirs.parquet"}
    assert answers.answer({"import": given})["row_count"] == 4
    assert table_objects().list("datasets/theirs.parquet")


def test_a_file_over_the_limit_is_refused_before_it_is_read(stack: LocalStack, bucket: str) -> None:
    objects = table_objects()
    s3().put_object(Bucket=bucket, Key="uploads/a/large", Body=b"x" * 200)

    class SmallerLimit(TableObjects):
        """The same, with 100 bytes for 500 MB."""

        def fetch(self, key: str, path: Path, max_bytes: int, bucket: str | None = None) -> int:
            assert max_bytes == 500 * 1024 * 1024
            return objects.fetch(key, path, 100, bucket)

    answers = Answers(engines(), SmallerLimit(s3, bucket), frozenset(), time.monotonic)
    given = {"source": "uploads/a/large", "file_format": "csv", "target": "datasets/large.parquet"}
    told = answers.answer({"import": given})
    assert told == {"error": "refused", "message": "The object has 200 bytes; 100 is the most."}


@pytest.mark.parametrize(("said", "begins_at"), [({}, 19.8), ({"seconds": 60}, 19.8), ({"seconds": 5}, 4.8)])
def test_somebody_waits_no_longer_than_there_is_time(stack: LocalStack, said: Any, begins_at: float) -> None:
    times = iter([0.0, begins_at])
    answers = Answers(engines(), table_objects(), frozenset(), lambda: next(times))
    numbers = "UNNEST(GENERATE_ARRAY(1, 99999))"
    statement = f"SELECT COUNT(*) AS n FROM {numbers} AS a, {numbers} AS b WHERE a * b = 7"  # noqa: S608
    told = answers.answer({"select": {"statement": statement, "tables": {}, "parameters": {}, **said}})
    assert told["error"] == "timeout"


def test_who_finds_every_engine_at_work_is_told_so_and_not_to_read_less(stack: LocalStack) -> None:
    busy = Engines(1, engines().limits)
    given = {"statement": "SELECT 1 AS a", "tables": {}, "parameters": {}, "seconds": 0.2}
    with busy.pool.process(1):
        told = Answers(busy, table_objects(), frozenset(), time.monotonic).answer({"select": given})
    busy.close()
    assert told == {"error": "busy", "message": "Too many queries are running at once."}


def test_a_file_that_cannot_be_read_is_refused_and_leaves_no_table(worker: SqlWorker, bucket: str) -> None:
    s3().put_object(Bucket=bucket, Key="uploads/a/ragged", Body=b"a,b\n1,2\n1,2,3\n" * 50)
    with pytest.raises(SqlRefusedError, match="Quote values that hold the delimiter"):
        worker.import_file("uploads/a/ragged", "csv", "datasets/ragged.parquet")
    assert s3().list_objects_v2(Bucket=bucket, Prefix="datasets/ragged").get("KeyCount") == 0


def test_what_the_function_raises_is_told_as_lambda_tells_it(stack: LocalStack) -> None:
    function = EngineSettings.from_env().function_arns[Worker.SQL]
    answer = lambda_().invoke(FunctionName=function, Payload=b'{"select": {}}')
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"]  # Lambda says Unhandled, moto Handled
    assert json.loads(answer["Payload"].read())["errorType"] == "TypeError"
