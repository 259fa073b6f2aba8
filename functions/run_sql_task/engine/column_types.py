"""A column's type: BigQuery's word for it, how it is kept in Parquet, and how its values are said in JSON.

Integers are kept as BIGINT and floats as DOUBLE, so that later queries compute with them as BigQuery does; DuckDB's
HUGEINT, which its sums of integers are, would become a float in Parquet.
"""

import base64
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from duckdb.sqltypes import DuckDBPyType

from stepcall.domain.json_text import MalformedJsonError, read_json

ROOM = 60
"""Levels of nesting that an answer needs around a value."""


class ColumnType(NamedTuple):
    """`kept` and `shown` are types of DuckDB's, to cast to before writing Parquet, and before `to_json`."""

    word: str
    kept: str
    shown: str
    to_json: Callable[[Any], Any]


def quote(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _same(value: Any) -> Any:
    return value


def _of_float(value: float) -> float | str:
    """What is not finite as BigQuery says it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _of_decimal(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _of_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _of_json(text: str) -> Any:
    """What cannot be said inside an answer, such as what nests too deep, stays text."""
    # what has few brackets is not deep, and need not be wrapped to find out
    room = ROOM if text.count("[") + text.count("{") > ROOM else 0
    try:
        value = read_json("[" * room + text + "]" * room)
    except MalformedJsonError:
        return text
    for _ in range(room):
        value = value[0]
    return value


def _of_datetime(value: str) -> str:
    return value.replace(" ", "T", 1)


def _of_timestamp(value: str) -> str:
    """DuckDB prints `2026-01-02 03:04:05+00`, as the time zone is set to UTC, or `infinity`."""
    return f"{_of_datetime(value).removesuffix('+00')}Z" if value.endswith("+00") else value


INTEGER = ColumnType("INT64", "BIGINT", "BIGINT", _same)
FLOAT = ColumnType("FLOAT64", "DOUBLE", "DOUBLE", _of_float)
TEXT = ColumnType("STRING", "VARCHAR", "VARCHAR", _same)
JSON = ColumnType("JSON", "JSON", "VARCHAR", _of_json)
DATETIME = ColumnType("DATETIME", "TIMESTAMP", "VARCHAR", _of_datetime)
SCALARS: Mapping[str, ColumnType] = MappingProxyType(
    {
        **dict.fromkeys(("tinyint", "smallint", "integer", "bigint", "hugeint", "bignum"), INTEGER),
        **dict.fromkeys(("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"), INTEGER),
        **dict.fromkeys(("float", "double"), FLOAT),
        **dict.fromkeys(("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"), DATETIME),
        "boolean": ColumnType("BOOL", "BOOLEAN", "BOOLEAN", _same),
        "blob": ColumnType("BYTES", "BLOB", "BLOB", _of_bytes),
        "date": ColumnType("DATE", "DATE", "VARCHAR", _same),
        "time": ColumnType("TIME", "TIME", "VARCHAR", _same),
        "timestamp with time zone": ColumnType("TIMESTAMP", "TIMESTAMPTZ", "VARCHAR", _of_timestamp),
        "interval": ColumnType("INTERVAL", "INTERVAL", "VARCHAR", _same),
    }
)
"""By DuckDB's id. What is not here, such as UUID and ENUM, is text."""


def column_type(kind: DuckDBPyType) -> ColumnType:
    """Of a type of DuckDB's."""
    if kind.id == "varchar":
        return JSON if str(kind) == "JSON" else TEXT
    if kind.id not in {"list", "array", "struct", "map", "decimal"}:
        return SCALARS.get(kind.id, TEXT)
    children: dict[str, Any] = dict(kind.children)
    if kind.id == "decimal":
        return _decimal(**children)
    if kind.id == "struct":
        has_names = all(name for name, _ in kind.children)
        return _struct_of({name: column_type(child) for name, child in children.items()}) if has_names else TEXT
    if kind.id == "map":
        return _map_of(column_type(children["key"]), column_type(children["value"]))
    return _array_of(column_type(children["child"]))


def _decimal(precision: int, scale: int) -> ColumnType:
    word = "NUMERIC" if scale <= 9 else "BIGNUMERIC"
    kept = f"DECIMAL({precision},{scale})"
    return ColumnType(word, kept, kept, _of_decimal)


def _array_of(element: ColumnType) -> ColumnType:
    def to_json(values: Any) -> Any:
        return [say(element, value) for value in values]

    return ColumnType(f"ARRAY<{element.word}>", f"{element.kept}[]", f"{element.shown}[]", to_json)


def _struct_of(fields: Mapping[str, ColumnType]) -> ColumnType:
    def to_json(values: Any) -> Any:
        return {name: say(field, values[name]) for name, field in fields.items()}

    def spell(part: Callable[[ColumnType], str]) -> str:
        return ", ".join(f"{quote(name)} {part(field)}" for name, field in fields.items())

    words = ", ".join(f"{name} {field.word}" for name, field in fields.items())
    kept, shown = spell(lambda field: field.kept), spell(lambda field: field.shown)
    return ColumnType(f"STRUCT<{words}>", f"STRUCT({kept})", f"STRUCT({shown})", to_json)


def _map_of(key: ColumnType, value: ColumnType) -> ColumnType:
    """BigQuery has no maps. Of keys that are no single values only the text is shown."""

    def to_json(values: Any) -> Any:
        return [{"key": say(key, each), "value": say(value, values[each])} for each in values]

    word, kept = f"ARRAY<STRUCT<key {key.word}, value {value.word}>>", f"MAP({key.kept}, {value.kept})"
    if key.shown.endswith((")", "]")) and not key.shown.startswith("DECIMAL"):
        return ColumnType(word, kept, "VARCHAR", _same)
    return ColumnType(word, kept, f"MAP({key.shown}, {value.shown})", to_json)


def say(kind: ColumnType, value: Any) -> Any:
    """A value as it came from DuckDB, cast to `shown`, in JSON."""
    return None if value is None else kind.to_json(value)
