"""Tables of the bucket as files of a scratch folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from run_sql_task.engine.limits import MEGABYTE
from stepcall.aws.tables import ObjectGoneError, TableObject, TableObjects
from stepcall.domain.errors import StepcallError, shorten

MAX_SOURCE_BYTES = 1536 * MEGABYTE
"""Of all tables of a query together: besides them, what DuckDB spills and the result need their place on disk."""
STAND_IN = "\x01t{}"
"""What no query can call a table of its own."""


class TableGoneError(StepcallError):
    """A table has no objects: what tasks write is kept 30 days, and a dataset may have been deleted."""


class TablesTooLargeError(StepcallError):
    """What a query names does not fit on disk."""


class TableFiles(NamedTuple):
    """The files of each table, by its name in the query, and how many bytes they have together."""

    files: dict[str, list[Path]]
    size: int


def stand_ins_for(names: Sequence[str]) -> dict[str, str]:
    """What the engine calls the tables."""
    return {name: STAND_IN.format(number) for number, name in enumerate(names)}


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
