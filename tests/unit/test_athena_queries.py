"""`Sql.Query` on Athena: what is prepared, and what is made of what came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
import sqlglot

from run_sql_task.athena_queries import AthenaQueries, table_of
from run_sql_task.athena_results import FirstRows
from stepcall.domain.connection import Column, Connection, Dataset, SqlEngine
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.run_table import RunTable
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.task_phases import PreparedQuery, QueryEnd, TaskPhase
from stepcall.stores.memory_connection_store import MemoryConnectionStore
from stepcall.tasks.sql import QueryInput, QueryOutput
from stepcall.use_cases.query_service import QueryOutcome, StatementRefusedError, UnknownTypeError
from tests.clock import Clock

RUN_ID = UUID("01890000-0000-7000-8000-000000000001")
OTHER_RUN = UUID("01890000-0000-7000-8000-000000000002")
COLUMNS = (Column("city", "STRING"), Column("amount", "INT64"))
KEY = "datasets/acme/c/sales-1/part-0.parquet"


@dataclass
class FakeService:
    """Athena as the worker sees it."""

    outcomes: dict[str, QueryOutcome] = field(default_factory=dict)
    refusal: Exception | None = None
    prepared: dict[str, str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    tables: dict[str, tuple[str, Sequence[Column]]] = field(default_factory=dict)

    def location(self, prefix: str) -> str:
        return f"s3://bucket/{prefix}"

    def qualified(self, table: str) -> str:
        return f"tables.{table.lower()}"

    def put_table(self, table: str, prefix: str, columns: Sequence[Column]) -> None:
        if isinstance(self.refusal, UnknownTypeError):
            raise self.refusal
        self.tables[table] = (prefix, columns)

    def columns_of(self, table: str) -> tuple[Column, ...]:
        return COLUMNS

    def prepare(self, statement: str, sql: str) -> None:
        if self.refusal:
            raise self.refusal
        self.prepared[statement] = sql

    def forget(self, statement: str) -> None:
        self.forgotten.append(statement)

    def outcome(self, execution_id: str) -> QueryOutcome:
        return self.outcomes[execution_id]


@dataclass
class FakeResults:
    first: FirstRows = field(default_factory=lambda: FirstRows([{"city": "Berlin", "amount": 1}], 1))
    read_tables: list[RunTable] = field(default_factory=list)

    def read(self, table: RunTable, columns: Sequence[Column], context: TaskContext) -> FirstRows:
        self.read_tables.append(table)
        return self.first


def connections() -> MemoryConnectionStore:
    store, now = MemoryConnectionStore(), Clock().now()
    dataset = Dataset(name="sales", key=KEY, columns=COLUMNS, row_count=3, size=9, created_at=now)
    athena = Connection(
        tenant="acme", connection_id=UUID(int=1), name="athena_dw", engine=SqlEngine.ATHENA, created_at=now
    )
    store.put(athena, [dataset])
    return store


@dataclass
class World:
    service: FakeService = field(default_factory=FakeService)
    results: FakeResults = field(default_factory=FakeResults)

    def __post_init__(self) -> None:
        results: Any = self.results
        self.queries = AthenaQueries(self.service, results, connections())

    def prepare(self, query: str, ref: str = "one", **more: Any) -> str:
        """The statement that was prepared."""
        given = QueryInput(query=query, **more)
        prepared = self.queries.run(given, context(TaskPhase.PREPARE, ref))
        assert isinstance(prepared, PreparedQuery)
        return self.service.prepared[prepared.statement]

    def collect(self, end: QueryEnd, query: str = "SELECT * FROM sales") -> QueryOutput:
        output = self.queries.run(QueryInput(query=query), context(TaskPhase.COLLECT, query=end))
        assert isinstance(output, QueryOutput)
        return output

    def refusal(self, query: str, **more: Any) -> PermanentTaskError:
        with pytest.raises(PermanentTaskError) as refused:
            self.prepare(query, **more)
        assert self.service.prepared == {}
        return refused.value


@pytest.fixture
def world() -> World:
    return World()


def context(phase: TaskPhase, ref: str = "one", query: QueryEnd | None = None) -> TaskContext:
    return TaskContext(RUN_ID, "acme", ref, 0, lambda: 60.0, connection="athena_dw", phase=phase, query=query)


def test_a_query_becomes_a_table_of_its_run_at_its_place_in_the_bucket(world: World) -> None:
    sql = world.prepare("SELECT city FROM sales WHERE amount > @least", parameters={"least": 7})
    table = table_of(context(TaskPhase.PREPARE))
    assert sql.startswith(
        f"CREATE TABLE tables.{table.name} WITH (format = 'PARQUET', external_location = "
        f"'s3://bucket/workflows_temp/{RUN_ID}/one-{table.mark}/') AS SELECT "
    )
    assert sqlglot.parse_one(sql, dialect="athena").key == "create"
    assert "> 7" in sql


def test_a_dataset_becomes_a_table_over_its_folder_when_it_is_first_named(world: World) -> None:
    sql = world.prepare("SELECT city FROM Sales")
    [(name, (prefix, columns))] = world.service.tables.items()
    assert (prefix, columns) == ("datasets/acme/c/sales-1/", COLUMNS)
    assert f'"tables"."{name}"' in sql


def test_an_attempt_of_the_run_after_the_first_has_a_table_and_a_statement_of_its_own() -> None:
    first = context(TaskPhase.PREPARE)
    again = replace(first, run_attempt=2)
    assert table_of(again) != table_of(first)
    assert table_of(again) == table_of(replace(again, phase=TaskPhase.COLLECT, attempt=1))


def test_a_table_of_an_earlier_task_is_named_by_its_source_and_read_from_the_catalogue(world: World) -> None:
    earlier = RunTable(RUN_ID, "Earlier", "0123456789ab").name
    sql = world.prepare("SELECT city FROM t", sources={"t": earlier})
    assert f'"tables"."{earlier.lower()}"' in sql
    assert world.service.tables == {}


def test_every_attempt_prepares_the_same_under_one_name(world: World) -> None:
    for _ in range(2):
        world.prepare("SELECT city FROM sales")
    [statement] = world.service.prepared
    assert statement == f"stepcall_{RUN_ID.hex}_{table_of(context(TaskPhase.PREPARE)).mark}"
    world.prepare("SELECT city FROM sales", ref="two")
    assert len(world.service.prepared) == 2


def test_a_statements_name_can_be_the_token_of_its_request(world: World) -> None:
    world.prepare("SELECT city FROM sales")
    [statement] = world.service.prepared
    assert 32 <= len(statement) <= 128


@pytest.mark.parametrize(
    ("query", "more", "reason"),
    [
        ("SELECT city FROM", {}, ErrorReason.INVALID_QUERY),
        ("DROP TABLE sales", {}, ErrorReason.INVALID_QUERY),
        ("SELECT city FROM elsewhere", {}, ErrorReason.INVALID_QUERY),
        ("SELECT city FROM sales WHERE amount > @least", {}, ErrorReason.INVALID_QUERY),
        ("SELECT city FROM t", {"sources": {"t": "tables.other"}}, ErrorReason.INVALID),
        (
            "SELECT city FROM t",
            {"sources": {"t": RunTable(OTHER_RUN, "one", "0123456789ab").name}},
            ErrorReason.ACCESS_DENIED,
        ),
        ("SELECT @text AS t", {"parameters": {"text": "x" * 262_144}}, ErrorReason.RESOURCES_EXCEEDED),
    ],
)
def test_a_query_that_may_not_run_is_refused_before_athena_sees_it(
    world: World, query: str, more: dict[str, Any], reason: ErrorReason
) -> None:
    assert world.refusal(query, **more).reason is reason


def test_a_column_that_is_not_there_is_told_with_its_place_before_athena_sees_it(world: World) -> None:
    refusal = world.refusal("SELECT city,\n  town FROM sales")
    assert refusal.reason is ErrorReason.INVALID_QUERY
    assert refusal.message.endswith("at [2:3]")
    assert "town" in refusal.message


def test_times_are_written_in_utc_for_a_table_holds_no_time_zones(world: World) -> None:
    sql = world.prepare("SELECT city, TIMESTAMP_SECONDS(amount) AS at FROM sales")
    assert """AS SELECT "city", CAST("at" AT TIME ZONE 'UTC' AS TIMESTAMP) AS "at" FROM (SELECT """ in sql
    assert sqlglot.parse_one(sql, dialect="athena").key == "create"


def test_what_athena_refuses_at_once_is_the_authors_fault_and_told_without_its_places(world: World) -> None:
    world.service.refusal = StatementRefusedError("line 1:7: mismatched input 'x' in s3://bucket/k")
    refusal = world.refusal("SELECT city FROM sales")
    assert refusal.reason is ErrorReason.INVALID_QUERY
    assert refusal.message == "Athena refuses the query. mismatched input '…' in"


def test_a_dataset_of_a_type_that_athena_has_not_is_told_of(world: World) -> None:
    world.service.refusal = UnknownTypeError("Athena has no columns of the type TIME.")
    assert "`sales` cannot be read on Athena" in world.refusal("SELECT city FROM sales").message


def test_a_query_that_succeeded_has_its_table_its_columns_and_its_first_rows(world: World) -> None:
    world.service.outcomes["e-1"] = QueryOutcome(succeeded=True)
    output = world.collect(QueryEnd("s_1", "e-1"))
    table = table_of(context(TaskPhase.COLLECT))
    assert (output.table, output.row_count, output.truncated) == (table.name, 1, False)
    assert [(column.name, column.type) for column in output.columns] == list(COLUMNS)
    assert output.rows == [{"city": "Berlin", "amount": 1}]
    assert world.results.read_tables == [table]
    assert world.service.forgotten == ["s_1"]


def test_columns_have_the_names_that_the_query_gives_them_although_athena_keeps_lower_case(world: World) -> None:
    world.service.outcomes["e-1"] = QueryOutcome(succeeded=True)
    output = world.collect(QueryEnd("s_1", "e-1"), "SELECT city AS City, amount FROM sales")
    assert [column.name for column in output.columns] == ["City", "amount"]
    assert output.rows == [{"City": "Berlin", "amount": 1}]


def test_of_a_large_result_the_first_rows_are_shown(world: World) -> None:
    world.results.first = FirstRows([{"city": "Berlin", "amount": 1}], 5_000_000)
    world.service.outcomes["e-1"] = QueryOutcome(succeeded=True)
    output = world.collect(QueryEnd("s_1", "e-1"))
    assert (output.row_count, output.truncated) == (5_000_000, True)


def test_a_query_that_failed_tells_athenas_reason_and_its_statement_is_forgotten(world: World) -> None:
    world.service.outcomes["e-1"] = QueryOutcome(succeeded=False, reason="DIVISION_BY_ZERO: / by zero")
    cause = json.dumps({"QueryExecution": {"QueryExecutionId": "e-1"}})
    with pytest.raises(PermanentTaskError, match="DIVISION_BY_ZERO") as failed:
        world.collect(QueryEnd("s_1", None, "States.TaskFailed", cause))
    assert failed.value.reason is ErrorReason.INVALID_QUERY
    assert world.service.forgotten == ["s_1"]
    assert world.results.read_tables == []


def test_a_query_that_was_never_taken_is_told_of_and_its_statement_forgotten(world: World) -> None:
    with pytest.raises(PermanentTaskError) as failed:
        world.collect(QueryEnd("s_1", None, "Athena.TooManyRequestsException", "Slow down."))
    assert failed.value.reason is ErrorReason.RATE_LIMIT_EXCEEDED
    assert world.service.forgotten == ["s_1"]


def test_a_query_that_ended_well_although_step_functions_says_otherwise_counts_as_it_ended(world: World) -> None:
    world.service.outcomes["e-1"] = QueryOutcome(succeeded=True)
    cause = json.dumps({"QueryExecutionId": "e-1"})
    assert world.collect(QueryEnd("s_1", None, "States.TaskFailed", cause)).row_count == 1
