"""Take a connection away, with its datasets, when no procedure is called on it any more."""

from stepcall.domain.access import Caller
from stepcall.domain.connection import DEFAULT_CONNECTION
from stepcall.domain.errors import count, list_names
from stepcall.domain.ids import spell_workflow
from stepcall.use_cases.connection_errors import ConnectionInUseError, DefaultConnectionError
from stepcall.use_cases.dependencies import FaceDependencies


def delete_connection(name: str, caller: Caller, deps: FaceDependencies) -> None:
    """Raises ConnectionNotFoundError, NotGrantedError, DefaultConnectionError, ConnectionInUseError."""
    caller.require_all_connections()
    before = deps.connections.get_with_datasets(caller.tenant, name)
    if name == DEFAULT_CONNECTION:
        raise DefaultConnectionError("The default connection cannot be deleted; its datasets can, one by one.")
    _require_unused(name, caller, deps)
    deps.connections.delete(caller.tenant, name)
    for dataset in before.datasets.values():
        deps.uploads.discard(dataset.key)
    deps.log("connection_deleted", tenant=caller.tenant, connection=name, principal=caller.principal)


def _require_unused(name: str, caller: Caller, deps: FaceDependencies) -> None:
    """Raises ConnectionInUseError."""
    procedures = [each for each in deps.procedures.list_by_tenant(caller.tenant) if each.connection == name]
    if procedures:
        raise ConnectionInUseError(
            f"{count(len(procedures), 'workflow')} can be called on it: "
            f"{list_names(spell_workflow(each.workflow_id) for each in procedures)}. "
            "`DELETE /workflows/{workflow_id}/api-access` first."
        )
