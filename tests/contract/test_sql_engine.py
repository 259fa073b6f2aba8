"""The engine under SQL tasks: what it reads and writes, how types and values come out, and that its lock holds.

The statements are DuckDB's own here, so nothing has looked at them before.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from run_sql_task.engine.database import lock_database, open_database
from run_sql_task.engine.faults import RefusedError, describe, refusal_of
from run_sql_task.engine.imports import import_file
from run_sql_task.engine.limits import limits_for
from run_sql_task.engine.queries import Query, select_rows, write_result
from run_sql_task.engine.text_files import PIECE_BYTES
from stepcall.domain.errors import ErrorReason

LIMITS = limits_for(1769)


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = open_database(LIMITS)
    yield opened
    opened.close()


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    """Five stores, as Parquet."""
    path = tmp_path / "stores.parquet"
    hull, york = "('Hull', 'Supermarket', 3.5), ('Hull', 'Kiosk', 1)", "('York', 'Kiosk', 2), ('York', NULL, 4)"
    rows = f"{hull}, {york}, ('Ely', 'Bakery', 9)"
    with duckdb.connect() as maker:
        maker.execute(f"COPY (FROM (VALUES {rows}) AS s(city, kind, size)) TO '{path}' (FORMAT parquet)")
    return path


def ask(database: duckdb.DuckDBPyConnection, scratch: Path, statement: str, **more: Any) -> dict[str, Any]:
    query = Query(statement, more.get("tables", {}), more.get("parameters", {}))
    limits = {"max_rows": more.get("max_rows", 1000), "max_bytes": more.get("max_bytes", 2**20)}
    return write_result(database, scratch, query=query, **limits)


def refusal(database: duckdb.DuckDBPyConnection, scratch: Path, statement: str, **more: Any) -> RefusedError:
    try:
        ask(database, scratch, statement, **more)
    except RefusedError as error:
        return error
    except duckdb.Error as error:
        return refusal_of(error, LIMITS.memory)
    pytest.fail("it was not refused")


def test_a_query_reads_its_tables_and_writes_its_result(
    database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path
) -> None:
    statement = "SELECT city, count(*) AS n, sum(size) AS size FROM s WHERE kind <> $kind GROUP BY city ORDER BY city"
    answer = ask(database, tmp_path, statement, tables={"s": [str(stores)]}, parameters={"kind": "Bakery"})
    assert answer == {
        "row_count": 2,
        "columns": [("city", "STRING"), ("n", "INT64"), ("size", "NUMERIC")],
        "rows": [{"city": "Hull", "n": 2, "size": 4.5}, {"city": "York", "n": 1, "size": 2}],
        "truncated": False,
    }
    with duckdb.connect() as reader:
        written = reader.execute(f"FROM '{tmp_path}/result.parquet'").fetchall()
    assert [row[:2] for row in written] == [("Hull", 2), ("York", 1)]


def test_a_table_of_several_files_is_one_table(
    database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path
) -> None:
    answer = ask(database, tmp_path, "SELECT count(*) AS n FROM s", tables={"s": [str(stores), str(stores)]})
    assert answer["rows"] == [{"n": 10}]


@pytest.mark.parametrize(
    ("expression", "word", "value"),
    [
        ("1", "INT64", 1),
        ("9007199254740993", "INT64", 9007199254740993),
        ("sum(2)", "INT64", 2),
        ("1::utinyint", "INT64", 1),
        ("1.5::float", "FLOAT64", 1.5),
        ("'nan'::double", "FLOAT64", "NaN"),
        ("'-inf'::double", "FLOAT64", "-Infinity"),
        ("1.50::decimal(10,2)", "NUMERIC", 1.5),
        ("3::decimal(38,20)", "BIGNUMERIC", 3),
        ("'it''s ü'", "STRING", "it's ü"),
        ("true", "BOOL", True),
        ("NULL::varchar", "STRING", None),
        ("date '2024-02-29'", "DATE", "2024-02-29"),
        ("time '01:02:03.5'", "TIME", "01:02:03.5"),
        ("timestamp '2024-02-29 01:02:03.5'", "DATETIME", "2024-02-29T01:02:03.5"),
        ("timestamptz '2024-02-29 01:02:03+02'", "TIMESTAMP", "2024-02-28T23:02:03Z"),
        ("timestamptz 'infinity'", "TIMESTAMP", "infinity"),
        ("interval 1 day", "INTERVAL", "1 day"),
        ("'\\xAA\\x00'::blob", "BYTES", "qgA="),
        ("'{\"a\": [1, null]}'::json", "JSON", {"a": [1, None]}),
        (f"'{'[' * 300}{']' * 300}'::json", "JSON", "[" * 300 + "]" * 300),
        (f"'{'[' * 100}{']' * 100}'::json", "JSON", json.loads("[" * 100 + "]" * 100)),
        ("'1e999'::json", "JSON", "1e999"),
        ("'e'::enum('e')", "STRING", "e"),
        ("[1, NULL]", "ARRAY<INT64>", [1, None]),
        ("[timestamp '2024-02-29 00:00:00']", "ARRAY<DATETIME>", ["2024-02-29T00:00:00"]),
        ("{'a \"b': 1::hugeint, 'c': [1.5::double]}", 'STRUCT<a "b INT64, c ARRAY<FLOAT64>>', {'a "b': 1, "c": [1.5]}),
        ("map {'k': 1}", "ARRAY<STRUCT<key STRING, value INT64>>", [{"key": "k", "value": 1}]),
        (
            "map {date '2024-01-01': 'x'}",
            "ARRAY<STRUCT<key DATE, value STRING>>",
            [{"key": "2024-01-01", "value": "x"}],
        ),
        ("map {[1]: 1}", "ARRAY<STRUCT<key ARRAY<INT64>, value INT64>>", "{[1]=1}"),
        ("row(1, 2)", "STRING", "(1, 2)"),
        ("uuid '00000000-0000-7000-8000-000000000001'", "STRING", "00000000-0000-7000-8000-000000000001"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_has_bigquerys_type_and_a_json_value(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, expression: str, word: str, value: object
) -> None:
    answer = ask(database, tmp_path, f"SELECT {expression} AS v")
    assert (answer["columns"], answer["rows"]) == ([("v", word)], [{"v": value}])
    # and another task that reads the table finds the same
    with duckdb.connect() as _:
        again = open_database(LIMITS)
        copy = tmp_path / "again"
        copy.mkdir()
        result = str(tmp_path / "result.parquet")
        assert ask(again, copy, "FROM t", tables={"t": [result]})["rows"] == [{"v": value}]
        again.close()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        *((1, "INT64"), (2**62, "INT64"), (1.5, "FLOAT64"), ("'; DROP TABLE s; --", "STRING"), (True, "BOOL")),
        *((["a", None], "ARRAY<STRING>"), ([1, 2], "ARRAY<INT64>"), (None, "INT64"), ({"a": 1}, "STRUCT<a INT64>")),
    ],
    ids=str,
)
def test_a_parameter_is_bound_with_its_type(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, value: object, word: str
) -> None:
    answer = ask(database, tmp_path, "SELECT $v AS v", parameters={"v": value})
    assert (answer["columns"], answer["rows"]) == ([("v", word)], [{"v": value}])


def test_parameters_may_have_places_instead_of_names(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert ask(database, tmp_path, "SELECT ? AS a, ? AS b", parameters=[1, "x"])["rows"] == [{"a": 1, "b": "x"}]


def test_the_order_of_the_rows_is_the_querys(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    answer = ask(database, tmp_path, "SELECT range AS n FROM range(300000) ORDER BY hash(n)", max_rows=500)
    numbers = [row["n"] for row in answer["rows"]]
    with duckdb.connect() as other:
        expected = other.execute("SELECT range FROM range(300000) ORDER BY hash(range) LIMIT 500").fetchall()
    assert [(number,) for number in numbers] == expected
    assert (answer["row_count"], answer["truncated"]) == (300_000, True)


def test_rows_are_shown_as_far_as_their_bytes_go(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    answer = ask(database, tmp_path, "SELECT repeat('ü', 100) AS v FROM range(50)", max_bytes=1000)
    assert (len(answer["rows"]), answer["row_count"], answer["truncated"]) == (4, 50, True)


def test_rows_that_somebody_waits_for_must_fit(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    query = Query("SELECT range AS n FROM range(100)", {}, {})
    with pytest.raises(RefusedError) as caught:
        select_rows(database, tmp_path, query=query, max_bytes=500)
    assert caught.value.reason is ErrorReason.QUOTA_EXCEEDED


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT 1 AS a, 2 AS A", "Query error: Duplicate column names in the result are not supported. Twice: a"),
        ("SELECT cast('a secret' AS INT)", "Query error: Could not convert string '…' to INT32"),
        ("SELECT cast('it''s\na secret' AS INT)", "Query error: Could not convert string '…' to INT32"),
        ("SELECT 9223372036854775807 + 4711", "Query error: Overflow in addition of INT64 (… + …)!"),
        ("SELECT error('because')", "Query error: because"),
        ("SELECT nope FROM (SELECT 1 AS a)", "Query error: Unrecognized name: `nope`"),
        ("SELECT t.nope FROM (SELECT 1 AS a) AS t", "Query error: Unrecognized name: `nope`"),
        ("SELECT x.a FROM (SELECT 1 AS a) AS t", "Query error: Unrecognized name: `x`"),
        ("SELEC 1", 'Query error: syntax error at or near "SELEC"'),
        ("SELECT 1; SELECT 2", "Query error: Only one SELECT may be run."),
        ("SELECT 1) TO '/tmp/x' (FORMAT csv); --", 'Query error: syntax error at or near ")"'),
        ("", "Query error: Only one SELECT may be run."),
    ],
)
def test_a_fault_is_told_without_values_and_without_files(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, statement: str, message: str
) -> None:
    error = refusal(database, tmp_path, statement)
    assert (error.reason, error.message) == (ErrorReason.INVALID_QUERY, message)


def test_a_broken_table_is_told_without_its_place_on_disk(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing PAR1")
    tables = {"\x01t0": [str(tmp_path / "broken.parquet")]}
    error = refusal(database, tmp_path, 'SELECT * FROM "\x01t0"', tables=tables)
    assert str(tmp_path) not in error.message
    assert "\x01" not in error.message


@pytest.mark.parametrize("quotes", ["''", '""', "``", "  ", "()"])
def test_no_path_is_told_however_it_is_quoted(quotes: str) -> None:
    place = f"{quotes[0]}/home/a/stepcall-sql-1-x/table-0-0.parquet{quotes[1]}"
    told = describe(duckdb.IOException(f"IO Error: Failed to read file {place}: Snappy decompression failure"))
    assert "/" not in told
    assert told.startswith("Failed to read")
    assert told.endswith("Snappy decompression failure") or quotes == "''"


def test_a_division_is_no_path() -> None:
    told = describe(duckdb.ParserException('Parser Error: syntax error at or near "/" or a / b / c or "a/b/c"'))
    assert told == 'syntax error at or near "/" or a / b / c or "a/b/c"'


def test_a_table_with_bytes_flipped_is_told_without_its_place_on_disk(tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    with duckdb.connect() as maker:
        rows = "SELECT range AS a, 's' || range AS b FROM range(20000)"
        maker.execute(f"COPY ({rows}) TO '{good}' (FORMAT parquet)")
    content, folder = good.read_bytes(), tmp_path / "flipped"
    folder.mkdir()
    told = []
    for place in range(8, len(content) - 8, len(content) // 40):
        table = folder / "table.parquet"
        table.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        told += [message for message in (message_of_reading(table), message_of_importing(table)) if message]
    assert len(told) > 20
    assert [message for message in told if "/" in message or "table.parquet" in message] == []


def message_of_reading(table: Path) -> str | None:
    opened = open_database(LIMITS)
    try:
        ask(opened, table.parent, 'SELECT * FROM "\x01t0"', tables={"\x01t0": [str(table)]})
    except RefusedError as error:
        return error.message
    except duckdb.Error as error:
        return refusal_of(error, LIMITS.memory).message
    finally:
        opened.close()
    return None


def message_of_importing(table: Path) -> str | None:
    opened = open_database(LIMITS)
    try:
        import_file(opened, table.parent, source=str(table), file_format="parquet")
    except RefusedError as error:
        return error.message
    finally:
        opened.close()
    return None


REFUSED_BY_ITS_SHAPE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{stores}')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM memory.main.s",
    "SELECT * FROM sqlite_master",
    "SELECT current_setting('temp_directory')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('s')",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM enable_logging(storage = 'file')",
    "SELECT 1 WHERE EXISTS (FROM glob('/*'))",
    "WITH a AS (SELECT * FROM read_blob('/etc/passwd')) SELECT * FROM a",
    "DESCRIBE SELECT 1",
    "SELECT * FROM (SUMMARIZE s)",
    "SELECT * FROM nothing",
    "FROM other",
]


@pytest.mark.parametrize("statement", REFUSED_BY_ITS_SHAPE)
def test_a_select_reads_its_tables_and_nothing_else(
    database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path, statement: str
) -> None:
    error = refusal(database, tmp_path, statement.format(stores=stores), tables={"s": [str(stores)]})
    assert error.reason is ErrorReason.ACCESS_DENIED
    assert not (tmp_path / "result.parquet").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT *, row_number() OVER (PARTITION BY city ORDER BY size) AS n FROM s QUALIFY n = 1",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n, city FROM r, s",
        "SELECT u FROM s, unnest([1, 2]) AS t(u), generate_series(1, 3) AS g",
        "SELECT * FROM s PIVOT (sum(size) FOR kind IN ('Kiosk', 'Bakery'))",
        "SELECT list_transform([size], lambda x: x + 1) AS l FROM s TABLESAMPLE 50%",
        "SELECT * EXCLUDE (kind) FROM S UNION ALL SELECT city, size FROM s -- a comment",
        "SELECT a.city FROM s AS a LEFT JOIN s AS b ON a.city = b.city AND b.size > (SELECT avg(size) FROM s)",
    ],
)
def test_what_a_select_may_say_it_may(
    database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path, statement: str
) -> None:
    assert ask(database, tmp_path, statement, tables={"s": [str(stores)]})["columns"]


LOCKED = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('{other}')",
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM read_parquet('{folder}/*.parquet')",
    "SELECT * FROM read_parquet('{folder}/../{name}/other.parquet')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_csv('https://192.0.2.1/a.csv')",
    "SELECT * FROM read_parquet('s3://bucket/key.parquet')",
    "SELECT * FROM '{other}'",
    "ATTACH '{folder}/new.db'",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '/dev/stdout' (FORMAT csv)",
    "COPY (SELECT * FROM s) TO '{folder}/parts' (FORMAT parquet, PARTITION_BY (city))",
    "EXPORT DATABASE '{folder}/dump'",
    "IMPORT DATABASE '{folder}/dump'",
    "INSTALL httpfs",
    "INSTALL httpfs FROM 'http://192.0.2.1'",
    "LOAD httpfs",
    "LOAD '{folder}/x.duckdb_extension'",
    "SET memory_limit = '100GB'",
    "SET enable_external_access = true",
    "SET allowed_paths = ['/etc/passwd']",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '/'",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "PRAGMA threads = 64",
    "PRAGMA profiling_output = '{folder}/profile'",
    "SELECT getenv('HOME')",
    "CREATE PERSISTENT SECRET a (TYPE http)",
    "SELECT * FROM stores",
    "SELECT * FROM database",
    "SELECT * FROM sqlite_scan('a', 'b')",
]


@pytest.mark.parametrize("statement", LOCKED)
def test_the_lock_holds_whatever_statement_is_run(
    database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path, statement: str
) -> None:
    other = tmp_path / "other.parquet"
    other.write_bytes(stores.read_bytes())
    before = sorted(tmp_path.iterdir())
    lock_database(database, tmp_path, {"s": [str(stores)]}, [str(tmp_path / "result.parquet")])
    with pytest.raises(duckdb.Error):
        database.execute(statement.format(other=other, folder=tmp_path, name=tmp_path.name)).fetchall()
    assert sorted(tmp_path.iterdir()) == before
    assert database.execute("SELECT count(*) FROM s").fetchone() == (5,)


def test_a_database_knows_nothing_of_another_in_the_same_process(
    database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path
) -> None:
    other = open_database(LIMITS)
    lock_database(other, tmp_path, {"theirs": [str(stores)]})
    lock_database(database, tmp_path, {})
    for statement in ("FROM theirs", "FROM duckdb_views() WHERE view_name = 'theirs'"):
        try:
            assert database.execute(statement).fetchall() == []
        except duckdb.CatalogException:
            continue
    other.close()


def read_file(database: duckdb.DuckDBPyConnection, folder: Path, content: bytes, file_format: str) -> Any:
    """The columns and rows of what was made of a file, or why nothing was."""
    source = folder / "source"
    source.write_bytes(content)
    try:
        answer = import_file(database, folder, source=str(source), file_format=file_format)
    except RefusedError as error:
        return error.message
    with duckdb.connect() as reader:
        rows = reader.execute(f"FROM '{folder}/result.parquet'").fetchall()
    assert len(rows) == answer["row_count"]
    return answer["columns"], rows


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        (b"id,city\n1,Hull\n2,York\n", [("id", "INT64"), ("city", "STRING")], [(1, "Hull"), (2, "York")]),
        (b"id;city\r\n1;Hull\r\n", [("id", "INT64"), ("city", "STRING")], [(1, "Hull")]),
        (b"id\tprice\n1\t1.5\n", [("id", "INT64"), ("price", "FLOAT64")], [(1, 1.5)]),
        (b'a,b\n"x, y","line\nbreak"\n', [("a", "STRING"), ("b", "STRING")], [("x, y", "line\nbreak")]),
        (b"\xef\xbb\xbfid,x\n1,2\n", [("id", "INT64"), ("x", "INT64")], [(1, 2)]),
        (b"id,city\n", [("id", "STRING"), ("city", "STRING")], []),
        # how the first line is guessed to be the header, and how dates are read: docs/sql.md
        (b"1,2\n3,4\n", [("column0", "INT64"), ("column1", "INT64")], [(1, 2), (3, 4)]),
        (b"id,2024\nx,3\n", [("column0", "STRING"), ("column1", "INT64")], [("id", 2024), ("x", 3)]),
        (b"city,kind\nHull,Kiosk\n", [("city", "STRING"), ("kind", "STRING")], [("Hull", "Kiosk")]),
        (b"day,n\n03/02/2026,1\n", [("day", "DATE"), ("n", "INT64")], [(date(2026, 2, 3), 1)]),
        (b"day\n03/02/2026\n02/13/2026\n", [("day", "DATE")], [(date(2026, 3, 2),), (date(2026, 2, 13),)]),
        (b"day\n02/13/2026\n13/02/2026\n", [("day", "STRING")], [("02/13/2026",), ("13/02/2026",)]),
        (b"a,A,a\n1,2,3\n", [("a", "INT64"), ("A_1", "INT64"), ("a_2", "INT64")], [(1, 2, 3)]),
        (b'"a""b","c\nd"\n1,2\n', [("a_b", "INT64"), ("c_d", "INT64")], [(1, 2)]),
        (b"flag,empty\ntrue,\nfalse,\n", [("flag", "BOOL"), ("empty", "STRING")], [(True, None), (False, None)]),
    ],
    ids=str,
)
def test_a_csv_file_becomes_a_table(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, columns: Any, rows: Any
) -> None:
    assert read_file(database, tmp_path, content, "csv") == (columns, rows)


def test_a_type_that_only_a_late_row_shows_is_found(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    content = b"id\n" + b"1\n" * 50_000 + b"last\n"
    columns, rows = read_file(database, tmp_path, content, "csv")
    assert (columns, len(rows), rows[-1]) == ([("id", "STRING")], 50_001, ("last",))


def test_lines_of_json_become_a_table(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    content = b'{"id": 1, "tags": ["a"], "at": {"lat": 1.5}}\n{"id": 2, "more": true}\n'
    columns, rows = read_file(database, tmp_path, content, "ndjson")
    assert columns == [("id", "INT64"), ("tags", "ARRAY<STRING>"), ("at", "STRUCT<lat FLOAT64>"), ("more", "BOOL")]
    assert rows == [(1, ["a"], {"lat": 1.5}, None), (2, None, None, True)]


def test_a_parquet_file_becomes_a_table(database: duckdb.DuckDBPyConnection, stores: Path, tmp_path: Path) -> None:
    columns, rows = read_file(database, tmp_path, stores.read_bytes(), "parquet")
    assert (columns[0], len(rows)) == (("city", "STRING"), 5)


@pytest.mark.parametrize(
    ("content", "file_format", "message"),
    [
        (b"", "csv", "The file is empty."),
        (b"\x1f\x8b\x08\x00rest", "csv", "The file is compressed by gzip. Send it uncompressed."),
        (b"PK\x03\x04rest", "ndjson", "The file is compressed by zip. Send it uncompressed."),
        (b"id,city\n1,2\n", "parquet", "The file is not Parquet."),
        (b"PAR1", "csv", "The file is Parquet: say so as its format."),
        (b"\x1f\x8b\x08\x00rest", "parquet", "The file is compressed by gzip. Send it uncompressed."),
        (b"\x28\xb5\x2f\xfdrest", "csv", "The file is compressed by zstd. Send it uncompressed."),
        (b"PAR1", "parquet", "The file cannot be read as parquet: it is damaged, or not whole."),
        (b"PAR1xxxxPAR1", "parquet", "The file cannot be read as parquet: it is damaged, or not whole."),
        (b"a,b\n1,2\n1,2,3\n1,2\n" * 40, "csv", "as csv in line 3: it has 3 values, and the first 2. Quote values"),
        (b"a,b\n" + b"1,2\n" * 30_000 + b"1\n", "csv", "in line 30,002: it has 1 value, and the first 2. Quote values"),
        (b"a,b\n1,\xff\xfe\n", "csv", "The file cannot be read: line 2 is not UTF-8. Save the file as UTF-8."),
        ("a,b\nx,1\nü,2\n".encode("latin-1"), "csv", "line 3 is not UTF-8"),
        ('{"a": "ü"}\n'.encode("latin-1"), "ndjson", "line 1 is not UTF-8"),
        (b"a,b\n" + b"x,y\n" * 300_000 + b"x,\xc3", "csv", "line 300,002 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "csv", "The file is UTF-16. Save it as UTF-8."),
        (b"a\0b,c\n1,2\n", "csv", "line 1 holds a byte that is zero, which no text does."),
        (b"a,b\nx\0y,1\n", "csv", "line 2 holds a byte that is zero, which no text does."),
        (b'{"a\\u0000b": 1}\n', "ndjson", "The name of a column holds a character that is zero."),
        (b"a,b 1,2 3,4", "csv", "The file is one line, without a line end"),
        (b"a,b 1,2 3,4", "csv", "send it with --data-binary, not -d."),
        (b"<!DOCTYPE html>\n<html>\n</html>\n", "csv", "The file is a page of HTML or XML, not a table."),
        (b"\n<html lang='en'>\n</html>\n", "ndjson", "The file is a page of HTML or XML, not a table."),
        (b'[{"a": 1},\n{"a": 2}]\n', "csv", "The file is an array of JSON. Send NDJSON"),
        (b'[\n  {"a": 1}\n]\n', "ndjson", "The file is an array of JSON. Send NDJSON"),
        (b'{"a": 1, "b": 2}\n', "csv", "The file is JSON: say ndjson as its format"),
        (b"[1, 2]\n", "ndjson", "as ndjson: every line must be a JSON object with a key at least."),
        (b'{"a": 1}\n{"b": 1, "b": 2}\n', "ndjson", "as ndjson in line 2: an object has a key twice."),
        (
            b'{"a": 1}\n{"a": \n',
            "ndjson",
            "The file cannot be read as ndjson in line 2: a line is not one JSON object.",
        ),
        (b"not json\n", "ndjson", "The file cannot be read as ndjson in line 1: a line is not one JSON object."),
        (",".join(f"c{number}" for number in range(10_000)).encode() + b"\n", "csv", "The file has 10,000 columns"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_change(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, file_format: str, message: str
) -> None:
    told = read_file(database, tmp_path, content, file_format)
    assert isinstance(told, str), told
    assert message in told
    assert str(tmp_path) not in told


def test_a_character_over_the_edge_of_two_pieces_is_read_whole(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = "\ufeffa,b\n" + "ü,x\n" * 300_000
    assert len(content.encode()) > PIECE_BYTES
    columns, rows = read_file(database, tmp_path, content.encode(), "csv")
    assert (columns, len(rows), set(rows)) == ([("a", "STRING"), ("b", "STRING")], 300_000, {("ü", "x")})
