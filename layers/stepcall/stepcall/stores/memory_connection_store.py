"""Connections in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import RLock

from stepcall.domain.connection import (
    DEFAULT_CONNECTION,
    Connection,
    ConnectionWithDatasets,
    Dataset,
    default_connection,
)
from stepcall.stores.connection_store import ConnectionExistsError, ConnectionNotFoundError, DatasetNotFoundError


class MemoryConnectionStore:
    """See ConnectionStore."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], ConnectionWithDatasets] = {}
        self._lock = RLock()

    def put(self, connection: Connection, datasets: Sequence[Dataset]) -> None:
        found = ConnectionWithDatasets(connection, {each.name: each for each in sorted(datasets, key=_name_of)})
        with self._lock:
            if self._found.setdefault((connection.tenant, connection.name), found) != found:
                raise ConnectionExistsError("There is a connection of this name.")

    def get(self, tenant: str, name: str) -> Connection:
        return self.get_with_datasets(tenant, name).connection

    def get_with_datasets(self, tenant: str, name: str) -> ConnectionWithDatasets:
        found = self._found.get((tenant, name))
        if found is None and name == DEFAULT_CONNECTION:
            return ConnectionWithDatasets(default_connection(tenant))
        if found is None:
            raise ConnectionNotFoundError("There is no connection of this name.")
        return found

    def list_by_tenant(self, tenant: str) -> Sequence[ConnectionWithDatasets]:
        names = sorted(name for owner, name in self._found if owner == tenant and name != DEFAULT_CONNECTION)
        return [self.get_with_datasets(tenant, name) for name in (DEFAULT_CONNECTION, *names)]

    def put_dataset(self, tenant: str, connection: str, dataset: Dataset, now: datetime) -> None:
        with self._lock:
            found = self.get_with_datasets(tenant, connection)
            self._change(found, {**found.datasets, dataset.name: dataset}, now)

    def delete_dataset(self, tenant: str, connection: str, dataset: str, now: datetime) -> None:
        with self._lock:
            found = self.get_with_datasets(tenant, connection)
            if dataset not in found.datasets:
                raise DatasetNotFoundError("The connection has no dataset of this name.")
            self._change(found, {name: each for name, each in found.datasets.items() if name != dataset}, now)

    def touch(self, tenant: str, connection: str, now: datetime) -> None:
        with self._lock:
            found = self.get_with_datasets(tenant, connection)
            self._change(found, dict(found.datasets), now)

    def delete(self, tenant: str, name: str) -> None:
        with self._lock:
            if self._found.pop((tenant, name), None) is None:
                raise ConnectionNotFoundError("There is no connection of this name.")

    def _change(self, found: ConnectionWithDatasets, datasets: dict[str, Dataset], now: datetime) -> None:
        connection = replace(found.connection, changed_at=now)
        self._found[connection.tenant, connection.name] = ConnectionWithDatasets(
            connection, dict(sorted(datasets.items()))
        )


def _name_of(dataset: Dataset) -> str:
    return dataset.name
