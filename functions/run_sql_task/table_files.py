"""Tables of the bucket as files of a scratch folder, for the query that names them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from run_sql_task.engine.limits import MEGABYTE
from run_sql_task.engines import EngineQuery
from stepcall.aws.tables import ObjectGoneError, TableObject, TableObjects
from stepcall.domain.errors import StepcallError, shorten
from stepcall.sql.statement import Select
from stepcall.sql.transpile import to_duckdb

MAX_SOURCE_BYTES = 1536 * MEGABYTE
"""Of all tables of a query together: besides them, what DuckDB spills and the result need their place on disk."""
STAND_IN = "\x01t{}"


class TableGoneError(StepcallError):
    """A table has no objects: what tasks write is kept 30 days, and a dataset may have been deleted."""


class TablesTooLargeError(StepcallError):
    """What a query names does not fit on disk."""


class TableFiles(NamedTuple):
    """The files of each table, by its name in the query, and how many bytes they have together."""

    files: dict[str, list[Path]]
    size: int


class FetchedQuery(NamedTuple):
    """A query that the engine can run, its tables in the order of their names, and how many bytes they have."""

    query: EngineQuery
    size: int


def fetch_query(
    select: Select,
    values: Mapping[str, Any] | Sequence[Any],
    find_prefixes: Callable[[], Mapping[str, str]],
    objects: TableObjects,
    scratch: Path,
) -> FetchedQuery:
    """Write the query for the engine, and fetch what it names. A query that cannot be written looks nothing up.

    Raises SqlError, what `find_prefixes` raises, and as `fetch_tables`.
    """
    # what no query can call a table of its own
    stand_ins = {name: STAND_IN.format(number) for number, name in enumerate(select.tables)}
    statement = to_duckdb(select, stand_ins)
    files, size = fetch_tables(find_prefixes(), objects, scratch)
    tables = {stand_ins[name]: paths for name, paths in files.items()}
    return FetchedQuery(EngineQuery(statement, tables, values), size)


def fetch_tables(prefixes: Mapping[str, str], objects: TableObjects, scratch: Path) -> TableFiles:
    """Fetch the tables, each by name with how the keys of its objects begin.

    Raises TableGoneError, TablesTooLargeError.
    """
    found = {name: _objects_of(name, prefix, objects) for name, prefix in prefixes.items()}
    size = sum(each.size for table in found.values() for each in table)
    if size > MAX_SOURCE_BYTES:
        raise TablesTooLargeError(
            f"The tables of the query have {size / MEGABYTE:,.0f} MB together; {MAX_SOURCE_BYTES // MEGABYTE:,} is the "
            "most. Use a connection whose engine is athena."
        )
    files = {
        name: [
            _fetch(each, scratch / f"table-{number}-{part}.parquet", name, objects) for part, each in enumerate(table)
        ]
        for number, (name, table) in enumerate(found.items())
    }
    return TableFiles(files, size)


def _objects_of(name: str, prefix: str, objects: TableObjects) -> list[TableObject]:
    found = objects.list(prefix)
    if not found:
        raise _gone(name)
    return found


def _fetch(found: TableObject, path: Path, name: str, objects: TableObjects) -> Path:
    try:
        objects.fetch(found.key, path, found.size)
    except ObjectGoneError as exc:
        raise _gone(name) from exc
    return path


def _gone(name: str) -> TableGoneError:
    return TableGoneError(f"The table `{shorten(name)}` is not there any more: results are kept 30 days.")
