"""Workflows on a connection with the engine athena, from the definition to the rows.

The local stack's Athena executes the statements by DuckDB: it shows that the machine, the worker and the requests fit
together, not that Athena takes each statement. docs/decisions/2026-11-21-athena.md says what is shown by nothing here.
"""

# ruff: noqa: S608 - the SQL is of the tests' own making

import json
import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest

from local.stack import LocalStack
from local.template import REGION
from stepcall.domain.ids import read_run_id
from tests.functional.carto import Carto, enable, executions_of
from tests.functional.conftest import Api

SALES = b"city,amount\nBerlin,10\nBerlin,200\nParis,300\nBerlin,300\n"
SECRET_COLUMN, SECRET_VALUE = "amount", "Hush-Town"
SLOW = """SELECT COUNT(*) AS n
FROM UNNEST(GENERATE_ARRAY(1, 9000)) AS a, UNNEST(GENERATE_ARRAY(1, 9000)) AS b, UNNEST(GENERATE_ARRAY(1, 9000)) AS c
WHERE MOD(a * b * c, 7) = 3"""
Json = dict[str, Any]


@pytest.fixture(scope="module")
def connection(stack: LocalStack) -> str:
    """A connection of Athena's with the dataset `sales`."""
    api, name = Api(stack.url), f"athena_{uuid4().hex[:8]}"
    assert api("POST", "/connections", {"name": name, "engine": "athena"}).status == 201
    put = api("PUT", f"/connections/{name}/datasets/sales", raw=SALES, headers={"content-type": "text/csv"})
    assert put.status == 201, put.text
    return name


def query(ref: str, text: str, **more: Any) -> Json:
    return {"ref": ref, "type": "Sql.Query", "input": {"query": text, **more}}


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name=REGION)


def statements(stack: LocalStack) -> list[Any]:
    group = stack.deployment.names["AthenaWorkGroup"]
    listed: list[Any] = client("athena").list_prepared_statements(WorkGroup=group)["PreparedStatements"]
    return listed


def history(execution: Json) -> str:
    """Everything that Step Functions keeps of an execution, as text."""
    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    run_id = str(read_run_id(execution["execution_id"]))
    for machine in machines:
        arn = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{run_id}"
        try:
            events = client("stepfunctions").get_execution_history(executionArn=arn)["events"]
        except client("stepfunctions").exceptions.ExecutionDoesNotExist:
            continue
        definition = client("stepfunctions").describe_state_machine(stateMachineArn=machine["stateMachineArn"])
        return json.dumps([events, definition["definition"]], default=str)
    raise AssertionError("There is no such execution.")


def test_tables_go_from_query_to_query_and_the_last_ones_rows_are_the_result(
    api: Api, stack: LocalStack, connection: str
) -> None:
    workflow_id = api.define(
        connection=connection,
        input=[{"name": "least", "type": "integer", "default": 100}],
        tasks=[
            query("Large", "SELECT city, amount FROM sales WHERE amount >= @n", parameters={"n": "{{input.least}}"}),
            query(
                "by_city",
                "SELECT city, SUM(amount) AS total FROM l GROUP BY city",
                sources={"l": "{{refs.Large.output.table}}"},
            ),
            {"ref": "out", "type": "Workflow.Output", "input": {"table": "{{refs.by_city.output.table}}"}},
        ],
        output=[
            {"name": "rows", "type": "array", "value": "{{refs.by_city.output.rows}}"},
            {"name": "columns", "type": "array", "value": "{{refs.by_city.output.columns}}"},
            {"name": "count", "type": "integer", "value": "{{refs.Large.output.row_count}}"},
        ],
    )
    output = api.run(workflow_id)["output"]
    assert sorted(output["rows"], key=lambda row: row["city"]) == [
        {"city": "Berlin", "total": 500},
        {"city": "Paris", "total": 300},
    ]
    assert output["columns"] == [{"name": "city", "type": "STRING"}, {"name": "total", "type": "INT64"}]
    assert output["count"] == 3
    assert statements(stack) == []
    machine = api("GET", f"/workflows/{workflow_id}/definition").json
    assert list(machine["States"])[:3] == ["Large", "Large query", "Large result"]


def test_a_table_without_rows_is_a_table_all_the_same(api: Api, connection: str) -> None:
    workflow_id = api.define(
        connection=connection,
        tasks=[
            query("none", "SELECT city, amount FROM sales WHERE amount > 1000"),
            query("count", "SELECT COUNT(*) AS n FROM t", sources={"t": "{{refs.none.output.table}}"}),
            {"ref": "out", "type": "Workflow.Output", "input": {"table": "{{refs.none.output.table}}"}},
        ],
        output=[
            {"name": "n", "type": "array", "value": "{{refs.count.output.rows}}"},
            {"name": "none", "type": "object", "value": "{{refs.none.output}}"},
        ],
    )
    output = api.run(workflow_id)["output"]
    assert output["n"] == [{"n": 0}]
    assert output["none"]["rows"] == []
    assert [column["type"] for column in output["none"]["columns"]] == ["STRING", "INT64"]


def test_times_are_kept_in_utc_and_columns_have_the_names_of_the_query(api: Api, connection: str) -> None:
    workflow_id = api.define(
        connection=connection,
        tasks=[
            query("times", "SELECT TIMESTAMP_SECONDS(amount) AS SoldAt FROM sales WHERE amount < 300"),
            query(
                "late",
                "SELECT SoldAt FROM t WHERE SoldAt > TIMESTAMP '1970-01-01 00:01:00+00:00'",
                sources={"t": "{{refs.times.output.table}}"},
            ),
        ],
        output=[{"name": "late", "type": "object", "value": "{{refs.late.output}}"}],
    )
    late = api.run(workflow_id)["output"]["late"]
    assert late["rows"] == [{"SoldAt": "1970-01-01T00:03:20"}]
    assert late["columns"] == [{"name": "SoldAt", "type": "DATETIME"}]


def test_a_job_on_athena_has_an_output_table_that_can_be_read_and_is_reused(
    api: Api, stack: LocalStack, connection: str
) -> None:
    definition = {
        "connection": connection,
        "input": [{"name": "least", "type": "integer"}, {"name": "note", "type": "string", "required": False}],
        "tasks": [
            query(
                "one",
                "SELECT city, @note AS note, COUNT(*) AS n FROM sales WHERE amount >= @least GROUP BY city",
                parameters={"least": "{{input.least}}", "note": "{{input.note}}"},
            ),
            {"ref": "out", "type": "Workflow.Output", "input": {"table": "{{refs.one.output.table}}"}},
        ],
    }
    called = replace(enable(stack, definition), carto=Carto(stack.url, connection=connection))
    first, again = (called.run("@least,@note", {"least": 200, "note": None}) for _ in range(2))
    assert first["status"] == again["status"] == {"state": "DONE"}
    table = first["jobMetadata"]["workflowOutputTableName"]
    answer = called.carto.query(f"SELECT * FROM `{table}` ORDER BY city")
    assert answer.json["rows"] == [{"city": "Berlin", "note": None, "n": 2}, {"city": "Paris", "note": None, "n": 1}]
    assert executions_of(called) == 1


def test_neither_the_query_nor_a_value_stands_in_what_step_functions_keeps(api: Api, connection: str) -> None:
    workflow_id = api.define(
        connection=connection,
        input=[{"name": "town", "type": "string"}],
        tasks=[query("one", "SELECT amount FROM sales WHERE city = @town", parameters={"town": "{{input.town}}"})],
        output=[{"name": "rows", "type": "array", "value": "{{refs.one.output.rows}}"}],
    )
    execution = api.run(workflow_id, {"town": SECRET_VALUE})
    assert execution["status"] == "COMPLETED"
    kept = history(execution)
    assert "EXECUTE stepcall_" in kept
    for secret in ("SELECT", SECRET_COLUMN, SECRET_VALUE):
        assert secret not in kept


def test_a_query_that_fails_on_athena_fails_its_task_with_the_reason(
    api: Api, stack: LocalStack, connection: str
) -> None:
    workflow_id = api.define(
        connection=connection,
        tasks=[query("one", "SELECT CAST(city AS INT64) AS n FROM sales")],
        output=[{"name": "rows", "type": "array", "value": "{{refs.one.output.rows}}"}],
    )
    execution = api.run(workflow_id)
    error = execution["error"]
    assert (execution["status"], error["reason"], error["location"]) == ("FAILED", "invalidQuery", "one")
    assert error["message"].startswith("Query error: INVALID_CAST_ARGUMENT")
    for place in ("s3:", "arn:", "line 1", "run_", "dataset_"):
        assert place not in error["message"]
    assert statements(stack) == []


def test_a_query_that_athena_cannot_run_is_refused_when_it_is_defined(api: Api, connection: str) -> None:
    document = {"name": "x", "connection": connection, "tasks": [query("one", "SELECT * EXCEPT (city) FROM sales")]}
    answer = api("POST", "/workflows", document)
    assert answer.status == 400
    assert any("name the columns" in problem["message"] for problem in answer.json["errors"])


def test_a_cancelled_run_stops_its_query(api: Api, connection: str) -> None:
    workflow_id = api.define(connection=connection, tasks=[query("one", SLOW)])
    started = api("POST", f"/workflows/{workflow_id}/execute", {}).json
    run_id = str(read_run_id(started["execution_id"]))
    execution_id = wait_for_query(run_id)
    path = f"/workflows/{workflow_id}/executions/{started['execution_id']}"
    assert api("POST", f"{path}/cancel").status == 202
    deadline = time.monotonic() + 10
    while state_of(execution_id) != "CANCELLED":
        assert time.monotonic() < deadline, state_of(execution_id)
        time.sleep(0.05)
    assert api("GET", path).json["status"] == "CANCELLED"


def wait_for_query(run_id: str) -> str:
    """The id of the query that a run executes."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for execution_id in client("athena").list_query_executions()["QueryExecutionIds"]:
            told = client("athena").get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
            if run_id.replace("-", "") in told["Query"] and told["Status"]["State"] == "RUNNING":
                return str(execution_id)
        time.sleep(0.05)
    raise AssertionError("The run executes no query.")


def state_of(execution_id: str) -> str:
    told = client("athena").get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
    return str(told["Status"]["State"])


def test_a_version_stays_with_the_engine_that_it_was_defined_on(api: Api, stack: LocalStack) -> None:
    """Its connection is made anew with another engine: what was defined before is compiled as it was."""
    name = f"changing_{uuid4().hex[:8]}"
    workflow = {"name": "x", "connection": name, "tasks": [query("one", "SELECT 1 AS n")]}
    assert api("POST", "/connections", {"name": name, "engine": "athena"}).status == 201
    workflow_id = api("POST", "/workflows", workflow).json["workflow_id"]
    before = api("GET", f"/workflows/{workflow_id}/definition").text
    assert api("DELETE", f"/connections/{name}").status == 204
    assert api("POST", "/connections", {"name": name, "engine": "duckdb"}).status == 201
    changed = api("PUT", f"/workflows/{workflow_id}", workflow).json
    assert changed["workflow_version"] == 2
    assert api("GET", f"/workflows/{workflow_id}/definition?version=1").text == before
    assert "athena" not in api("GET", f"/workflows/{workflow_id}/definition?version=2").text
    assert stack.deployment.names["AthenaWorkGroup"] in before
