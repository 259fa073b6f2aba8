"""What is written for Athena, read back by sqlglot for DuckDB: it means there what the query means in BigQuery.

Nobody here can run Trino. This finds what is written otherwise than it is meant, not what Trino takes otherwise.
"""

import math
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

import duckdb
import pytest
import sqlglot

from stepcall.sql.faults import SqlError
from stepcall.sql.statement import read_select
from stepcall.sql.transpile import to_athena
from tests.contract.test_sql_in_duckdb import VALUES

ONLY_TRINO = (
    "DIV(",  # `/` of whole numbers is a whole number there
    "FORMAT('",  # Java's formats
    "EXTRACT(DAYOF",  # DAY_OF_WEEK, DAY_OF_YEAR
    "TIMESTAMP_DIFF(",  # whole units that have passed, as BigQuery's; DuckDB counts boundaries
    "TO_HEX(SHA1(",  # bytes; DuckDB gives hexadecimal text
    "REGEXP_EXTRACT('foo',r'\\d+')",  # NULL where nothing matches; DuckDB gives an empty text
    "1 << ",  # BITWISE_LEFT_SHIFT
    "LPAD('a', CAST(",  # sizes and codes of 64 bits
    "CHR(CAST(",
    "FORMAT_TIMESTAMP('%H', TIMESTAMP '2020-01-02 03:04:05+00', 'America/New_York')",  # AT_TIMEZONE
    "DATE(TIMESTAMP '2020-01-02 03:04:05+00', 'America/New_York')",
    "DATETIME(TIMESTAMP '2020-01-02 03:04:05+00', 'Asia/Tokyo')",
    "TIMESTAMP('2020-01-02 03:04:05', 'America/New_York')",  # WITH_TIMEZONE
)
"""Beginnings of expressions for which DuckDB, or sqlglot's reading for it, is no judge of Trino."""
READ_BACK = [(expression, value) for expression, value in VALUES if not expression.startswith(ONLY_TRINO)]
LEAST = 150


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def written(expression: str) -> str | None:
    """None for what is refused."""
    select = read_select(f"SELECT {expression} AS z")
    try:
        return to_athena(select, {}, {})
    except SqlError:
        return None


@pytest.mark.parametrize(("expression", "value"), READ_BACK, ids=[expression for expression, _ in READ_BACK])
def test_what_is_written_for_athena_has_the_value_that_bigquery_gives(
    database: duckdb.DuckDBPyConnection, expression: str, value: Any
) -> None:
    if (text := written(expression)) is None:
        return
    [query] = sqlglot.transpile(text, read="athena", write="duckdb")
    [(found,)] = database.execute(query).fetchall()
    assert is_same(found, value), text


def is_same(found: Any, value: Any) -> bool:
    """DuckDB makes dates timestamps where Trino does not, and a time zone may be there that a table will not keep."""
    if isinstance(value, list) and isinstance(found, list) and len(found) == len(value):
        return all(is_same(one, other) for one, other in zip(found, value, strict=True))
    if isinstance(value, int | float) and not isinstance(value, bool) and found is not None:
        return math.isclose(float(found), value)
    if isinstance(found, datetime):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return found.replace(tzinfo=None) == moment.replace(tzinfo=None)
    return bool(found == value)


def test_most_expressions_are_not_refused() -> None:
    assert sum(written(expression) is not None for expression, _ in READ_BACK) >= LEAST
