"""`Sql.Query` on Athena, in two invocations: a statement is prepared for it to execute, and its result recorded.

The names follow from the run and the task, so both invocations know them, and another attempt makes nothing twice.
Values stand in the statement as literals: neither they nor the SQL appear in what Step Functions keeps.
"""

import hashlib
from collections.abc import Sequence

from sqlglot import exp

from run_sql_task.athena_failures import clean, execution_in, failure_of, failure_to_start
from run_sql_task.athena_results import AthenaResults
from run_sql_task.athena_tables import catalogued
from run_sql_task.named_tables import find_tables
from run_sql_task.queries import bind
from stepcall.domain.connection import Column, Dataset
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.ids import spell_execution_name
from stepcall.domain.run_table import MARK_LENGTH, RunTable
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.task_phases import PreparedQuery, QueryEnd, TaskPhase
from stepcall.sql.columns import infer_columns
from stepcall.sql.faults import SqlError
from stepcall.sql.statement import read_select
from stepcall.sql.transpile import to_athena
from stepcall.stores.connection_store import ConnectionStore
from stepcall.tasks.sql import QueryColumn, QueryInput, QueryOutput
from stepcall.use_cases.query_service import QueryService, StatementRefusedError

STATEMENT_PREFIX = "stepcall_"
TIMES = frozenset({"TIMESTAMP", "DATETIME"})
MAX_STATEMENT_BYTES = 262_144
"""Of a query string. Source: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html."""


class AthenaQueries:
    def __init__(self, service: QueryService, results: AthenaResults, connections: ConnectionStore) -> None:
        self._service = service
        self._results = results
        self._connections = connections

    def run(self, given: QueryInput, context: TaskContext) -> QueryOutput | PreparedQuery:
        """A TaskImplementation for the two phases."""
        if context.phase is TaskPhase.PREPARE:
            return self._prepare(given, context)
        if context.query is None:
            raise ValueError("The machine does not say what came of the query.")
        return self._collect(given, context.query, context)

    def _prepare(self, given: QueryInput, context: TaskContext) -> PreparedQuery:
        table = table_of(context)
        sql = self._create_table(table, self._rewrite(given, context))
        statement = f"{STATEMENT_PREFIX}{table.run_id.hex}_{table.mark}"
        try:
            self._service.prepare(statement, sql)
        except StatementRefusedError as exc:
            raise PermanentTaskError(ErrorReason.INVALID_QUERY, f"Athena refuses the query. {clean(str(exc))}") from exc
        return PreparedQuery(statement)

    def _rewrite(self, given: QueryInput, context: TaskContext) -> str:
        """The query in Athena's dialect, over the tables of its catalogue."""
        try:
            select = read_select(given.query)
            parameters = bind(select, given.parameters)
            tables = find_tables(select, given.sources, context, self._connections)
            columns = infer_columns(select, {name: self._columns_of(table) for name, table in tables.items()}, {})
            return without_time_zones(to_athena(select, catalogued(tables, self._service), parameters), columns)
        except SqlError as exc:
            raise PermanentTaskError(ErrorReason.INVALID_QUERY, str(exc)) from exc

    def _columns_of(self, table: RunTable | Dataset) -> Sequence[Column]:
        return self._service.columns_of(table.name) if isinstance(table, RunTable) else table.columns

    def _create_table(self, table: RunTable, select: str) -> str:
        sql = (
            f"CREATE TABLE {self._service.qualified(table.name)} "
            f"WITH (format = 'PARQUET', external_location = '{self._service.location(table.prefix)}') AS {select}"
        )
        if (size := len(sql.encode())) > MAX_STATEMENT_BYTES:
            message = (
                f"The query has {size:,} bytes with its values in it; Athena takes {MAX_STATEMENT_BYTES:,}. "
                "Hand large values over as a dataset."
            )
            raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)
        return sql

    def _collect(self, given: QueryInput, end: QueryEnd, context: TaskContext) -> QueryOutput:
        execution_id = end.execution_id or execution_in(end.cause)
        outcome = self._service.outcome(execution_id) if execution_id else None
        # whatever came of it, the statement is not executed again
        self._service.forget(end.statement)
        if outcome is None:
            raise failure_to_start(end)
        if not outcome.succeeded:
            raise failure_of(outcome)
        return self._output(given, context)

    def _output(self, given: QueryInput, context: TaskContext) -> QueryOutput:
        table, names = table_of(context), names_of(given.query)
        columns = self._service.columns_of(table.name)
        first = self._results.read(table, columns, context)
        return QueryOutput(
            table=table.name,
            row_count=first.row_count,
            columns=[QueryColumn(name=names.get(column.name, column.name), type=column.type) for column in columns],
            rows=[{names.get(name, name): value for name, value in row.items()} for row in first.rows],
            truncated=len(first.rows) < first.row_count,
        )


def names_of(query: str) -> dict[str, str]:
    """The columns of a result as the query writes them, by their names in lower case: Athena keeps no other."""
    select = read_select(query)
    columns = infer_columns(select, dict.fromkeys(select.tables), {})
    return {column.name.lower(): column.name for column in columns or ()}


def without_time_zones(sql: str, columns: Sequence[Column] | None) -> str:
    """A table of Hive's holds no time zones: what BigQuery calls a TIMESTAMP is written in UTC.

    A DATETIME too, which may have one in Trino; what has none is taken for UTC, in which Athena works.
    """
    if not any(column.type in TIMES for column in columns or ()):
        return sql
    names = ((exp.to_identifier(column.name, quoted=True).sql("trino"), column.type) for column in columns or ())
    shown = (
        f"CAST({name} AT TIME ZONE 'UTC' AS TIMESTAMP) AS {name}" if kind in TIMES else name for name, kind in names
    )
    return f"SELECT {', '.join(shown)} FROM ({sql})"  # noqa: S608 - of parts that were written by sqlglot


def table_of(context: TaskContext) -> RunTable:
    """The task's table: the same for every attempt at it within one execution, of which one at most is executed."""
    execution = spell_execution_name(context.run_id, context.run_attempt)
    mark = hashlib.sha256(f"{execution}/{context.ref}".encode()).hexdigest()[:MARK_LENGTH]
    return RunTable(context.run_id, context.ref, mark)
