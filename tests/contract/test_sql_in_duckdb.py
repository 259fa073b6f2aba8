"""BigQuery's expressions mean in DuckDB what they mean in BigQuery: each is transpiled, run, and its value compared.

The values are those that BigQuery's reference gives. Where DuckDB gives another, docs/workflows.md says so.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from stepcall.sql.statement import read_select
from stepcall.sql.transpile import to_duckdb
from tests.unit.test_sql_reading import documented_functions

TABLES = {"t": 'run:"t"', "ev": "ev; DROP TABLE x", "t2": "t2:"}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def naive(*parts: int) -> datetime:
    """BigQuery's DATETIME, which has no time zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


VALUES: list[tuple[str, Any]] = [
    ("1/2", 0.5),
    ("7/2", 3.5),
    ("DIV(7,2)", 3),
    ("DIV(-7,2)", -3),
    ("MOD(-7,3)", -1),
    ("SAFE_DIVIDE(1,0)", None),
    ("SAFE_DIVIDE(7,2)", 3.5),
    ("SAFE_CAST('x' AS INT64)", None),
    ("CAST('12' AS INT64)", 12),
    ("CAST(3.5 AS INT64)", 4),
    ("CAST(1.5 AS STRING)", "1.5"),
    ("CAST(TRUE AS STRING)", "true"),
    ("CAST(1 AS BOOL)", True),
    ("CAST(TRUE AS INT64)", 1),
    ("CAST(DATE '2020-01-02' AS STRING)", "2020-01-02"),
    ("CAST(TIMESTAMP '2020-01-02 03:04:05+00' AS STRING)", "2020-01-02 03:04:05+00"),
    ("CAST('2020-01-02' AS DATE)", date(2020, 1, 2)),
    ("ROUND(2.5)", 3.0),
    ("ROUND(-2.5)", -3.0),
    ("TRUNC(2.7)", 2.0),
    ("POW(2,3)", 8.0),
    ("CEIL(1.2)", 2.0),
    ("FLOOR(-1.2)", -2.0),
    ("ABS(-3)", 3),
    ("SQRT(9)", 3.0),
    ("LN(EXP(1))", 1.0),
    ("LOG(8,2)", 3.0),
    ("LOG(EXP(2))", 2.0),
    ("LOG10(100)", 2.0),
    ("ACOS(1)", 0.0),
    ("GREATEST(1,2,3)", 3),
    ("GREATEST(1,NULL,3)", None),
    ("LEAST(1,NULL)", None),
    ("IF(TRUE,1,2)", 1),
    ("IFNULL(NULL,2)", 2),
    ("NULLIF(1,1)", None),
    ("COALESCE(NULL,NULL,3)", 3),
    ("CASE 1 WHEN 1 THEN 'a' ELSE 'b' END", "a"),
    ("NULL IS NULL", True),
    ("NULL = NULL", None),
    ("CONCAT('a','b')", "ab"),
    ("CONCAT('a',NULL)", None),
    ("'a'||NULL", None),
    ("LENGTH('héllo')", 5),
    ("CHAR_LENGTH('héllo')", 5),
    ("BYTE_LENGTH('héllo')", 6),
    ("LOWER('ÀB')", "àb"),
    ("TRIM('  a ')", "a"),
    ("TRIM('xxaxx','x')", "a"),
    ("LTRIM('xxaxx','x')", "axx"),
    ("RTRIM('xxaxx','x')", "xxa"),
    ("LPAD('a',3,'xy')", "xya"),
    ("LPAD('a',3)", "  a"),
    ("RPAD('abcd',2,'x')", "ab"),
    ("SUBSTR('hello',2,3)", "ell"),
    ("SUBSTR('hello',-3)", "llo"),
    ("SUBSTR('hello',0,2)", "he"),
    ("LEFT('hello',2)", "he"),
    ("RIGHT('hello',2)", "lo"),
    ("REPLACE('banana','a','o')", "bonono"),
    ("REVERSE('abc')", "cba"),
    ("REPEAT('ab',2)", "abab"),
    ("STARTS_WITH('hello','he')", True),
    ("ENDS_WITH('hello','lo')", True),
    ("STRPOS('hello','l')", 3),
    ("INSTR('hello','l')", 3),
    ("CONTAINS_SUBSTR('Hello','hELL')", True),
    ("SPLIT('a,b')", ["a", "b"]),
    ("SPLIT('a-b','-')[OFFSET(1)]", "b"),
    ("SPLIT('a-b','-')[SAFE_OFFSET(5)]", None),
    ("SPLIT('a-b','-')[ORDINAL(1)]", "a"),
    ("[1,2,3][0]", 1),
    ("SPLIT('')", [""]),
    ("REGEXP_CONTAINS('foo@bar','@')", True),
    ("REGEXP_CONTAINS('foo@bar','^bar')", False),
    ("REGEXP_EXTRACT('foo@bar',r'@(.*)')", "bar"),
    ("REGEXP_EXTRACT('foo@bar',r'[a-z]+')", "foo"),
    ("REGEXP_EXTRACT('foo',r'\\d+')", None),
    ("REGEXP_EXTRACT('foo123',r'\\d+')", "123"),
    ("REGEXP_EXTRACT('foobar','o',1,2)", "o"),
    ("REGEXP_EXTRACT_ALL('a1b2',r'\\d')", ["1", "2"]),
    ("REGEXP_EXTRACT_ALL('a1b2',r'[a-z](\\d)')", ["1", "2"]),
    ("REGEXP_REPLACE('abcabc','b','x')", "axcaxc"),
    ("REGEXP_REPLACE('abc',r'(b)',r'<\\1>')", "a<b>c"),
    ("FORMAT('%d-%s',5,'x')", "5-x"),
    ("FORMAT('%.2f',1.5)", "1.50"),
    ("FORMAT('%05d',42)", "00042"),
    ("ASCII('A')", 65),
    ("CHR(65)", "A"),
    ("TO_HEX(MD5('a'))", "0cc175b9c0f1b6a831c399e269772661"),
    ("TO_HEX(SHA1('a'))", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("TO_HEX(SHA256('a'))", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    ("TO_BASE64(b'abc')", "YWJj"),
    ("FROM_BASE64('YWJj')", b"abc"),
    ("TO_HEX(b'ab')", "6162"),
    ("FROM_HEX('6162')", b"ab"),
    ("EDIT_DISTANCE('abc','abd')", 1),
    ("TRANSLATE('abc','ab','xy')", "xyc"),
    ("UNICODE('é')", 233),
    ("DATE '2020-01-02'", date(2020, 1, 2)),
    ("DATE(2020,1,2)", date(2020, 1, 2)),
    ("DATE(TIMESTAMP '2020-01-02 03:04:05+00')", date(2020, 1, 2)),
    ("DATE(DATETIME '2020-01-02 03:04:05')", date(2020, 1, 2)),
    ("DATE_ADD(DATE '2020-01-31', INTERVAL 1 MONTH)", date(2020, 2, 29)),
    ("DATE_SUB(DATE '2020-01-02', INTERVAL 2 DAY)", date(2019, 12, 31)),
    ("DATE_DIFF(DATE '2020-03-01', DATE '2020-02-01', DAY)", 29),
    ("DATE_DIFF(DATE '2020-03-01', DATE '2019-12-31', MONTH)", 3),
    ("DATE_DIFF(DATE '2020-03-01', DATE '2019-12-31', YEAR)", 1),
    ("DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', WEEK)", 1),
    ("DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', ISOWEEK)", 0),
    ("DATE_TRUNC(DATE '2020-05-17', MONTH)", date(2020, 5, 1)),
    ("DATE_TRUNC(DATE '2020-05-20', WEEK)", date(2020, 5, 17)),
    ("DATE_TRUNC(DATE '2020-05-20', ISOWEEK)", date(2020, 5, 18)),
    ("DATE_TRUNC(DATE '2020-05-20', WEEK(MONDAY))", date(2020, 5, 18)),
    ("DATE_TRUNC(DATE '2020-05-20', QUARTER)", date(2020, 4, 1)),
    ("EXTRACT(YEAR FROM DATE '2020-05-17')", 2020),
    ("EXTRACT(DAYOFWEEK FROM DATE '2020-05-17')", 1),
    ("EXTRACT(ISOWEEK FROM DATE '2020-05-17')", 20),
    ("EXTRACT(DAYOFYEAR FROM DATE '2020-05-17')", 138),
    ("EXTRACT(HOUR FROM TIMESTAMP '2020-01-02 03:04:05+00')", 3),
    ("EXTRACT(QUARTER FROM DATE '2020-05-17')", 2),
    ("EXTRACT(DATE FROM TIMESTAMP '2020-01-02 03:04:05+00')", date(2020, 1, 2)),
    ("EXTRACT(MICROSECOND FROM TIMESTAMP '2020-01-02 03:04:05.5+00')", 500000),
    ("EXTRACT(MILLISECOND FROM TIMESTAMP '2020-01-02 03:04:05.5+00')", 500),
    ("EXTRACT(SECOND FROM TIMESTAMP '2020-01-02 03:04:05.5+00')", 5),
    ("LAST_DAY(DATE '2020-02-03')", date(2020, 2, 29)),
    ("FORMAT_DATE('%Y/%m/%d', DATE '2020-01-02')", "2020/01/02"),
    ("FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%S', TIMESTAMP '2020-01-02 03:04:05+00')", "2020-01-02 03:04:05"),
    ("FORMAT_DATETIME('%H:%M', DATETIME '2020-01-02 03:04:05')", "03:04"),
    ("PARSE_DATE('%Y%m%d','20200102')", date(2020, 1, 2)),
    ("PARSE_DATETIME('%Y-%m-%d %H:%M:%S','2020-01-02 03:04:05')", naive(2020, 1, 2, 3, 4, 5)),
    ("DATE_FROM_UNIX_DATE(1)", date(1970, 1, 2)),
    ("UNIX_DATE(DATE '1970-01-02')", 1),
    ("UNIX_SECONDS(TIMESTAMP '1970-01-01 00:01:00+00')", 60),
    ("UNIX_MILLIS(TIMESTAMP '1970-01-01 00:01:00+00')", 60000),
    ("UNIX_MICROS(TIMESTAMP '1970-01-01 00:01:00+00')", 60000000),
    ("TIMESTAMP_DIFF(TIMESTAMP '2020-01-02 03:00:00+00', TIMESTAMP '2020-01-02 01:30:00+00', HOUR)", 1),
    ("TIMESTAMP_DIFF(TIMESTAMP '2020-01-02 03:00:00+00', TIMESTAMP '2020-01-02 01:30:00+00', MINUTE)", 90),
    ("TIMESTAMP_DIFF(TIMESTAMP '2020-01-02 03:10:00+00', TIMESTAMP '2020-01-02 01:30:00+00', HOUR)", 1),
    ("TIMESTAMP_DIFF(TIMESTAMP '2020-01-02 01:10:00+00', TIMESTAMP '2020-01-01 23:30:00+00', DAY)", 0),
    ("DATETIME '2020-01-02 03:04:05'", naive(2020, 1, 2, 3, 4, 5)),
    ("DATETIME(2020,1,2,3,4,5)", naive(2020, 1, 2, 3, 4, 5)),
    ("DATETIME(TIMESTAMP '2020-01-02 03:04:05+00')", naive(2020, 1, 2, 3, 4, 5)),
    ("DATETIME_ADD(DATETIME '2020-01-02 03:04:05', INTERVAL 1 DAY)", naive(2020, 1, 3, 3, 4, 5)),
    ("DATETIME_DIFF(DATETIME '2020-01-02 00:10:00', DATETIME '2020-01-01 23:50:00', DAY)", 1),
    ("DATETIME_TRUNC(DATETIME '2020-01-02 03:04:05', HOUR)", naive(2020, 1, 2, 3, 0)),
    ("TIME '03:04:05'", time(3, 4, 5)),
    ("TIME(3,4,5)", time(3, 4, 5)),
    ("ARRAY_LENGTH([1,2])", 2),
    ("ARRAY_CONCAT([1],[2])", [1, 2]),
    ("ARRAY_REVERSE([1,2])", [2, 1]),
    ("ARRAY_TO_STRING(['a','b'],'-')", "a-b"),
    ("ARRAY_TO_STRING(['a',NULL,'b'],'-','*')", "a-*-b"),
    ("GENERATE_ARRAY(1,3)", [1, 2, 3]),
    ("GENERATE_ARRAY(1,10,4)", [1, 5, 9]),
    (
        "GENERATE_DATE_ARRAY(DATE '2020-01-01', DATE '2020-01-03')",
        [date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3)],
    ),
    ("STRUCT(1 AS a,'x' AS b)", {"a": 1, "b": "x"}),
    ("STRUCT(1 AS a,'x' AS b).a", 1),
    ("STRUCT<a INT64, b STRING>(1,'x').b", "x"),
    ("(SELECT AS STRUCT 1 AS a, 2 AS b)", {"a": 1, "b": 2}),
    ("ARRAY(SELECT x FROM UNNEST([3,1,2]) AS x ORDER BY x)", [1, 2, 3]),
    ("ARRAY<INT64>[1,2]", [1, 2]),
    ("JSON_VALUE('{\"a\":{\"b\":1}}','$.a.b')", "1"),
    ("JSON_EXTRACT_SCALAR('{\"a\":\"x\"}','$.a')", "x"),
    ("TO_JSON_STRING(STRUCT(1 AS a))", '{"a":1}'),
    ("TO_JSON_STRING([1,2])", "[1,2]"),
    ("1 IN UNNEST([1,2])", True),
    ("3 IN (1,2)", False),
    ("'abc' LIKE 'a%'", True),
    ("'abc' NOT LIKE 'b%'", True),
    ("5 BETWEEN 1 AND 10", True),
    ("NOT TRUE", False),
    ("TRUE AND NULL", None),
    ("1 <> 2", True),
    ("1 != 2", True),
    ("5 & 3", 1),
    ("5 | 3", 7),
    ("5 ^ 3", 6),
    ("~5", -6),
    ("1 << 3", 8),
    ("-5", -5),
    ("BIT_COUNT(7)", 3),
    ("IS_NAN(CAST('nan' AS FLOAT64))", True),
    ("IS_INF(CAST('inf' AS FLOAT64))", True),
    ("COSH(0)", 1.0),
    ("TANH(0)", 0.0),
    ("CBRT(8)", 2.0),
    ("0x1F", 31),
    ("r'a\\nb'", "a\\nb"),
    ("'a\\nb'", "a\nb"),
    ('"dq"', "dq"),
    ("'''tri'ple'''", "tri'ple"),
    ("1 IS DISTINCT FROM NULL", True),
    ("DATE '2020-01-01' + 1", date(2020, 1, 2)),
    ("CAST(b'abc' AS STRING)", "abc"),
    ("LENGTH(b'abc')", 3),
    ("ROUND(2.345, 2)", 2.35),
    ("TRUNC(2.789, 1)", 2.7),
    ("MD5('a')", bytes.fromhex("0cc175b9c0f1b6a831c399e269772661")),
    ("EXTRACT(WEEK FROM DATE '2020-05-17')", 20),
    ("FORMAT_DATE('%A %b %e', DATE '2020-01-02')", "Thursday Jan 2"),
    ("PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2020-01-02 03:04:05')", utc(2020, 1, 2, 3, 4, 5)),
    ("TIMESTAMP_SECONDS(60)", utc(1970, 1, 1, 0, 1)),
    ("TIMESTAMP_MILLIS(60000)", utc(1970, 1, 1, 0, 1)),
    ("TIMESTAMP_MICROS(60000000)", utc(1970, 1, 1, 0, 1)),
    ("TIMESTAMP('2020-01-02 03:04:05')", utc(2020, 1, 2, 3, 4, 5)),
    ("TIMESTAMP('2020-01-02 03:04:05+02')", utc(2020, 1, 2, 1, 4, 5)),
    ("TIMESTAMP(DATE '2020-01-02')", utc(2020, 1, 2)),
    ("TIMESTAMP('2020-01-02 03:04:05', 'America/New_York')", utc(2020, 1, 2, 8, 4, 5)),
    ("TIMESTAMP_ADD(TIMESTAMP '2020-01-02 03:04:05+00', INTERVAL 1 HOUR)", utc(2020, 1, 2, 4, 4, 5)),
    ("TIMESTAMP_SUB(TIMESTAMP '2020-01-02 03:04:05+00', INTERVAL 1 DAY)", utc(2020, 1, 1, 3, 4, 5)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2020-01-02 03:04:05+00', HOUR)", utc(2020, 1, 2, 3)),
    ("CAST('1.5' AS NUMERIC)", Decimal("1.500000000")),
    ("UNIX_SECONDS(TIMESTAMP '1970-01-01 00:01:00.9+00')", 60),
    ("DATE_ADD(DATE '2020-01-01', INTERVAL 1 + 1 DAY)", date(2020, 1, 3)),
    ("FORMAT_TIMESTAMP('%H', TIMESTAMP '2020-01-02 03:04:05+00', 'America/New_York')", "22"),
    ("DATE(TIMESTAMP '2020-01-02 03:04:05+00', 'America/New_York')", date(2020, 1, 1)),
    ("DATETIME(TIMESTAMP '2020-01-02 03:04:05+00', 'Asia/Tokyo')", naive(2020, 1, 2, 12, 4, 5)),
    ("SUBSTR('hello', 1 - 1, 2)", "he"),
    ("1 / NULL", None),
    ("MOD(7, 2.0)", 1.0),
    ("STRING(TIMESTAMP '2020-01-02 03:04:05+00')", "2020-01-02 03:04:05+00"),
    ("GREATEST(1, 2.5)", 2.5),
    ("'it\\'s \\\"x\\\" -- \\\\ é ; \\u0041'", 'it\'s "x" -- \\ é ; A'),
    ('"it\'s"', "it's"),
    ("r'a\\b'", "a\\b"),
    ("b'a\\'b'", b"a'b"),
    (r"'a_c' LIKE 'a\\_c'", True),
    (r"'abc' LIKE r'a\_c'", False),
    (r"'abc' NOT LIKE 'a\\_c'", True),
    ("SUBSTR('abc', -10, 2)", "ab"),
    ("SUBSTR('abc', 1 - 3)", "bc"),
    ("SUBSTR(NULL, -1)", None),
    ("60 * 60 * 24 * 365 * 1000", 31_536_000_000),
    ("2147483647 + 1", 2**31),
    ("-2147483648 - 1", -(2**31) - 1),
    ("1 << 40", 2**40),
    ("UNIX_MILLIS(TIMESTAMP '1969-12-31 23:59:59.9995+00')", -1),
    ("DATE_DIFF(DATE '2024-01-01', DATE '2023-12-31', ISOYEAR)", 1),
    ("DATE_DIFF(DATE '2021-01-04', DATE '2021-01-01', ISOYEAR)", 1),
    ("CURRENT_DATETIME() < CURRENT_DATETIME('Asia/Tokyo')", True),
    ("LPAD('a', CAST(3 AS INT64), '.')", "..a"),
    ("ROUND(1.26, CAST(1 AS INT64))", 1.3),
    ("TRUNC(12.345, CAST(2 AS INT64))", 12.34),
    ("CHR(CAST(65 AS INT64))", "A"),
    ("DATE_FROM_UNIX_DATE(CAST(1 AS INT64))", date(1970, 1, 2)),
    ("ACOSH(1) + ASIN(0) + ASINH(0) + ATAN(0) + ATAN2(0, 1) + ATANH(0)", 0.0),
    ("COS(0) + SIN(0) + SINH(0) + TAN(0)", 1.0),
    ("COT(1)", 1 / math.tan(1)),
    ("SIGN(-2)", -1),
    ("RAND() < 1", True),
    ("LENGTH(GENERATE_UUID())", 36),
    ("UPPER('é')", "É"),
    ("CURRENT_DATE() = DATE(CURRENT_TIMESTAMP())", True),
    ("DATETIME_SUB(DATETIME '2020-01-02 00:00:00', INTERVAL 1 HOUR)", naive(2020, 1, 1, 23)),
    ("JSON_EXTRACT('{\"a\":[1,2]}', '$.a')", "[1,2]"),
    ("JSON_QUERY(PARSE_JSON('{\"a\":{\"b\":1}}'), '$.a')", '{"b":1}'),
]
QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SELECT * EXCEPT (arr, s) FROM t ORDER BY id", [(1, "a", 1.5), (2, "a", 2.5), (3, "b", None)]),
    (
        "SELECT * EXCEPT (arr, s) REPLACE (id * 2 AS id) FROM t ORDER BY id",
        [(2, "a", 1.5), (4, "a", 2.5), (6, "b", None)],
    ),
    ("SELECT id, x FROM t, UNNEST(arr) AS x ORDER BY 1, 2", [(1, 7), (1, 8), (2, 9)]),
    ("SELECT id, x, o FROM t, UNNEST(arr) AS x WITH OFFSET AS o ORDER BY 1, 2", [(1, 7, 0), (1, 8, 1), (2, 9, 0)]),
    ("SELECT x, offset FROM UNNEST(['a', 'b']) AS x WITH OFFSET ORDER BY offset", [("a", 0), ("b", 1)]),
    ("SELECT id, x FROM t LEFT JOIN UNNEST(arr) AS x ORDER BY 1, 2", [(1, 7), (1, 8), (2, 9), (3, None)]),
    (
        "SELECT id, x, o FROM t LEFT JOIN UNNEST(arr) AS x WITH OFFSET AS o ORDER BY 1, 2",
        [(1, 7, 0), (1, 8, 1), (2, 9, 0), (3, None, None)],
    ),
    ("SELECT id, x FROM t, t.arr AS x ORDER BY 1, 2", [(1, 7), (1, 8), (2, 9)]),
    ("SELECT e.a, e.b FROM UNNEST([STRUCT(1 AS a, 'x' AS b), STRUCT(2, 'y')]) AS e", [(1, "x"), (2, "y")]),
    ("SELECT s.x, t.s.y FROM t ORDER BY id", [(1, "p"), (2, "q"), (None, None)]),
    (
        "SELECT city, COUNT(*), COUNTIF(id > 1), SUM(id), AVG(amount) FROM t GROUP BY city ORDER BY city",
        [("a", 2, 1, 3, 2.0), ("b", 1, 1, 3, None)],
    ),
    ("SELECT ARRAY_AGG(id ORDER BY id DESC LIMIT 2) FROM t", [([3, 2],)]),
    ("SELECT ARRAY_AGG(amount IGNORE NULLS ORDER BY id) FROM t", [([1.5, 2.5],)]),
    ("SELECT STRING_AGG(city, '-' ORDER BY id) FROM t", [("a-a-b",)]),
    ("SELECT STRING_AGG(city, '-' ORDER BY id DESC LIMIT 2), STRING_AGG(DISTINCT city LIMIT 0) FROM t", [("b-a", "")]),
    ("SELECT STRING_AGG(city LIMIT 2) FROM t WHERE FALSE", [(None,)]),
    ("SELECT COUNTIF(id > 1), COUNTIF(DISTINCT id > 1) FROM t WHERE FALSE", [(0, 0)]),
    ("SELECT COUNTIF(id > 1), COUNTIF(DISTINCT id > 1), COUNTIF(NULL) FROM t", [(2, 1, 0)]),
    ("SELECT COUNTIF(id > 1) OVER (ORDER BY id) FROM t ORDER BY id", [(0,), (1,), (2,)]),
    ("SELECT ANY_VALUE(city HAVING MAX id), MAX_BY(city, id), MIN_BY(city, id) FROM t", [("b", "b", "a")]),
    ("SELECT LOGICAL_AND(id > 0), LOGICAL_OR(id > 5), COUNT(DISTINCT city) FROM t", [(True, False, 2)]),
    ("SELECT STDDEV(id), VAR_POP(id) FROM t", [(1.0, 2 / 3)]),
    ("SELECT VARIANCE(id), VAR_SAMP(id), STDDEV_SAMP(id), COVAR_SAMP(id, id) FROM t", [(1.0, 1.0, 1.0, 1.0)]),
    ("SELECT STDDEV_POP(id), COVAR_POP(id, id), CORR(id, id) FROM t", [(math.sqrt(2 / 3), 2 / 3, 1.0)]),
    ("SELECT BIT_AND(id), BIT_OR(id), BIT_XOR(id), MIN(id) FROM t", [(0, 3, 0, 1)]),
    (
        (
            "SELECT LEAD(id, 1, 0) OVER w, PERCENT_RANK() OVER w, CUME_DIST() OVER w, LAST_VALUE(id) OVER w, "
            "NTH_VALUE(id, 2) OVER w FROM t WINDOW w AS (ORDER BY id) LIMIT 1"
        ),
        [(2, 0.0, 1 / 3, 1, None)],
    ),
    ("SELECT DISTINCT PERCENTILE_DISC(id, 0.5) OVER () FROM t", [(2,)]),
    ("SELECT APPROX_COUNT_DISTINCT(city), APPROX_QUANTILES(id, 2) FROM t", [(2, [1, 2, 3])]),
    ("SELECT DISTINCT PERCENTILE_CONT(id, 0.5) OVER () FROM t", [(2.0,)]),
    ("SELECT id FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY city ORDER BY id DESC) = 1 ORDER BY id", [(2,), (3,)]),
    (
        "SELECT id, LAG(id) OVER (ORDER BY id), SUM(id) OVER w FROM t WINDOW w AS (ORDER BY id) ORDER BY id",
        [(1, None, 1), (2, 1, 3), (3, 2, 6)],
    ),
    (
        "SELECT SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY id",
        [(1,), (3,), (5,)],
    ),
    (
        (
            "SELECT FIRST_VALUE(amount IGNORE NULLS) OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND "
            "UNBOUNDED FOLLOWING) FROM t LIMIT 1"
        ),
        [(2.5,)],
    ),
    (
        (
            "SELECT NTILE(2) OVER (ORDER BY id), RANK() OVER (ORDER BY city), DENSE_RANK() OVER (ORDER BY city) "
            "FROM t ORDER BY id"
        ),
        [(1, 1, 1), (1, 1, 1), (2, 3, 2)],
    ),
    ("SELECT amount FROM t ORDER BY amount", [(None,), (1.5,), (2.5,)]),
    ("SELECT amount FROM t ORDER BY amount DESC", [(2.5,), (1.5,), (None,)]),
    ("SELECT city, SUM(id) FROM t GROUP BY ROLLUP(city) ORDER BY city", [(None, 6), ("a", 3), ("b", 3)]),
    ("SELECT UPPER(city) AS city, COUNT(*) FROM t GROUP BY City ORDER BY city", [("A", 2), ("B", 1)]),
    ("SELECT COUNT(*), id > 1 AS id FROM t GROUP BY id ORDER BY id", [(1, False), (2, True)]),
    (
        "SELECT id > 1 AS big, city AS c, COUNT(*) FROM t GROUP BY c, big ORDER BY 1, 2",
        [(False, "a", 1), (True, "a", 1), (True, "b", 1)],
    ),
    ("SELECT city AS c FROM t GROUP BY c HAVING COUNT(*) > 1", [("a",)]),
    ("WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), t2 AS (SELECT x * 2 AS y FROM a) SELECT SUM(y) FROM t2", [(6,)]),
    ("SELECT x FROM (SELECT 1 AS x UNION DISTINCT SELECT 1)", [(1,)]),
    ("SELECT id FROM t EXCEPT DISTINCT SELECT 1 ORDER BY id", [(2,), (3,)]),
    ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT SUM(n) FROM r", [(15,)]),
    ("SELECT (SELECT MAX(u.id) FROM t AS u WHERE u.city = t.city) FROM t ORDER BY id", [(2,), (2,), (3,)]),
    ("SELECT id FROM t WHERE EXISTS (SELECT 1 FROM t AS u WHERE u.id = t.id + 1) ORDER BY id", [(1,), (2,)]),
    ("SELECT ARRAY(SELECT AS STRUCT id, city FROM t ORDER BY id LIMIT 1)", [([{"id": 1, "city": "a"}],)]),
    ("SELECT AS STRUCT 1 AS a, 2 AS b", [(1, 2)]),
    ("SELECT a.id, b.city FROM t AS a JOIN t AS b USING (id) WHERE b.city = 'b'", [(3, "b")]),
    (
        (
            "SELECT EXTRACT(DAYOFWEEK FROM ts), DATE(ts), DATETIME(ts), DATE_TRUNC(d, MONTH), ts > "
            "CURRENT_TIMESTAMP() FROM ev"
        ),
        [(5, date(2020, 1, 2), naive(2020, 1, 2, 3, 4, 5), date(2020, 1, 1), False)],
    ),
    (
        (
            "SELECT TIMESTAMP_DIFF(ts, TIMESTAMP '2020-01-01 23:00:00+00', DAY), DATE_DIFF(d, DATE '2020-01-01', "
            "DAY) FROM ev"
        ),
        [(0, 1)],
    ),
]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, rows in {
            "t": """(1, 'a', 1.5::DOUBLE, [7, 8], {'x': 1, 'y': 'p'}), (2, 'a', 2.5, [9], {'x': 2, 'y': 'q'}),
                    (3, 'b', NULL, [], NULL)) AS v (id, city, amount, arr, s)""",
            "ev": "(TIMESTAMPTZ '2020-01-02 03:04:05+00', DATE '2020-01-02')) AS v (ts, d)",
        }.items():
            quoted = TABLES[name].replace('"', '""')
            connection.execute(f'CREATE TABLE "{quoted}" AS SELECT * FROM (VALUES {rows}')  # noqa: S608
        yield connection


def run(database: duckdb.DuckDBPyConnection, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    return database.execute(to_duckdb(read_select(query), TABLES), parameters).fetchall()


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_an_expression_has_the_value_that_bigquery_gives_it(
    database: duckdb.DuckDBPyConnection, expression: str, value: Any
) -> None:
    [(found,)] = run(database, f"SELECT {expression} AS found")
    assert type(found) is type(value)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(("query", "rows"), QUERIES)
def test_a_query_has_the_rows_that_bigquery_gives_it(
    database: duckdb.DuckDBPyConnection, query: str, rows: list[tuple[Any, ...]]
) -> None:
    assert run(database, query) == [pytest.approx(row) if _is_plain(row) else row for row in rows]


def test_every_documented_function_is_run_here() -> None:
    """Or on Athena: DuckDB has one of the SHAs."""
    said = " ".join(query for query, _ in (*VALUES, *QUERIES))
    assert documented_functions() - {*re.findall(r"\w+(?=\()", said)} == {"SHA512"}


def _is_plain(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, float) for value in row)


@pytest.mark.parametrize("expression", ["1 / 0", "DIV(1, 0)", "MOD(1, 0)", "id / (id - id)", "9223372036854775807 + 1"])
def test_what_fails_in_bigquery_fails(database: duckdb.DuckDBPyConnection, expression: str) -> None:
    with pytest.raises(duckdb.Error):
        run(database, f"SELECT {expression} AS found FROM t")  # noqa: S608


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("@p", "it's; DROP TABLE t --"),
        ("@p", 5),
        ("@p", -1.5),
        ("@p", True),
        ("@p", [1, 2]),
        ("@p", None),
        ("@p || 'x'", "a"),
    ],
)
def test_a_parameter_is_a_value_and_no_sql(database: duckdb.DuckDBPyConnection, expression: str, value: Any) -> None:
    [(found,)] = run(database, f"SELECT {expression} AS found", {"p": value})
    assert found == ("ax" if "||" in expression else value)


def test_a_parameter_may_be_a_pattern_whose_signs_are_text(database: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT 'a%' LIKE @p AS a, 'ab' LIKE @p AS b"
    assert run(database, query, {"p": r"a\%"}) == [(True, False)]


@pytest.mark.parametrize(
    ("values", "ids"), [(["a"], [1, 2]), (["b", "c"], [3]), ([], []), (["x'; DROP TABLE t --"], [])]
)
def test_a_list_of_parameters_is_searched(
    database: duckdb.DuckDBPyConnection, values: list[str], ids: list[int]
) -> None:
    rows = run(database, "SELECT id FROM t WHERE city IN UNNEST(@list) ORDER BY id", {"list": values})
    assert [number for (number,) in rows] == ids


def test_positional_parameters_stay_in_their_order(database: duckdb.DuckDBPyConnection) -> None:
    assert run(database, "SELECT ? AS a, ? AS b", [1, "x"]) == [(1, "x")]


def test_columns_have_the_names_that_bigquery_gives_them(database: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT ID, 1, COUNT(*) OVER (), city AS `My City`, s.x FROM t"
    found = database.execute(to_duckdb(read_select(query), TABLES)).description
    assert [column[0] for column in found or []] == ["ID", "f0_", "f1_", "My City", "x"]


def test_text_of_any_kind_comes_through(database: duckdb.DuckDBPyConnection) -> None:
    for text in ("'", '"', "\\", "--", "/*", "*/", ";", "$p", "?", "{{", "\n\t\r", "é😀\u202e", "%s", "''"):
        written = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        assert run(database, f"SELECT '{written}' AS found") == [(text,)]


def test_a_table_is_found_by_what_stands_for_it_whatever_that_is_called(database: duckdb.DuckDBPyConnection) -> None:
    assert run(database, "SELECT t.id FROM t WHERE t.id = 3") == [(3,)]
    assert run(database, "WITH t2 AS (SELECT 5 AS id) SELECT t2.id FROM t2") == [(5,)]
    assert math.isclose(run(database, "SELECT MAX(amount) AS m FROM `t` AS t2")[0][0], 2.5)
