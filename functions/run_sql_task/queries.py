"""`Sql.Query` on DuckDB: the tables it names are fetched, the result is stored as a table of the run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from run_sql_task.engines import RESULT_FILE, EngineRefusedError, Engines, EnginesBusyError, WrittenResult
from run_sql_task.named_tables import find_tables
from run_sql_task.scratch import scratch_folder
from run_sql_task.table_files import TableGoneError, TablesTooLargeError, fetch_query
from stepcall.aws.tables import TableObjects
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run_table import RunTable, new_run_table
from stepcall.domain.task_contract import TaskContext
from stepcall.sql.faults import SqlError
from stepcall.sql.statement import Select, read_select
from stepcall.stores.connection_store import ConnectionStore
from stepcall.tasks.sql import MAX_SHOWN_BYTES, MAX_SHOWN_ROWS, QueryColumn, QueryInput, QueryOutput

STORE_SECONDS = 30
"""Kept back for storing the result."""


class Queries:
    def __init__(
        self,
        engines: Engines,
        objects: TableObjects,
        connections: ConnectionStore,
        new_id: Callable[[], UUID],
        scratch_root: Path | None = None,
    ) -> None:
        self._engines = engines
        self._objects = objects
        self._connections = connections
        self._new_id = new_id
        self._scratch_root = scratch_root

    def run(self, given: QueryInput, context: TaskContext) -> QueryOutput:
        """A TaskImplementation."""
        with _errors_of_the_task(), scratch_folder(self._scratch_root) as scratch:
            written = self._write(given, context, scratch)
            table = new_run_table(context.run_id, context.ref, self._new_id())
            self._objects.store(scratch / RESULT_FILE, table.key)
        return _output(table, written)

    def _write(self, given: QueryInput, context: TaskContext, scratch: Path) -> WrittenResult:
        select = read_select(given.query)
        values = bind(select, given.parameters)
        fetched = fetch_query(select, values, lambda: self._prefixes(select, given, context), self._objects, scratch)
        return self._engines.write_result(
            fetched.query,
            scratch,
            context.remaining_seconds() - STORE_SECONDS,
            max_rows=MAX_SHOWN_ROWS,
            max_bytes=MAX_SHOWN_BYTES,
        )

    def _prefixes(self, select: Select, given: QueryInput, context: TaskContext) -> dict[str, str]:
        tables = find_tables(select, given.sources, context, self._connections)
        return {name: table.prefix if isinstance(table, RunTable) else table.key for name, table in tables.items()}


@contextmanager
def _errors_of_the_task() -> Iterator[None]:
    try:
        yield
    except SqlError as exc:
        raise PermanentTaskError(ErrorReason.INVALID_QUERY, str(exc)) from exc
    except TableGoneError as exc:
        raise PermanentTaskError(ErrorReason.NOT_FOUND, str(exc)) from exc
    except TablesTooLargeError as exc:
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, str(exc)) from exc
    except EngineRefusedError as exc:
        raise PermanentTaskError(exc.reason, exc.message) from exc
    except EnginesBusyError as exc:
        raise RetryableTaskError(ErrorReason.TIMEOUT, str(exc)) from exc


def bind(select: Select, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the query uses. Raises PermanentTaskError."""
    if select.positional:
        message = "Query error: `?` has no name: say @name, and give its value in `parameters`."
        raise PermanentTaskError(ErrorReason.INVALID_QUERY, message)
    if missing := next((name for name in select.parameters if name not in parameters), None):
        message = f"Query error: Query parameter '{missing}' not found in `parameters`."
        raise PermanentTaskError(ErrorReason.INVALID_QUERY, message)
    return {name: parameters[name] for name in select.parameters}


def _output(table: RunTable, written: WrittenResult) -> QueryOutput:
    return QueryOutput(
        table=table.name,
        row_count=written.row_count,
        columns=[QueryColumn(name=column.name, type=column.type) for column in written.columns],
        rows=list(written.rows),
        truncated=written.truncated,
    )
