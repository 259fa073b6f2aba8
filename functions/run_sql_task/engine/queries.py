"""What is done with a SELECT: its result written as Parquet, or read as rows."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from run_sql_task.engine.column_types import ColumnType, column_type, quote, say
from run_sql_task.engine.database import literal, lock_database
from run_sql_task.engine.faults import RefusedError, invalid_query
from run_sql_task.engine.statement import check_statement
from stepcall.domain.errors import ErrorReason, list_names

RESULT = "\x01result"
"""What no query can call a table."""
RESULT_FILE = "result.parquet"
FETCHED = 100
Parameters = Mapping[str, Any] | Sequence[Any]
Columns = dict[str, ColumnType]


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT in DuckDB's dialect, the Parquet files of each table it names, and values for its parameters."""

    statement: str
    tables: Mapping[str, Sequence[str]]
    parameters: Parameters


def write_result(
    database: duckdb.DuckDBPyConnection, scratch: Path, *, query: Query, max_rows: int, max_bytes: int
) -> dict[str, Any]:
    """Writes `result.parquet`. `{row_count, columns, rows, truncated}`: the first rows, as far as both limits hold."""
    path = str(scratch / RESULT_FILE)
    lock_database(database, scratch, query.tables, [path])
    check_statement(database, query.statement, query.tables)
    columns = columns_of(database, query)
    row_count = _write_parquet(database, query, columns, path)
    first = Query(f"SELECT * FROM read_parquet({literal(path)}) LIMIT {max_rows}", {}, ())  # noqa: S608 (all ours)
    rows = list(_within(read_rows(database, first, columns), max_bytes))
    return {
        "row_count": row_count,
        "columns": words_of(columns),
        "rows": [json.loads(row) for row in rows],
        "truncated": len(rows) < row_count,
    }


def select_rows(database: duckdb.DuckDBPyConnection, scratch: Path, *, query: Query, max_bytes: int) -> dict[str, Any]:
    """`{rows, columns}`. Raises RefusedError with `quotaExceeded` when the rows have more bytes of JSON."""
    lock_database(database, scratch, query.tables)
    check_statement(database, query.statement, query.tables)
    columns = columns_of(database, query)
    rows, size = [], 0
    for row in read_rows(database, query, columns):
        size += len(row.encode()) + 1
        if size > max_bytes:
            raise RefusedError(ErrorReason.QUOTA_EXCEEDED, f"The rows have more than {max_bytes:,} bytes of JSON.")
        rows.append(json.loads(row))
    return {"rows": rows, "columns": words_of(columns)}


def columns_of(database: duckdb.DuckDBPyConnection, query: Query) -> Columns:
    """The columns of its result, without running it. Raises RefusedError when two have one name."""
    values = query.parameters or None
    names = [row[0] for row in database.execute(f"DESCRIBE {query.statement}", values).fetchall()]
    if twice := [name for name, times in Counter(name.lower() for name in names).items() if times > 1]:
        raise invalid_query(f"Duplicate column names in the result are not supported. Twice: {list_names(twice)}")
    typed = database.execute(f"SELECT * FROM {_inner(query)} LIMIT 0", values).description or []  # noqa: S608 (checked)
    return {name: column_type(kind) for name, kind, *_ in typed}


def _write_parquet(database: duckdb.DuckDBPyConnection, query: Query, columns: Columns, path: str) -> int:
    """How many rows were written."""
    kept = f"SELECT {_cast(columns, 'kept')} FROM {_inner(query)}"  # noqa: S608 (checked)
    copy = f"COPY ({kept}) TO {literal(path)} (FORMAT parquet)"
    written = database.execute(copy, query.parameters or None).fetchone()
    return int(written[0]) if written else 0


def read_rows(database: duckdb.DuckDBPyConnection, query: Query, columns: Columns) -> Iterator[str]:
    """Each row as JSON text."""
    shown = f"SELECT {_cast(columns, 'shown')} FROM {_inner(query)}"  # noqa: S608 (checked)
    result = database.execute(shown, query.parameters or None)
    while values := result.fetchmany(FETCHED):
        for row in values:
            said = {name: say(kind, value) for (name, kind), value in zip(columns.items(), row, strict=True)}
            yield json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def words_of(columns: Columns) -> list[tuple[str, str]]:
    return [(name, kind.word) for name, kind in columns.items()]


def _inner(query: Query) -> str:
    """The statement where a table may stand; it may end with a comment."""
    return f"(\n{query.statement}\n) AS {quote(RESULT)}"


def _cast(columns: Columns, to: str) -> str:
    """A select list that makes every column the type it is kept or shown as."""
    return ", ".join(f"CAST({quote(name)} AS {getattr(kind, to)}) AS {quote(name)}" for name, kind in columns.items())


def _within(rows: Iterator[str], max_bytes: int) -> Iterator[str]:
    size = 0
    for row in rows:
        size += len(row.encode()) + 1
        if size > max_bytes:
            return
        yield row
