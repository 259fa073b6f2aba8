"""BigQuery's SQL as it is written for Athena, whose engine is Trino: the texts, which nobody here can run on Athena."""

from typing import Any

import pytest
import sqlglot

from stepcall.sql.athena_functions import FUNCTIONS, WORDS, NotOnAthenaError, check_functions
from stepcall.sql.faults import SqlError
from stepcall.sql.statement import read_select
from stepcall.sql.transpile import to_athena

TABLES = {"sales": "tables.dataset_1", "other": "tables.run_2"}
FROM = ' FROM "tables"."dataset_1" AS "sales"'
VALUES: dict[str, Any] = {
    "text": "O'Brien \\ ? -- %",
    "whole": -5,
    "part": 0.1,
    "yes": True,
    "nothing": None,
    "several": ["a", "b'c"],
}
EXPRESSIONS = {
    # names and values
    "city": '"city"',
    "`order`": '"order"',
    "@text": "'O''Brien \\ ? -- %'",
    "@whole": "(-5)",
    "@part": "CAST('0.1' AS DOUBLE)",
    "@yes": "TRUE",
    "@nothing": "CAST(NULL AS BIGINT)",
    "a = @nothing": '"a" = NULL',
    "city IN UNNEST(@several)": """CONTAINS(ARRAY['a', 'b''c'], "city")""",
    "2.5 * a": '2.5e0 * "a"',
    "r'a\\d'": "'a\\d'",
    # numbers
    "a / b": 'CAST("a" AS DOUBLE) / CASE WHEN ("b") = 0 THEN MOD(1, CAST("b" AS BIGINT)) ELSE "b" END',
    "a / 2": 'CAST("a" AS DOUBLE) / 2',
    "DIV(a, 2)": '(("a") / (2))',
    "SAFE_DIVIDE(a, b)": 'IF("b" <> 0, CAST("a" AS DOUBLE) / "b", NULL)',
    "MOD(a, 2)": '"a" % 2',
    "ROUND(a, 1)": 'ROUND("a", 1)',
    "ROUND(a, b)": 'ROUND("a", CAST("b" AS INTEGER))',
    "60 * 60 * a": 'CAST(60 AS BIGINT) * 60 * "a"',
    "a + 1": '"a" + 1',
    "1 << 40": "BITWISE_LEFT_SHIFT(CAST(1 AS BIGINT), 40)",
    "TRUNC(a)": 'TRUNCATE("a")',
    "LOG(a)": 'LN("a")',
    "LOG(a, 10)": 'LOG(10, "a")',
    "POW(a, 2)": 'POWER("a", 2)',
    "GREATEST(a, b)": 'GREATEST("a", "b")',
    "a & b": 'BITWISE_AND("a", "b")',
    # casts
    "CAST(a AS STRING)": 'CAST("a" AS VARCHAR)',
    "SAFE_CAST(a AS INT64)": 'TRY_CAST("a" AS BIGINT)',
    "CAST(a AS NUMERIC)": 'CAST("a" AS DECIMAL(38, 9))',
    "CAST(a AS TIMESTAMP)": 'CAST("a" AS TIMESTAMP WITH TIME ZONE)',
    "CAST(a AS DATETIME)": 'CAST("a" AS TIMESTAMP)',
    # conditions
    "IF(a > 1, 'x', 'y')": """IF("a" > 1, 'x', 'y')""",
    "IFNULL(a, 0)": 'COALESCE("a", 0)',
    "a IS DISTINCT FROM b": '"a" IS DISTINCT FROM "b"',
    # text
    "CONCAT(a, 'x')": """CONCAT(CAST("a" AS VARCHAR), CAST('x' AS VARCHAR))""",
    "SUBSTR(a, 2, 3)": 'SUBSTR("a", 2, 3)',
    "SUBSTR(a, b)": 'SUBSTR("a", CASE WHEN ("b") = 0 OR ("b") < -LENGTH("a") THEN 1 ELSE "b" END)',
    "a LIKE 'x%'": """"a" LIKE 'x%'""",
    r"a LIKE 'x\\%'": r""""a" LIKE 'x\%' ESCAPE '\'""",
    "a NOT LIKE b": r""""a" NOT LIKE "b" ESCAPE '\'""",
    "REGEXP_CONTAINS(a, r'^x')": """REGEXP_LIKE("a", '^x')""",
    "REGEXP_EXTRACT(a, r'(\\d+)')": """REGEXP_EXTRACT("a", '(\\d+)', 1)""",
    "CONTAINS_SUBSTR(a, 'X')": """(STRPOS(LOWER("a"), LOWER('X')) > 0)""",
    "TO_HEX(MD5(a))": 'LOWER(TO_HEX(MD5(TO_UTF8("a"))))',
    "TO_HEX(SHA256(a))": 'LOWER(TO_HEX(SHA256(TO_UTF8("a"))))',
    "STRPOS(a, 'x')": """STRPOS("a", 'x')""",
    "LTRIM(a, 'x')": """TRIM(LEADING 'x' FROM "a")""",
    "JSON_VALUE(a, '$.x')": """JSON_EXTRACT_SCALAR("a", '$.x')""",
    # dates and times
    "DATE '2024-01-31'": "CAST('2024-01-31' AS DATE)",
    "DATE_ADD(d, INTERVAL 3 DAY)": """DATE_ADD('DAY', CAST('3' AS BIGINT), "d")""",
    "DATE_SUB(d, INTERVAL 1 MONTH)": """DATE_ADD('MONTH', CAST('1' AS BIGINT) * -1, "d")""",
    "DATE_DIFF(d, e, MONTH)": """DATE_DIFF('MONTH', DATE_TRUNC('MONTH', "e"), DATE_TRUNC('MONTH', "d"))""",
    "DATE_TRUNC(d, MONTH)": """DATE_TRUNC('MONTH', "d")""",
    "DATE_TRUNC(d, ISOWEEK)": """DATE_TRUNC('WEEK', "d")""",
    "EXTRACT(YEAR FROM d)": 'EXTRACT(YEAR FROM "d")',
    "EXTRACT(DAYOFWEEK FROM d)": '(EXTRACT(DAY_OF_WEEK FROM "d") % 7 + 1)',
    "EXTRACT(DAYOFYEAR FROM d)": 'EXTRACT(DAY_OF_YEAR FROM "d")',
    "EXTRACT(ISOWEEK FROM d)": 'EXTRACT(WEEK FROM "d")',
    "EXTRACT(DATE FROM t)": 'CAST("t" AS DATE)',
    "TIMESTAMP_ADD(t, INTERVAL 2 HOUR)": """DATE_ADD('HOUR', CAST('2' AS BIGINT), "t")""",
    "TIMESTAMP_SUB(t, INTERVAL 2 HOUR)": """DATE_ADD('HOUR', -CAST('2' AS BIGINT), "t")""",
    "DATETIME_SUB(t, INTERVAL 1 DAY)": """DATE_ADD('DAY', -CAST('1' AS BIGINT), "t")""",
    "TIMESTAMP_DIFF(t, u, SECOND)": """DATE_DIFF('SECOND', "u", "t")""",
    "FORMAT_TIMESTAMP('%H', t, 'Asia/Tokyo')": (
        """DATE_FORMAT(AT_TIMEZONE(CAST("t" AS TIMESTAMP WITH TIME ZONE), 'Asia/Tokyo'), '%H')"""
    ),
    "DATE(t, 'Asia/Tokyo')": """CAST(AT_TIMEZONE(CAST("t" AS TIMESTAMP WITH TIME ZONE), 'Asia/Tokyo') AS DATE)""",
    "DATETIME(t, 'Asia/Tokyo')": (
        """CAST(AT_TIMEZONE(CAST("t" AS TIMESTAMP WITH TIME ZONE), 'Asia/Tokyo') AS TIMESTAMP)"""
    ),
    "TIMESTAMP(a, 'Asia/Tokyo')": """WITH_TIMEZONE(CAST("a" AS TIMESTAMP), 'Asia/Tokyo')""",
    "DATETIME_TRUNC(t, HOUR)": """DATE_TRUNC('HOUR', "t")""",
    "UNIX_MILLIS(t)": 'CAST(FLOOR(TO_UNIXTIME("t") * 1000) AS BIGINT)',
    "UNIX_SECONDS(t)": 'CAST(FLOOR(TO_UNIXTIME("t")) AS BIGINT)',
    "TIMESTAMP_SECONDS(a)": 'FROM_UNIXTIME("a")',
    "FORMAT_TIMESTAMP('%Y', t)": """DATE_FORMAT(CAST("t" AS TIMESTAMP), '%Y')""",
    "PARSE_DATE('%Y%m%d', a)": """CAST(DATE_PARSE("a", '%Y%m%d') AS DATE)""",
    # arrays
    "[1, 2][OFFSET(0)]": "ARRAY[1, 2][1]",
    "l[SAFE_OFFSET(0)]": 'ELEMENT_AT("l", 1)',
    "ARRAY_LENGTH(l)": 'CARDINALITY("l")',
    # aggregates and windows
    "COUNTIF(a > 1)": 'COUNT_IF("a" > 1)',
    "APPROX_COUNT_DISTINCT(a)": 'APPROX_DISTINCT("a")',
    "ANY_VALUE(a)": 'ARBITRARY("a")',
    "LOGICAL_OR(a)": 'BOOL_OR("a")',
    "STRING_AGG(a, ';')": """ARRAY_JOIN(ARRAY_AGG("a") FILTER(WHERE NOT "a" IS NULL), ';')""",
    "STRING_AGG(DISTINCT a ORDER BY a LIMIT 2)": (
        'ARRAY_JOIN(SLICE(ARRAY_AGG(DISTINCT "a" ORDER BY "a" NULLS FIRST) FILTER(WHERE NOT "a" IS NULL), 1, 2), \',\')'
    ),
    "ARRAY_AGG(a ORDER BY b LIMIT 3)": 'SLICE(ARRAY_AGG("a" ORDER BY "b" NULLS FIRST), 1, 3)',
    "ARRAY_AGG(a IGNORE NULLS)": 'ARRAY_AGG("a") FILTER(WHERE NOT "a" IS NULL)',
    "LAG(a) OVER (ORDER BY b)": 'LAG("a") OVER (ORDER BY "b" NULLS FIRST)',
    "FIRST_VALUE(a IGNORE NULLS) OVER (ORDER BY b)": 'FIRST_VALUE("a") IGNORE NULLS OVER (ORDER BY "b" NULLS FIRST)',
}
QUERIES = {
    "SELECT COUNT(*), 1 FROM sales": 'SELECT COUNT(*) AS "f0_", 1 AS "f1_"<from>',
    "SELECT x, o FROM sales, UNNEST(l) AS x WITH OFFSET AS o": (
        'SELECT "x" AS "x", "o" AS "o"<from> CROSS JOIN UNNEST("l", FILTER(SEQUENCE(0, CARDINALITY("l")), '
        '"i" -> "i" < CARDINALITY("l"))) AS _t0("x", "o")'
    ),
    "SELECT a FROM sales QUALIFY ROW_NUMBER() OVER (PARTITION BY b ORDER BY c) = 1": (
        'SELECT "a" FROM (SELECT "a" AS "a", ROW_NUMBER() OVER (PARTITION BY "b" ORDER BY "c" NULLS FIRST) AS "_w"'
        '<from>) AS "_t" WHERE "_w" = 1'
    ),
    "WITH t AS (SELECT a FROM sales) SELECT t.a FROM t JOIN other AS o USING (a)": (
        'WITH "t" AS (SELECT "a" AS "a"<from>) SELECT "t"."a" AS "a" FROM "t" JOIN "tables"."run_2" AS "o" USING ("a")'
    ),
    "SELECT UPPER(a) AS A, b AS c, SUM(d) AS s FROM sales GROUP BY a, c HAVING s > 1 AND SUM(d) < 9": (
        'SELECT UPPER("a") AS "A", "b" AS "c", SUM("d") AS "s"<from> GROUP BY 1, 2 '
        'HAVING (SUM("d")) > 1 AND SUM("d") < 9'
    ),
    "SELECT a FROM sales EXCEPT DISTINCT SELECT a FROM other": (
        'SELECT "a" AS "a"<from> EXCEPT SELECT "a" AS "a" FROM "tables"."run_2" AS "other"'
    ),
}
REFUSED = {
    "SELECT * EXCEPT (a) FROM sales": "name the columns",
    "SELECT * REPLACE (1 AS a) FROM sales": "name the columns",
    "SELECT PERCENTILE_CONT(a, 0.5) OVER () AS m FROM sales": "no PERCENTILE_CONT",
    "SELECT EXTRACT(WEEK FROM d) AS w FROM sales": "does not extract WEEK",
    "SELECT DATE_TRUNC(d, WEEK) AS w FROM sales": "WEEK",
    "SELECT UNIX_MICROS(t) AS m FROM sales": "no function UNIX_MICROS",
    "SELECT BYTE_LENGTH(a) AS n FROM sales": "no function BYTE_LENGTH",
    "SELECT ARRAY(SELECT x FROM UNNEST(l) AS x) AS m FROM sales": "use ARRAY_AGG",
    "SELECT STRUCT(a AS x) AS s FROM sales": "Athena cannot run this query",
    "SELECT a FROM sales WHERE b = @missing": "`missing` has no value",
}


def for_athena(query: str) -> str:
    text = to_athena(read_select(query), TABLES, VALUES)
    assert isinstance(sqlglot.parse_one(text, dialect="athena"), sqlglot.exp.Query)
    return text


@pytest.mark.parametrize(("expression", "text"), EXPRESSIONS.items())
def test_an_expression_is_written_as_trino_reads_it(expression: str, text: str) -> None:
    assert for_athena(f"SELECT {expression} AS z FROM sales") == f'SELECT {text} AS "z"{FROM}'  # noqa: S608


@pytest.mark.parametrize(("query", "text"), QUERIES.items())
def test_a_query_is_written_as_trino_reads_it(query: str, text: str) -> None:
    assert for_athena(query) == text.replace("<from>", FROM)


@pytest.mark.parametrize(("query", "why"), REFUSED.items())
def test_what_athena_cannot_do_is_refused_with_its_place_before_it_is_asked(query: str, why: str) -> None:
    with pytest.raises(SqlError, match=r"at \[\d+:\d+\]") as refused:
        to_athena(read_select(query), TABLES, VALUES)
    assert why in str(refused.value)


def test_a_function_that_trino_has_not_is_found_wherever_it_stands() -> None:
    check_functions("""SELECT COUNT(*), "UNIX_MILLIS" ("a"), 'UNIX_MILLIS(' FROM "t" WHERE "a" IN (1)""")
    with pytest.raises(NotOnAthenaError, match="UNIX_MILLIS"):
        check_functions('SELECT 1 FROM "t" WHERE ("a" + Unix_Millis ("b")) > 1')


def test_words_and_functions_are_told_apart() -> None:
    assert not FUNCTIONS & WORDS


@pytest.mark.parametrize(
    "part", ["1 / ({})", "STRING_AGG((SELECT {} FROM t))", "ARRAY_AGG((SELECT {} FROM t) IGNORE NULLS ORDER BY b)"]
)
def test_a_query_that_would_grow_without_bound_is_refused(part: str) -> None:
    nested = "a"
    for _ in range(14):
        nested = part.format(nested)
    with pytest.raises(SqlError, match="too large"):
        to_athena(read_select(f"SELECT {nested} AS z FROM sales"), {**TABLES, "t": "t"}, VALUES)  # noqa: S608
