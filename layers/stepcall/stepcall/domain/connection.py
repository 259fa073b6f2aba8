"""Connections: where a tenant's SQL runs, and the datasets that its queries may name.

Source: contracts/carto.md. A connection's name stands in the path of a job, its id in the job as `connectionId`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

DEFAULT_CONNECTION = "carto_dw"
DEFAULT_LOCATION = "US"
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$"
"""Of connections."""
DATASET_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
"""Of datasets: a query names them without quotes."""


class SqlEngine(StrEnum):
    """What runs a connection's SQL."""

    DUCKDB = "duckdb"
    ATHENA = "athena"


class Column(NamedTuple):
    """A column of a table. `type` is BigQuery's word: INT64, FLOAT64, STRING, BOOL, TIMESTAMP, ARRAY<INT64> …"""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A table that queries of a connection may name: one Parquet object of the data bucket."""

    name: str
    key: str
    """Of the object, below `datasets/`."""
    columns: tuple[Column, ...]
    row_count: int
    size: int
    """Bytes of the object."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`changed_at` is when its datasets were last changed: what was computed before is not reused."""

    tenant: str
    connection_id: UUID
    name: str
    engine: SqlEngine = SqlEngine.DUCKDB
    location: str = DEFAULT_LOCATION
    """What jobs say of where the data lies."""
    created_at: datetime | None = None
    """None for the default connection, which every tenant has without making it."""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectionWithDatasets:
    """A connection and its datasets by name."""

    connection: Connection
    datasets: Mapping[str, Dataset] = field(default_factory=dict)


def default_connection(tenant: str) -> Connection:
    """The connection that every tenant has. Its id is made of the tenant, so it is the same every time."""
    connection_id = uuid5(NAMESPACE_URL, f"urn:stepcall:connection:{tenant}")
    return Connection(tenant=tenant, connection_id=connection_id, name=DEFAULT_CONNECTION)
