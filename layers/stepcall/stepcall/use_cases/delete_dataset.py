"""Take a dataset from its connection."""

from stepcall.domain.access import Caller
from stepcall.use_cases.dependencies import FaceDependencies


def delete_dataset(connection: str, dataset: str, caller: Caller, deps: FaceDependencies) -> None:
    """Raises ConnectionNotFoundError, DatasetNotFoundError, NotGrantedError."""
    caller.require_all_connections()
    before = deps.connections.get_with_datasets(caller.tenant, connection)
    deps.connections.delete_dataset(caller.tenant, connection, dataset, deps.now())
    # once more, now that it is gone: a run that began in between may have read it
    deps.connections.touch(caller.tenant, connection, deps.now())
    if dataset in before.datasets:
        deps.uploads.discard(before.datasets[dataset].key)
    deps.log("dataset_deleted", tenant=caller.tenant, connection=connection, dataset=dataset)
