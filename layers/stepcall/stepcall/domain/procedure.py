"""A workflow that is called as a stored procedure: its name, its parameters' types, and the table of a call's result.

Source: contracts/carto.md.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from stepcall.domain.json_text import write_json
from stepcall.domain.types import ValueType

SCHEMA = "workflows_temp"
PREFIX = "wfproc_"
OUTPUT_INFIX = "_out_"
LARGEST_ALIKE = 10**15
"""Below it a whole number is printed alike, be it an integer or not."""
SQL_TYPES: Mapping[ValueType, str] = MappingProxyType(
    {
        ValueType.INTEGER: "INT64",
        ValueType.NUMBER: "FLOAT64",
        ValueType.STRING: "STRING",
        ValueType.FILE: "STRING",
        ValueType.BOOLEAN: "BOOL",
        ValueType.OBJECT: "JSON",
        ValueType.ARRAY: "JSON",
    }
)
"""BigQuery's words for our types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A version of a workflow that has been made callable on a connection."""

    tenant: str
    workflow_id: UUID
    workflow_version: int
    connection: str
    """The connection's name."""
    cache: bool = True
    """Whether a call with parameters that were computed before reuses their table."""
    enabled_at: datetime

    @property
    def name(self) -> str:
        return procedure_name(self.tenant, self.workflow_id)


def procedure_name(tenant: str, workflow_id: UUID) -> str:
    """`<project>.workflows_temp.wfproc_<16 hex>`: it belongs to the workflow and never changes."""
    digest = hashlib.sha256(workflow_id.bytes).hexdigest()[:16]
    return f"{project_of(tenant)}.{SCHEMA}.{PREFIX}{digest}"


def project_of(tenant: str) -> str:
    """A tenant as the first part of a name that is split at its dots."""
    return tenant.replace(".", "-")


def output_table_name(procedure: str, arguments: Mapping[str, Any]) -> str:
    """Where the output of a call with these arguments, after defaults, is found: the same for the same arguments."""
    text = ",".join(print_argument(arguments[name]) for name in sorted(arguments))
    digest = hashlib.md5(text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()[:16]
    return f"{procedure}{OUTPUT_INFIX}{digest}"


def print_argument(value: Any) -> str:
    """A value as BigQuery casts it to STRING: `2` for 2.0. Integers keep all their digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _print_float(value)
    return str(value) if isinstance(value, int) else "NULL" if value is None else write_json(value)


def _print_float(value: float) -> str:
    """BigQuery's FLOAT64: as few of 15 to 17 digits as give the same number again."""
    texts = (f"{value:.{digits}g}" for digits in (15, 16, 17))
    return next(text for text in texts if float(text) == value)


def fingerprint(arguments: Mapping[str, Any]) -> str:
    """What tells calls apart that share a table's name, which joins its values by commas: 64 hexadecimal digits."""
    text = write_json({name: canonical(arguments[name]) for name in sorted(arguments)})
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """2.0 and 2 are one value, at the top as in the table's name; beyond 15 digits that name tells them apart."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_ALIKE
    return int(value) if is_whole else value
