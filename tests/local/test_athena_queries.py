"""The local stack's Athena: statements that are executed, over moto's bucket and catalogue, and waited for."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.moto_world import corrected_moto
from local.moto_world.athena_queries import athena_that_executes
from stepcall.asl.athena_states import ATHENA_TRANSIENT, AthenaQueryState
from stepcall.asl.history import count_events
from stepcall.asl.states import ALL_ERRORS, Catcher, FailState, Retrier, StateMachine

REGION, BUCKET, GROUP, DATABASE = "us-east-1", "data", "group", "tables"
ROLE = "arn:aws:iam::123456789012:role/r"
SLOW = "SELECT sum(a.range * b.range % 7) AS n FROM range(10000000) AS a, range(10000000) AS b"
NO_RETRY = Retrier(("Never",), interval_seconds=1, max_attempts=1, backoff_rate=1.0)


@pytest.fixture(scope="module")
def world() -> Iterator[None]:
    with (
        mock_aws(config={"stepfunctions": {"execute_state_machine": True}}),
        corrected_moto(lambda url: url),
        athena_that_executes(),
    ):
        client("s3").create_bucket(Bucket=BUCKET)
        client("glue").create_database(DatabaseInput={"Name": DATABASE})
        client("athena").create_work_group(Name=GROUP)
        put_table(
            "stores",
            "SELECT * FROM (VALUES ('a', 1), ('b', 2), ('b', 3)) AS t(city, sales)",
            "city:string",
            "sales:bigint",
        )
        yield


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name=REGION)


def put_table(name: str, rows: str, *columns: str) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=f"{name}/part-0.parquet", Body=parquet_of(rows))
    described = [dict(zip(("Name", "Type"), column.split(":"), strict=True)) for column in columns]
    storage = {"Location": f"s3://{BUCKET}/{name}/", "Columns": described}
    client("glue").create_table(DatabaseName=DATABASE, TableInput={"Name": name, "StorageDescriptor": storage})


def parquet_of(rows: str) -> bytes:
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "rows")
        connection.sql(rows).write_parquet(str(path))
        return path.read_bytes()


def prepare(select: str) -> str:
    """A statement that makes a table of its own name of a select; the name."""
    name = f"t_{uuid4().hex}"
    sql = (
        f"CREATE TABLE {DATABASE}.{name} WITH (format='PARQUET', external_location='s3://{BUCKET}/{name}/') AS {select}"
    )
    client("athena").create_prepared_statement(StatementName=name, WorkGroup=GROUP, QueryStatement=sql)
    return name


def machine() -> StateMachine:
    catch = Catcher((ALL_ERRORS,), next="Failed", result_path="$.error")
    query = AthenaQueryState("Query", GROUP, 60, (NO_RETRY,), (catch,), "Done")
    return StateMachine("", (query, FailState("Done", "Done", ""), FailState("Failed", "Failed", "")))


def start(statement: str) -> str:
    definition = json.dumps(machine().to_asl())
    made = client("stepfunctions").create_state_machine(name=f"m-{uuid4()}", definition=definition, roleArn=ROLE)
    started = client("stepfunctions").start_execution(
        stateMachineArn=made["stateMachineArn"], input=json.dumps({"query": {"statement": statement}})
    )
    arn: str = started["executionArn"]
    return arn


def wait(arn: str) -> list[Any]:
    """The events of an execution that has ended."""
    deadline = time.monotonic() + 20
    while client("stepfunctions").describe_execution(executionArn=arn)["status"] == "RUNNING":
        assert time.monotonic() < deadline, "the execution does not end"
        time.sleep(0.02)
    events: list[Any] = client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return events


def left(events: list[Any]) -> str:
    names = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    return str(names[-1])


def rows_of(name: str) -> list[Any]:
    listed = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/").get("Contents", [])
    contents = [client("s3").get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read() for found in listed]
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        paths = [Path(folder, str(number)) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        found: list[Any] = connection.read_parquet([str(path) for path in paths]).fetchall()
    return found


def test_a_prepared_statement_makes_a_table_and_the_machine_waits_for_it(world: None) -> None:
    name = prepare("SELECT city, SUM(sales) AS Sales FROM tables.stores GROUP BY city")
    events = wait(start(name))
    assert left(events) == "Done"
    assert sorted(rows_of(name)) == [("a", 1), ("b", 5)]
    columns = client("glue").get_table(DatabaseName=DATABASE, Name=name)["Table"]["StorageDescriptor"]["Columns"]
    assert columns == [{"Name": "city", "Type": "string"}, {"Name": "sales", "Type": "bigint"}]


def test_a_query_writes_six_events_and_the_count_knows(world: None) -> None:
    events = [event["type"] for event in wait(start(prepare("SELECT city FROM tables.stores")))]
    assert events[1:-2] == [
        *("TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited")
    ]
    retries = 4 * NO_RETRY.max_attempts
    assert count_events(machine()) == len(events) + retries


def test_a_query_that_fails_tells_why_in_its_cause(world: None) -> None:
    events = wait(start(prepare("SELECT town FROM tables.stores")))
    assert left(events) == "Failed"
    [failed] = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
    told = json.loads(failed["cause"])["QueryExecution"]
    assert (failed["error"], told["Status"]["State"]) == ("States.TaskFailed", "FAILED")
    assert "SYNTAX_ERROR" in told["Status"]["StateChangeReason"]
    assert told["QueryExecutionId"]


def test_a_statement_that_is_not_there_is_an_error_of_athenas(world: None) -> None:
    events = wait(start("nothing_of_this_name"))
    [failed] = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
    assert failed["error"] == "Athena.InvalidRequestException"


def test_one_token_is_one_query(world: None) -> None:
    """What makes a retry of the state safe: AWS documents it of StartQueryExecution."""
    name = prepare("SELECT city FROM tables.stores")
    request = {"QueryString": f"EXECUTE {name}", "WorkGroup": GROUP, "ClientRequestToken": name}
    first, again = (client("athena").start_query_execution(**request)["QueryExecutionId"] for _ in range(2))
    assert first == again
    assert "Athena.TooManyRequestsException" in ATHENA_TRANSIENT.error_equals


def test_a_table_is_not_written_over(world: None) -> None:
    name = prepare("SELECT city FROM tables.stores")
    wait(start(name))
    client("glue").delete_table(DatabaseName=DATABASE, Name=name)
    second = client("athena").start_query_execution(QueryString=f"EXECUTE {name}", WorkGroup=GROUP)
    status = ended(second["QueryExecutionId"])
    assert (status["State"], status["StateChangeReason"].split(":")[0]) == ("FAILED", "HIVE_PATH_ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("CAST(CURRENT_TIMESTAMP AS TIMESTAMP WITH TIME ZONE)", "Unsupported Hive type"),
        ("NULL", "Column type is unknown"),
    ],
)
def test_what_hive_cannot_hold_is_refused(world: None, column: str, why: str) -> None:
    name = prepare(f"SELECT {column} AS at")
    status = ended(
        client("athena").start_query_execution(QueryString=f"EXECUTE {name}", WorkGroup=GROUP)["QueryExecutionId"]
    )
    assert status["StateChangeReason"].startswith("NOT_SUPPORTED: ")
    assert why in status["StateChangeReason"]


def ended(execution_id: str) -> Any:
    deadline = time.monotonic() + 20
    while True:
        status = client("athena").get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
        if status["State"] not in {"QUEUED", "RUNNING"}:
            return status
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_stopping_the_execution_stops_its_query(world: None) -> None:
    arn = start(prepare(SLOW))
    execution_id = running_query(arn)
    client("stepfunctions").stop_execution(executionArn=arn)
    assert ended(execution_id)["State"] == "CANCELLED"
    assert wait(arn)[-1]["type"] == "ExecutionAborted"


def running_query(arn: str) -> str:
    deadline = time.monotonic() + 20
    while True:
        events = client("stepfunctions").get_execution_history(executionArn=arn)["events"]
        for event in events:
            if event["type"] == "TaskSubmitted":
                submitted: str = json.load(io.StringIO(event["taskSubmittedEventDetails"]["output"]))[
                    "QueryExecutionId"
                ]
                return submitted
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_statements_are_listed_and_deleted(world: None) -> None:
    name = prepare("SELECT 1 AS one")
    listed = client("athena").list_prepared_statements(WorkGroup=GROUP)["PreparedStatements"]
    assert name in {statement["StatementName"] for statement in listed}
    client("athena").delete_prepared_statement(StatementName=name, WorkGroup=GROUP)
    with pytest.raises(ClientError) as refused:
        client("athena").get_prepared_statement(StatementName=name, WorkGroup=GROUP)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
