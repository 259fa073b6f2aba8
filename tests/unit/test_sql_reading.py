"""What may be run at all: one SELECT, made of what is known to be harmless, read in bounded time."""

import logging
import re
from pathlib import Path

import pytest
from sqlglot import exp

from stepcall.sql.faults import SqlCode, SqlError
from stepcall.sql.function_names import FUNCTION_NAMES
from stepcall.sql.grammar import FUNCTIONS
from stepcall.sql.statement import find_faults, read_select
from tests.unit.counted_calls import count_calls

MAX_CALLS = 5_000_000  # a second or so

OTHER_STATEMENTS = (
    "DROP TABLE t",
    "drop\ttable t",
    "ATTACH 'x.db'",
    "COPY t TO 'x.csv'",
    "PRAGMA version",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1TB'",
    "RESET ALL",
    "CREATE TABLE a AS SELECT 1",
    "INSERT INTO t SELECT 1",
    "UPDATE t SET a = 1 WHERE TRUE",
    "DELETE FROM t WHERE TRUE",
    "MERGE INTO t USING u ON FALSE WHEN NOT MATCHED THEN INSERT ROW",
    "TRUNCATE TABLE t",
    "EXPORT DATA OPTIONS(uri='s3://x/*') AS SELECT 1",
    "CALL p()",
    "EXECUTE IMMEDIATE 'SELECT 1'",
    "BEGIN SELECT 1; END",
    "DECLARE x INT64",
    "DESCRIBE t",
    "EXPLAIN SELECT 1",
    "SHOW TABLES",
    "USE x",
    "FROM t",
    "VALUES (1)",
    "WITH a AS (SELECT 1) DELETE FROM a WHERE TRUE",
    "WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a",
    "WITH a AS (DROP TABLE t) SELECT 1",
    "SELECT ARRAY(DROP TABLE t)",
    "SELECT ARRAY(INSERT INTO t SELECT 1)",
    "/* SELECT 1 */ DROP TABLE t",
    "-- SELECT 1\nDROP TABLE t",
    "#SELECT 1\nDROP TABLE t",
    "(DROP TABLE t)",
)
SECOND_STATEMENTS = (
    "SELECT 1; SELECT 2",
    "SELECT 1;;DROP TABLE t",
    "SELECT 1; -- the end\n ATTACH 'x'",
    "SELECT ';'; DROP TABLE t",
    "SELECT 1/* ; */; COPY t TO 'x'",
)
FORBIDDEN = (
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM ReAd_CsV/* hidden */('/etc/passwd')",
    "SELECT * FROM read_parquet('s3://other/x.parquet')",
    "SELECT * FROM parquet_scan('x')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_blob('x')",
    "SELECT * FROM read_json_auto('http://169.254.169.254/')",
    "SELECT * FROM sniff_csv('x')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('t')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM pragma_version()",
    "SELECT * FROM generate_array(1, 3)",
    "SELECT * FROM range(1000000000000)",
    "SELECT * FROM repeat(1, 2)",
    "SELECT * FROM ｒead_csv('x')",
    "SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM read_text('x'))",
    "SELECT (SELECT ANY_VALUE(content) FROM read_text('x')) AS a",
    "WITH read_text AS (SELECT 1 AS a) SELECT * FROM read_text('x')",
    "SELECT getenv('HOME') AS a",
    "SELECT current_setting('memory_limit') AS a",
    "SELECT query('SELECT 1') AS a",
    "SELECT sql_auto_complete('SEL') AS a",
    "SELECT json_execute_serialized_sql('{}') AS a",
    "SELECT SESSION_USER() AS a",
    "SELECT CURRENT_USER AS a",
    "SELECT version() AS a",
    "SELECT ERROR('x') AS a",
    "SELECT EXTERNAL_QUERY('x', 'SELECT 1') AS a",
    "SELECT dataset.my_function(1) AS a",
    "SELECT SAFE.SUBSTR('a', -1) AS a",
    "SELECT NET.HOST('x') AS a",
    "SELECT `read_csv`('x') AS a",
    "SELECT COLUMNS('x') FROM t",
    "SELECT list_transform([1], x -> x) AS a",
    "SELECT @@version AS a",
    "SELECT @@system.x AS a",
    "SELECT * FROM INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM dataset.information_schema.columns",
    "SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS",
    "SELECT * FROM `information_schema.tables`",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM DuckDB_Secrets",
    "SELECT * FROM 'file.csv'",
    'SELECT * FROM "file.csv"',
    "SELECT * FROM t JOIN 'file.csv' ON TRUE",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM `s3://bucket/key.parquet`",
    "SELECT * FROM `https://example.com/x.csv`",
    "SELECT * FROM `a b`",
    "SELECT * FROM `..`.`x/y`",
    "SELECT * FROM dataset.part_*",
    "SELECT * FROM t@1",
    "SELECT * FROM t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()",
    "SELECT * FROM t TABLESAMPLE SYSTEM (1 PERCENT)",
    "SELECT * FROM t PIVOT(SUM(a) FOR b IN ('x'))",
    "SELECT * FROM (VALUES (1))",
    "SELECT * FROM t, LATERAL (SELECT 1)",
    "SELECT * FROM t NATURAL JOIN u",
    "SELECT * FROM t ASOF JOIN u ON t.a >= u.a",
    "SELECT * FROM t FOR UPDATE",
    "SELECT 1 INTO x",
    "SELECT 1 AS 'name'",
    "SELECT DISTINCT ON (a) a FROM t",
    "SELECT 1 UNION ALL BY NAME SELECT 2",
    "SELECT AS VALUE STRUCT(1 AS a)",
    "SELECT FORMAT(@pattern, 1) AS a",
    "SELECT FORMAT('%T', 1) AS a",
    "SELECT CAST(a AS STRING FORMAT 'YYYY') AS a FROM t",
    "SELECT INSTR('hello', 'l', 1, 2) AS a",
    "SELECT PARSE_TIMESTAMP('%F', a, 'Asia/Tokyo') AS a FROM t",
    "SELECT STRING(a, 'Asia/Tokyo') AS a FROM t",
)
UNREADABLE = (
    "",
    " ; ",
    "-- nothing",
    "SELECT",
    "SELECT FROM WHERE",
    "SELECT 'open",
    "SELECT `open",
    "SELECT /* open",
    "SELECT (1",
    "SELECT 1)",
    "SELECT a b c FROM t",
    "SELECT 1 INTO OUTFILE 'x'",
    "SELECT * FROM t WHERE a =",
    "SELECT (DROP TABLE t)",
    "SELECT DATE_ADD()",
    "SELECT id FROM t GROUP BY",
    "SELECT id FROM t GROUP BY HAVING id > 1",
    "SELECT id FROM t ORDER BY",
    "SELECT id FROM t WHERE",
    "SELECT id FROM t HAVING",
    "SELECT id FROM t LIMIT",
    "SELECT id FROM t JOIN u USING",
    "SELECT id FROM t WHERE id IN",
    "SELECT id FROM t WHERE EXISTS",
    "SELECT id FROM t AS",
    "SELECT @",
    "SELECT @`a b`",
    "SELECT :name",
    "SELECT '\0'",
    "FROM t |> SELECT a",
    "SELECT * FROM t |> WHERE a > 1",
)
ALLOWED = (
    "SELECT 1",
    "  select 1 ; ;  ",
    "(SELECT 1)",
    "SELECT 1 -- ; DROP TABLE t",
    "SELECT '; DROP TABLE t' AS a",
    "SELECT 'read_csv(1)' AS `read_csv`, 'information_schema' AS b",
    "SELECT * FROM `project-1.dataset.table` AS t",
    "SELECT t.* EXCEPT (a) REPLACE (1 AS b) FROM t",
    "SELECT * FROM UNNEST([1, 2]) AS x WITH OFFSET AS o",
    "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY b ORDER BY c) = 1",
    "WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2",
    "SELECT COUNT(*) AS n FROM t WHERE a IN UNNEST(@list) AND b LIKE @pattern",
    "SELECT t.on, t.group FROM t WHERE a = @in",
    "SELECT FORMAT('%05d %-5s %+.2f %%', a, b, c) AS f FROM t",
)


@pytest.mark.parametrize("query", OTHER_STATEMENTS)
def test_another_statement_than_a_select_is_refused(query: str) -> None:
    assert SqlCode.NOT_SELECT in {fault.code for fault in find_faults(query)}


@pytest.mark.parametrize("query", SECOND_STATEMENTS)
def test_a_second_statement_is_refused_where_it_begins(query: str) -> None:
    [fault] = find_faults(query)
    assert fault.code is SqlCode.NOT_SELECT
    assert "second" in fault.message


@pytest.mark.parametrize("query", FORBIDDEN)
def test_what_reaches_outside_the_query_is_refused(query: str) -> None:
    assert SqlCode.FORBIDDEN in {fault.code for fault in find_faults(query)}


@pytest.mark.parametrize("query", UNREADABLE)
def test_what_does_not_parse_is_refused(query: str) -> None:
    assert find_faults(query)
    with pytest.raises(SqlError):
        read_select(query)


@pytest.mark.parametrize("query", ALLOWED)
def test_an_ordinary_query_is_taken(query: str) -> None:
    assert find_faults(query) == []


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("SELECT *\nFROM t\nWHERE getenv('x') = 1", 3, 7),
        ("SELECT *\n  FROM read_csv('x')", 2, 8),
        ("SELECT a,\n\tb c d FROM t", 2, 6),
        ("SELECT 'ü', @@x FROM t", 1, 13),
        ("SELECT 1;\n\n  SELECT 2", 3, 3),
        ("/* one\n two */ DROP TABLE t", 2, 9),
        ("SELECT 1,\n 'open", 2, 2),
        ("SELECT 'x', '''a''b\\''' c''', /* ok **/\n '''open", 2, 2),
        ("SELECT id FROM t\n GROUP  BY", 2, 2),
        ("SELECT x FROM (SELECT id FROM t GROUP BY)", 1, 33),
        ("SELECT SUM(a) OVER (PARTITION BY ORDER BY b) FROM t", 1, 21),
        ("SELECT a FROM t JOIN u ON WHERE a = 1", 1, 24),
    ],
)
def test_a_fault_says_in_which_line_and_column_it_stands(query: str, line: int, column: int) -> None:
    fault = find_faults(query)[0]
    assert (fault.line, fault.column) == (line, column)
    assert str(fault) == f"Query error: {fault.message} at [{line}:{column}]"


def test_all_faults_are_told_in_their_order() -> None:
    faults = find_faults("SELECT getenv('a') AS a, version() AS b FROM t WHERE @@x = 1 AND query('b') = 2")
    assert [fault.column for fault in faults] == [8, 26, 54, 66]


def test_a_message_names_words_and_never_a_value() -> None:
    for query in (
        "SELECT a 'my secret' FROM t",
        "SELECT 5 'my secret'",
        "SELECT * FROM 'my secret'",
        "SELECT 'my secret",
    ):
        assert not any("secret" in fault.message for fault in find_faults(query))


def test_tables_are_the_real_ones_and_not_those_of_a_with() -> None:
    query = """WITH a AS (SELECT * FROM t), A2 AS (SELECT * FROM A)
               SELECT * FROM a2 JOIN `p.d.u` ON TRUE JOIN (WITH c AS (SELECT 1) SELECT * FROM c) ON TRUE
               JOIN c ON TRUE"""
    assert read_select(query).tables == ("t", "p.d.u", "c")


def test_a_with_that_names_itself_means_a_real_table_unless_it_is_recursive() -> None:
    assert read_select("WITH t AS (SELECT * FROM t) SELECT * FROM t").tables == ("t",)
    recursive = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT * FROM t"
    assert read_select(recursive).tables == ()


def test_parameters_are_counted_and_named_once() -> None:
    select = read_select("SELECT @b, @a, @b, ?, ? FROM t WHERE x IN UNNEST(@list)")
    assert (select.parameters, select.positional) == (("b", "a", "list"), 2)


def test_parameters_that_differ_in_capitals_only_are_refused() -> None:
    """DuckDB would give both the value of one."""
    [fault] = find_faults("SELECT @size, @Size")
    assert (fault.line, fault.column) == (1, 15)
    assert read_select("SELECT @size, @size").parameters == ("size",)


BOMBS = {
    "brackets": "SELECT " + "(" * 30_000 + "1" + ")" * 30_000,
    "open brackets": "SELECT " + "(" * 65_000,
    "arrays": "SELECT " + "[" * 30_000 + "1" + "]" * 30_000,
    "calls": "SELECT " + "ABS(" * 15_000 + "1" + ")" * 15_000,
    "subqueries": "SELECT * FROM " + "(SELECT * FROM " * 4_000 + "t" + ")" * 4_000,
    "cases": "SELECT " + "CASE WHEN TRUE THEN " * 3_000 + "1" + " END" * 3_000,
    "structs": "SELECT " + "STRUCT(" * 29 + "1" + ")" * 29,
    "types": "SELECT CAST(NULL AS " + "ARRAY<" * 5_000 + "INT64" + ">" * 5_000 + ")",
    "nots": "SELECT " + "NOT " * 16_000 + "TRUE",
    "signs": "SELECT " + "- " * 30_000 + "1",
    "sums": "SELECT 1" + "+1" * 9_000,
    "ors": "SELECT 1 FROM t WHERE a = 1" + " OR a = 1" * 4_000,
    "comparisons": "SELECT a" + "<a" * 9_000,
    "unions": " UNION ALL ".join(["SELECT 1"] * 3_000),
    "joins": "SELECT 1 FROM t" + " JOIN t USING (a)" * 3_500,
    "commas": "SELECT 1 FROM t" + ", t" * 9_000,
    "tables of a with": "WITH " + ", ".join(f"a{n} AS (SELECT 1)" for n in range(2_500)) + " SELECT 1",
    "dots": "SELECT a" + ".a" * 9_000,
    "intervals": "SELECT " + "INTERVAL " * 7_000 + "1 DAY",
    "lambdas": "SELECT ABS(" + "x -> " * 9_000 + "1)",
    "statements": "SELECT 1;" * 7_000,
    "words": "SELECT " + ", ".join(["a"] * 20_000),
    "length": "SELECT '" + "x" * 70_000 + "'",
    "long texts that are not closed": "SELECT '''" + "\\" * 60_001,
    "long quotes that are not closed": 'SELECT """' + "\\" * 60_001,
    "formats": "SELECT FORMAT('" + "%0d" * 20_000 + "%', 1)",
    "fields of types": "SELECT CAST(NULL AS " + "STRUCT<a " * 28 + "INT64" + ">" * 28 + ") AS " + "(" * 28,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_bounded_work(name: str) -> None:
    faults: list[SqlError] = []
    assert count_calls(lambda: faults.extend(find_faults(BOMBS[name])), at_most=MAX_CALLS) < MAX_CALLS
    assert 1 <= len(faults) <= 100


def test_what_sqlglot_says_in_passing_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="stepcall"):
        find_faults("WITH a AS (CALL p('my secret')) SELECT 1")
        find_faults("SELECT ARRAY(LOAD 'my secret')")
    assert caplog.records == []


def test_every_function_that_is_allowed_is_one_that_sqlglot_has() -> None:
    assert [name for name in FUNCTIONS if not hasattr(exp, name)] == []


DOCS = Path(__file__).parents[2] / "docs" / "workflows.md"
FORMS = (
    "{}()",
    "{}(a)",
    "{}(a, b)",
    "{}(a, b, c)",
    "{}(a, b, DAY)",
    "{}(a, DAY)",
    "{}(a, INTERVAL 1 DAY)",
    "{}(a AS STRING)",
    "{}(YEAR FROM a)",
    "{}('%d', 1)",
)


def documented_functions() -> set[str]:
    """The names in the list of docs/workflows.md, `_ADD` and the like written out."""
    section = DOCS.read_text().partition("Functions:")[2].partition("Where DuckDB")[0]
    names = {name for listed in re.findall("`([^`]*)`", section) for name in listed.split()}
    suffixes = {name for name in names if name.startswith("_")}
    return (names - suffixes) | {base + end for base in ("DATE", "DATETIME", "TIMESTAMP") for end in suffixes}


def test_near_misses_are_looked_for_among_the_documented_functions() -> None:
    assert {*FUNCTION_NAMES} == documented_functions()


def test_a_misspelt_function_is_refused_with_the_one_that_was_probably_meant() -> None:
    [near], [far] = find_faults("SELECT Uper(a) FROM t"), find_faults("SELECT getenv(a) FROM t")
    listed = "docs/workflows.md lists those that can"
    assert near.message == f"The function `Uper` cannot be used; did you mean `UPPER`? {listed}"
    assert far.message == f"The function `getenv` cannot be used: {listed}"


def test_every_documented_function_is_taken() -> None:
    refused = [
        name
        for name in sorted(documented_functions())
        if all(find_faults(f"SELECT {form.format(name)} AS x FROM t") for form in FORMS)  # noqa: S608
    ]
    assert refused == []


def test_every_function_that_is_allowed_is_documented() -> None:
    made = {
        type(node).__name__
        for name in documented_functions()
        for form in FORMS
        if not find_faults(text := f"SELECT {form.format(name)} AS x FROM t")  # noqa: S608
        for node in read_select(text).tree.walk()
    }
    assert FUNCTIONS - made == HIDDEN


HIDDEN = {"MD5"}
"""What others are made of when they stand together: TO_HEX(MD5(x))."""
