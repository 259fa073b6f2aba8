"""Which connections there are, and what is on them."""

from collections.abc import Sequence

from stepcall.domain.access import Caller
from stepcall.domain.connection import ConnectionWithDatasets
from stepcall.use_cases.dependencies import FaceDependencies


def list_connections(caller: Caller, deps: FaceDependencies) -> Sequence[ConnectionWithDatasets]:
    """Those that the caller sees, the default one first."""
    found = deps.connections.list_by_tenant(caller.tenant)
    return [each for each in found if caller.sees_connection(each.connection.name)]


def read_connection(name: str, caller: Caller, deps: FaceDependencies) -> ConnectionWithDatasets:
    """Raises ConnectionNotFoundError, NotGrantedError."""
    found = deps.connections.get_with_datasets(caller.tenant, name)
    caller.require_connection(name)
    return found
