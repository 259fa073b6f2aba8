"""A stand-in for Athena's engine: one CREATE TABLE … AS SELECT, done by DuckDB over the objects of moto's bucket.

It refuses what Athena is documented to refuse of such a statement. It is no proof that Athena takes the statement:
docs/decisions/2026-11-21-athena.md says what is none.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import duckdb
import sqlglot
from sqlglot import exp

HIVE_TYPES = {
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "BLOB": "binary",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}
TRINO_HAS_NO_HUGEINT = {"HUGEINT": "BIGINT"}  # DuckDB adds whole numbers up to one; Trino stays with bigint


class QueryFailedError(Exception):
    """The reason is text as Athena words it."""


class CatalogTable(NamedTuple):
    """A table of Glue: `columns` are (name, Hive type)."""

    location: str
    columns: tuple[tuple[str, str], ...]


class Storage(Protocol):
    """Glue's tables and S3's objects, as the engine needs them."""

    def table(self, database: str, name: str) -> CatalogTable | None: ...

    def put_table(self, database: str, name: str, table: CatalogTable) -> None: ...

    def objects(self, location: str) -> list[bytes]:
        """What lies below an `s3://…/`."""

    def put_object(self, location: str, name: str, content: bytes) -> None: ...


class CreateTableAs(NamedTuple):
    database: str
    table: str
    location: str
    select: exp.Query


def create_table_as(sql: str, storage: Storage, started: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
    """Run one statement. `started` gets the connection that works on it. Raises QueryFailedError."""
    statement = _read(sql)
    if storage.table(statement.database, statement.table):
        raise QueryFailedError(f"TABLE_ALREADY_EXISTS: line 1:1: Destination table '{statement.table}' already exists")
    if storage.objects(statement.location):
        raise QueryFailedError(f"HIVE_PATH_ALREADY_EXISTS: Target directory already exists: {statement.location}")
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        started(connection)
        try:
            created = _work(connection, statement, storage, Path(folder))
        except duckdb.Error as exc:
            raise QueryFailedError(_reason(exc)) from exc
    storage.put_table(statement.database, statement.table, created)


def _read(sql: str) -> CreateTableAs:
    tree = sqlglot.parse_one(sql, dialect="athena")
    properties = {p.name: p.text("value") for p in tree.find_all(exp.Property) if type(p) is exp.Property}
    return CreateTableAs(tree.this.db.lower(), tree.this.name.lower(), properties["external_location"], tree.expression)


def _work(
    connection: duckdb.DuckDBPyConnection, statement: CreateTableAs, storage: Storage, folder: Path
) -> CatalogTable:
    connection.execute("SET TimeZone = 'UTC'")  # as Athena's is
    _place_tables(connection, statement.select, storage, folder)
    if unknown := [column.alias for column in statement.select.selects if isinstance(column.unalias(), exp.Null)]:
        raise QueryFailedError(f"NOT_SUPPORTED: line 1:1: Column type is unknown: {unknown[0]}")
    connection.execute(f"CREATE TABLE result AS {statement.select.sql('duckdb')}")
    described = connection.execute("DESCRIBE result").fetchall()
    columns = {name: TRINO_HAS_NO_HUGEINT.get(kind, kind) for name, kind, *_ in described}
    types = tuple((name.lower(), _hive_type(kind)) for name, kind in columns.items())
    [(row_count,)] = connection.execute("SELECT count(*) FROM result").fetchall()
    if row_count:
        target = folder / "result"
        shown = ", ".join(f'CAST("{name}" AS {kind}) AS "{name.lower()}"' for name, kind in columns.items())
        connection.execute(f"COPY (SELECT {shown} FROM result) TO '{target}' (FORMAT parquet)")  # noqa: S608
        # Athena's objects have no ending
        storage.put_object(statement.location, f"20261121_000000_00000_{uuid4()}", target.read_bytes())
    return CatalogTable(statement.location, types)


def _place_tables(connection: duckdb.DuckDBPyConnection, select: exp.Expr, storage: Storage, folder: Path) -> None:
    """Every table that the query names, as a view over its objects."""
    for number, named in enumerate(list(select.find_all(exp.Table))):
        if not named.db:
            continue  # of its own WITH
        table = storage.table(named.db.lower(), named.name.lower())
        if table is None:
            missing = f"awsdatacatalog.{named.db}.{named.name}"
            raise QueryFailedError(f"TABLE_NOT_FOUND: line 1:1: Table '{missing}' does not exist")
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{named.db.lower()}"')
        files = _download(storage.objects(table.location), folder / str(number))
        view = f'CREATE OR REPLACE VIEW "{named.db.lower()}"."{named.name.lower()}" AS {_reader(table, files)}'
        connection.execute(view)


def _download(contents: list[bytes], folder: Path) -> list[str]:
    folder.mkdir()
    paths = [folder / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def _reader(table: CatalogTable, files: list[str]) -> str:
    """The columns as the catalogue has them: Athena reads by its schema."""
    if not files:
        columns = ", ".join(f'CAST(NULL AS {_duckdb_type(kind)}) AS "{name}"' for name, kind in table.columns)
        return f"SELECT {columns} WHERE false"
    columns = ", ".join(f'CAST("{name}" AS {_duckdb_type(kind)}) AS "{name}"' for name, kind in table.columns)
    return f"SELECT {columns} FROM read_parquet({files!r})"  # noqa: S608 - names are the catalogue's


def _duckdb_type(hive: str) -> str:
    parsed = sqlglot.parse_one(f"CAST(a AS {hive})", dialect="hive")
    return str(parsed.args["to"].sql("duckdb"))


def _hive_type(kind: str) -> str:
    """Raises QueryFailedError for what a table of Hive cannot hold."""
    if kind in HIVE_TYPES:
        return HIVE_TYPES[kind]
    if kind.startswith("DECIMAL"):
        return kind.lower()
    if kind.endswith("[]"):
        return f"array<{_hive_type(kind.removesuffix('[]'))}>"
    if kind.startswith("STRUCT"):
        parsed: Any = sqlglot.parse_one(f"CAST(a AS {kind})", dialect="duckdb")
        fields = ((field.name, field.args["kind"].sql("duckdb")) for field in parsed.args["to"].expressions)
        return f"struct<{','.join(f'{name}:{_hive_type(of)}' for name, of in fields)}>"
    raise QueryFailedError(f"NOT_SUPPORTED: Unsupported Hive type: {kind.lower()}")


REASONS: Mapping[type[Exception], str] = {
    duckdb.ConversionException: "INVALID_CAST_ARGUMENT",
    duckdb.OutOfRangeException: "NUMERIC_VALUE_OUT_OF_RANGE",
    duckdb.BinderException: "SYNTAX_ERROR",
    duckdb.CatalogException: "SYNTAX_ERROR",
    duckdb.ParserException: "SYNTAX_ERROR",
    duckdb.InterruptException: "USER_CANCELED",
}


def _reason(exc: duckdb.Error) -> str:
    name = next((word for kind, word in REASONS.items() if isinstance(exc, kind)), "GENERIC_INTERNAL_ERROR")
    return f"{name}: line 1:1: {str(exc).partition(chr(10))[0]}"
