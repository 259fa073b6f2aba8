"""Types of columns in BigQuery's words and in Hive's."""

import pytest

from stepcall.aws.hive_types import to_bigquery, to_hive
from stepcall.use_cases.query_service import UnknownTypeError

BOTH_WAYS = {
    "INT64": "bigint",
    "FLOAT64": "double",
    "STRING": "string",
    "BOOL": "boolean",
    "BYTES": "binary",
    "DATE": "date",
    "DATETIME": "timestamp",
    "NUMERIC": "decimal(38,9)",
    "BIGNUMERIC": "decimal(38,18)",
    "ARRAY<INT64>": "array<bigint>",
    "STRUCT<a INT64, b STRING>": "struct<a:bigint,b:string>",
    "ARRAY<STRUCT<a ARRAY<FLOAT64>, b STRUCT<c DATE, d NUMERIC>>>": (
        "array<struct<a:array<double>,b:struct<c:date,d:decimal(38,9)>>>"
    ),
}


@pytest.mark.parametrize(("bigquery", "hive"), BOTH_WAYS.items())
def test_a_type_is_told_both_ways(bigquery: str, hive: str) -> None:
    assert to_hive(bigquery) == hive
    assert to_bigquery(hive) == bigquery


@pytest.mark.parametrize(
    ("hive", "bigquery"),
    [
        ("int", "INT64"),
        ("varchar(10)", "STRING"),
        ("decimal(10,2)", "NUMERIC"),
        ("decimal(38,0)", "BIGNUMERIC"),
        ("float", "FLOAT64"),
        ("map<string,bigint>", "JSON"),
        ("uniontype<int,string>", "JSON"),
    ],
)
def test_what_athena_makes_besides_has_a_word_too(hive: str, bigquery: str) -> None:
    assert to_bigquery(hive) == bigquery


@pytest.mark.parametrize(
    ("bigquery", "hive"), [("TIMESTAMP", "timestamp"), ("JSON", "string"), ("STRING(10)", "string")]
)
def test_some_types_lose_something(bigquery: str, hive: str) -> None:
    assert to_hive(bigquery) == hive


@pytest.mark.parametrize("bigquery", ["GEOGRAPHY", "TIME", "ARRAY<INTERVAL>", "STRUCT<a RANGE>"])
def test_a_type_that_athena_has_not_is_refused_by_name(bigquery: str) -> None:
    with pytest.raises(UnknownTypeError, match=r"the type (GEOGRAPHY|TIME|INTERVAL|RANGE)\."):
        to_hive(bigquery)
