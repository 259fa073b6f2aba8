"""A database in memory that can read the files it was given, write one, and change none of this.

It is opened before it is needed, which takes 10 ms, and locked with the first request: no second one is served.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from run_sql_task.engine.column_types import quote
from run_sql_task.engine.limits import Limits

NOWHERE = "/nonexistent"


def open_database(limits: Limits) -> duckdb.DuckDBPyConnection:
    """Empty, and open to everything until it is locked."""
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{limits.buffers}B",
            "threads": limits.threads,
            "max_temp_directory_size": f"{limits.spilled}B",
            # nothing is ever downloaded or loaded, and there is nothing to find
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "extension_directory": NOWHERE,
            "secret_directory": NOWHERE,
            # a name in a query is never a variable of this program's
            "python_enable_replacements": False,
            "python_scan_all_frames": False,
        },
    )


def lock_database(
    database: duckdb.DuckDBPyConnection, scratch: Path, tables: Mapping[str, Sequence[str]], files: Sequence[str] = ()
) -> None:
    """`tables` are views over Parquet files, by name; `files` may be read and written besides."""
    database.execute("SET TimeZone = 'UTC'")
    database.execute(f"SET temp_directory = {literal(str(scratch / 'spilled'))}")
    for name, paths in tables.items():
        reader = f"read_parquet({literal(list(paths))})"
        database.execute(f"CREATE VIEW {quote(name)} AS SELECT * FROM {reader}")  # noqa: S608 (quoted)
    allowed = [*files, *(path for paths in tables.values() for path in paths)]
    database.execute(f"SET allowed_paths = {literal(allowed)}")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def literal(value: str | Sequence[str]) -> str:
    """Text, or a list of texts, as SQL says it."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"[{', '.join(map(literal, value))}]"
