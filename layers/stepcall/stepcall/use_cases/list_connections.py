"""Which connections there are, and what is on them."""

from collections.abc import Sequence
from dataclasses import replace

from stepcall.domain.access import Caller
from stepcall.domain.connection import ConnectionWithDatasets
from stepcall.use_cases.dependencies import FaceDependencies


def list_connections(caller: Caller, deps: FaceDependencies) -> Sequence[ConnectionWithDatasets]:
    """Those that the caller sees, with the datasets that it sees, the default one first."""
    found = deps.connections.list_by_tenant(caller.tenant)
    return [_as_seen(each, caller) for each in found if caller.sees_connection(each.connection.name)]


def read_connection(name: str, caller: Caller, deps: FaceDependencies) -> ConnectionWithDatasets:
    """With the datasets that the caller sees.

    Raises NotGrantedError, be there such a connection or not, and ConnectionNotFoundError.
    """
    caller.require_connection(name)
    return _as_seen(deps.connections.get_with_datasets(caller.tenant, name), caller)


def _as_seen(found: ConnectionWithDatasets, caller: Caller) -> ConnectionWithDatasets:
    """A dataset is a source of its connection, by its name."""
    seen = {
        name: dataset for name, dataset in found.datasets.items() if caller.sees_source(found.connection.name, name)
    }
    return replace(found, datasets=seen)
