"""The port to connections and their datasets. Every tenant has the default connection, stored or not."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stepcall.domain.connection import NAME_PATTERN, Connection, ConnectionWithDatasets, Dataset
from stepcall.domain.errors import StepcallError


class ConnectionNotFoundError(StepcallError):
    """The tenant has no connection of this name."""


class ConnectionExistsError(StepcallError):
    """The tenant has a connection of this name already."""


class DatasetNotFoundError(StepcallError):
    """The connection has no dataset of this name."""


def read_connection_name(text: str) -> str:
    """A name from a path. Raises ConnectionNotFoundError for what no connection can be called."""
    if not re.fullmatch(NAME_PATTERN, text):
        raise ConnectionNotFoundError("No connection can have this name.")
    return text


class ConnectionStore(Protocol):
    def put(self, connection: Connection, datasets: Sequence[Dataset]) -> None:
        """Store a new connection with its datasets, all or nothing. Raises ConnectionExistsError."""

    def get(self, tenant: str, name: str) -> Connection:
        """Raises ConnectionNotFoundError."""

    def get_with_datasets(self, tenant: str, name: str) -> ConnectionWithDatasets:
        """Raises ConnectionNotFoundError."""

    def list_by_tenant(self, tenant: str) -> Sequence[ConnectionWithDatasets]:
        """All of a tenant's, the default connection first, then by name."""

    def put_dataset(self, tenant: str, connection: str, dataset: Dataset, now: datetime) -> None:
        """Store a dataset in place of what has its name, and move `changed_at`. Raises ConnectionNotFoundError."""

    def delete_dataset(self, tenant: str, connection: str, dataset: str, now: datetime) -> None:
        """And move `changed_at`. Raises ConnectionNotFoundError, DatasetNotFoundError."""

    def touch(self, tenant: str, connection: str, now: datetime) -> None:
        """Move `changed_at` alone. Raises ConnectionNotFoundError."""

    def delete(self, tenant: str, name: str) -> None:
        """Delete a connection and its datasets. Raises ConnectionNotFoundError."""
