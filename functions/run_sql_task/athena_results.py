"""What Athena has written: its first rows, and an object where it wrote none."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from sqlglot import exp

from run_sql_task.engine.column_types import quote
from run_sql_task.engine.limits import MEGABYTE
from run_sql_task.engines import RESULT_FILE, EngineQuery, EngineRefusedError, Engines, EnginesBusyError, WrittenResult
from run_sql_task.scratch import scratch_folder
from stepcall.aws.tables import TableObject, TableObjects
from stepcall.domain.connection import Column
from stepcall.domain.errors import ErrorReason, RetryableTaskError
from stepcall.domain.run_table import RunTable
from stepcall.domain.task_contract import TaskContext
from stepcall.tasks.sql import MAX_SHOWN_BYTES, MAX_SHOWN_ROWS

MAX_READ_BYTES = 64 * MEGABYTE
"""Of a result's objects. Of a larger one as many are read as this holds: their rows are the first ones then."""
STAND_IN = "written"
EVERYTHING = "SELECT * FROM written"
COUNT = "SELECT COUNT(*) AS n FROM written"


class FirstRows(NamedTuple):
    """Of a table, and how many it has."""

    rows: Sequence[dict[str, Any]]
    row_count: int


class AthenaResults:
    def __init__(
        self,
        engines: Engines,
        objects: TableObjects,
        scratch_root: Path | None = None,
        max_read_bytes: int = MAX_READ_BYTES,
    ) -> None:
        self._engines = engines
        self._objects = objects
        self._scratch_root = scratch_root
        self._max_read_bytes = max_read_bytes

    def read(self, table: RunTable, columns: Sequence[Column], context: TaskContext) -> FirstRows:
        """Raises RetryableTaskError."""
        found = self._objects.list(table.prefix)
        read = _within(found, self._max_read_bytes)
        try:
            with scratch_folder(self._scratch_root) as scratch:
                if not found:
                    self._store_empty(table, columns, scratch, context)
                    return FirstRows([], 0)
                written = self._select(read, scratch, context) if read else None
            if written and len(read) == len(found):
                return FirstRows(written.rows, written.row_count)
            with scratch_folder(self._scratch_root) as scratch:
                return FirstRows(written.rows if written else [], self._count(found, scratch, context))
        except (EnginesBusyError, EngineRefusedError) as exc:
            # Athena has written the table: what is wrong is the reading of it
            raise RetryableTaskError(ErrorReason.BACKEND_ERROR, f"The result could not be read. {exc}") from exc

    def _select(self, read: Sequence[TableObject], scratch: Path, context: TaskContext) -> WrittenResult:
        files = [scratch / f"part-{number}" for number in range(len(read))]
        for each, path in zip(read, files, strict=True):
            self._objects.fetch(each.key, path, each.size)
        return self._write(EngineQuery(EVERYTHING, {STAND_IN: files}, {}), scratch, context)

    def _count(self, found: Sequence[TableObject], scratch: Path, context: TaskContext) -> int:
        """By the objects' footers, which say how many rows each has: what is between is not read."""
        files = [scratch / f"footer-{number}" for number in range(len(found))]
        for each, path in zip(found, files, strict=True):
            self._objects.fetch_footer(each, path)
        return int(self._write(EngineQuery(COUNT, {STAND_IN: files}, {}), scratch, context).rows[0]["n"])

    def _store_empty(self, table: RunTable, columns: Sequence[Column], scratch: Path, context: TaskContext) -> None:
        """Every table has an object, which tells its columns: who reads it need not ask a catalogue."""
        shown = ", ".join(f"CAST(NULL AS {duckdb_type(column.type)}) AS {quote(column.name)}" for column in columns)
        self._write(EngineQuery(f"SELECT {shown} LIMIT 0", {}, {}), scratch, context)
        self._objects.store(scratch / RESULT_FILE, table.key)

    def _write(self, query: EngineQuery, scratch: Path, context: TaskContext) -> WrittenResult:
        seconds = context.remaining_seconds()
        return self._engines.write_result(query, scratch, seconds, max_rows=MAX_SHOWN_ROWS, max_bytes=MAX_SHOWN_BYTES)


def _within(found: Sequence[TableObject], max_bytes: int) -> list[TableObject]:
    """The first objects, as many as may be read."""
    sizes = accumulate(each.size for each in found)
    return [each for each, size in zip(found, sizes, strict=True) if size <= max_bytes]


def duckdb_type(bigquery: str) -> str:
    """DuckDB's word for a type of BigQuery's."""
    return exp.DataType.build(bigquery, dialect="bigquery").sql("duckdb")
