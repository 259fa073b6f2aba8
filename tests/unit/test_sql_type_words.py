"""Types of columns are read as BigQuery writes them, whatever people call the fields in them."""

import pytest
from sqlglot import exp

from stepcall.sql.type_words import BIGQUERY, MAX_DEPTH, SCALARS, read_type
from tests.unit.counted_calls import count_calls


def nested(depth: int) -> str:
    return "STRUCT<a " * (depth - 1) + "INT64" + ">" * (depth - 1)


@pytest.mark.parametrize(
    "text",
    [
        *SCALARS,
        "ARRAY<INT64>",
        "STRUCT<a INT64, b STRING>",
        "ARRAY<STRUCT<date DATE, `array` ARRAY<FLOAT64>>>",
        "STRUCT<INT64, ARRAY<STRING>>",
        "STRUCT<`a b` INT64, größe STRING>",
        nested(MAX_DEPTH),
    ],
)
def test_a_type_is_written_as_it_was_read(text: str) -> None:
    assert read_type(text).sql(dialect=BIGQUERY) == text
    assert read_type(text) == exp.DataType.build(text, dialect=BIGQUERY)


def test_a_size_is_dropped() -> None:
    assert read_type("ARRAY<NUMERIC(10, 2)>") == read_type("array<numeric>")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INT64)",
        "INT64 INT64",
        "NUMERIC(1, 2, 3)",
        "RANGE<DATE>",
        "ARRAY<>",
        "ARRAY<a INT64>",
        "STRUCT<a INT64",
        "STRUCT<a b INT64>",
        "STRUCT<a INT64 DEFAULT STRUCT(1)>",
        "STRUCT<a'b INT64>",
        "STRUCT<`a``b` INT64>",
        nested(MAX_DEPTH + 1),
        nested(20_000),
    ],
)
def test_what_is_no_type_is_unknown(text: str) -> None:
    assert read_type(text).this is exp.DType.UNKNOWN


@pytest.mark.parametrize(
    "text", ["STRUCT<a INT64 DEFAULT " + "STRUCT(" * 5_000, "STRUCT<" + "a INT64, " * 5_000, "ARRAY<" * 5_000]
)
def test_a_type_is_read_in_linear_time(text: str) -> None:
    assert count_calls(lambda: read_type(text), at_most=50 * len(text)) < 50 * len(text)
