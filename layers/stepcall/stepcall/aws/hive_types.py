"""Types of columns in the words of BigQuery and in Hive's, which Glue's tables and Athena's DDL use.

Source: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from stepcall.use_cases.query_service import UnknownTypeError

HIVE: Mapping[str, str] = MappingProxyType(
    {
        "INT64": "bigint",
        "FLOAT64": "double",
        "STRING": "string",
        "JSON": "string",
        "BOOL": "boolean",
        "BYTES": "binary",
        "DATE": "date",
        "DATETIME": "timestamp",
        "TIMESTAMP": "timestamp",
        "NUMERIC": "decimal(38,9)",
        "BIGNUMERIC": "decimal(38,18)",
    }
)
BIGQUERY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), "INT64"),
        **dict.fromkeys(("float", "double"), "FLOAT64"),
        **dict.fromkeys(("string", "varchar", "char"), "STRING"),
        "boolean": "BOOL",
        "binary": "BYTES",
        "date": "DATE",
        "timestamp": "DATETIME",  # of no time zone, in the catalogue as in the objects
    }
)
NESTED = re.compile(r"(array|struct|map)<(.*)>", re.IGNORECASE | re.DOTALL)
DECIMAL = re.compile(r"decimal(?:\((\d+)(?:,\s*(\d+))?\))?", re.IGNORECASE)
NUMERIC_DIGITS, NUMERIC_SCALE = 29, 9
SIZE = re.compile(r"\([^()]*\)")


def to_hive(bigquery: str) -> str:
    """Hive's word for BigQuery's. Raises UnknownTypeError."""
    if nested := NESTED.fullmatch(bigquery.strip()):
        kind, inside = nested[1].lower(), nested[2]
        if kind == "array":
            return f"array<{to_hive(inside)}>"
        fields = (field.strip().partition(" ") for field in _split(inside))
        return f"struct<{','.join(f'{name}:{to_hive(of)}' for name, _, of in fields)}>"
    word = SIZE.sub("", bigquery).strip().upper()
    if word not in HIVE:
        raise UnknownTypeError(f"Athena has no columns of the type {word}.")
    return HIVE[word]


def to_bigquery(hive: str) -> str:
    """BigQuery's word for Hive's; a type that BigQuery has not is shown as the JSON that its values are in rows."""
    if nested := NESTED.fullmatch(hive.strip()):
        kind, inside = nested[1].lower(), nested[2]
        if kind == "array":
            return f"ARRAY<{to_bigquery(inside)}>"
        if kind == "map":
            return "JSON"
        fields = (field.partition(":") for field in _split(inside))
        return f"STRUCT<{', '.join(f'{name} {to_bigquery(of)}' for name, _, of in fields)}>"
    if sized := DECIMAL.fullmatch(hive.strip()):
        precision, scale = int(sized[1] or 10), int(sized[2] or 0)
        return "NUMERIC" if scale <= NUMERIC_SCALE and precision - scale <= NUMERIC_DIGITS else "BIGNUMERIC"
    return BIGQUERY.get(SIZE.sub("", hive).strip().lower(), "JSON")


def _split(fields: str) -> Iterator[str]:
    """At the commas that are in no brackets."""
    depth, start = 0, 0
    for index, character in enumerate(fields):
        depth += (character in "<(") - (character in ">)")
        if character == "," and not depth:
            yield fields[start:index]
            start = index + 1
    yield fields[start:]
