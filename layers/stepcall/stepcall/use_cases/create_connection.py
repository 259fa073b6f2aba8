"""Make a connection: a place for SQL, with datasets of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from stepcall.domain.access import Caller
from stepcall.domain.connection import (
    DEFAULT_CONNECTION,
    DEFAULT_LOCATION,
    Connection,
    ConnectionWithDatasets,
    SqlEngine,
)
from stepcall.domain.errors import Problem
from stepcall.stores.connection_store import ConnectionExistsError, ConnectionNotFoundError
from stepcall.use_cases.connection_errors import DatasetRefusedError
from stepcall.use_cases.dataset_files import DatasetFile
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.put_dataset import check_names, import_datasets

MAX_CONNECTIONS = 100
"""Of a tenant, besides the default one: one answer of 6 MB lists them, with 200 datasets each."""
NO_ATHENA = "This deployment has no Athena: deploy it with the parameter Athena=true, or leave `engine` out for duckdb."


class CreateConnection(NamedTuple):
    """What somebody wants a connection for. `datasets` are files by the name of the dataset."""

    name: str
    engine: SqlEngine = SqlEngine.DUCKDB
    location: str = DEFAULT_LOCATION
    datasets: Mapping[str, DatasetFile] = {}


def create_connection(command: CreateConnection, caller: Caller, deps: FaceDependencies) -> ConnectionWithDatasets:
    """Raises ConnectionExistsError, NotGrantedError, and what `import_datasets` raises; then nothing is stored."""
    caller.require_all_connections()
    _require_new_name(command.name, caller, deps)
    problems = check_names(list(command.datasets), parent="/datasets")
    if command.engine is SqlEngine.ATHENA and not deps.athena_available:
        problems = [Problem("/engine", "no_athena", NO_ATHENA), *problems]
    if problems := problems or _check_number(caller, deps):
        raise DatasetRefusedError(problems)
    created_at = deps.now()
    connection = Connection(
        tenant=caller.tenant,
        connection_id=deps.new_id(),
        name=command.name,
        engine=command.engine,
        location=command.location,
        created_at=created_at,
    )
    datasets = import_datasets(command.datasets, connection, caller, deps)
    # another of this name may have been there before: what was computed on that is not reused
    connection = replace(connection, changed_at=deps.now())
    deps.connections.put(connection, datasets)
    deps.log("connection_created", tenant=caller.tenant, connection=connection.name, principal=caller.principal)
    return ConnectionWithDatasets(connection, {dataset.name: dataset for dataset in datasets})


def _check_number(caller: Caller, deps: FaceDependencies) -> list[Problem]:
    if len(deps.connections.list_by_tenant(caller.tenant)) <= MAX_CONNECTIONS:
        return []
    message = f"There are {MAX_CONNECTIONS} connections already, and no more fit: delete those that nobody uses."
    return [Problem("/name", "too_many_connections", message)]


def _require_new_name(name: str, caller: Caller, deps: FaceDependencies) -> None:
    """Before the files are imported. Raises ConnectionExistsError."""
    if name == DEFAULT_CONNECTION:
        raise ConnectionExistsError(f"Every tenant has the connection `{DEFAULT_CONNECTION}` without making it.")
    try:
        deps.connections.get(caller.tenant, name)
    except ConnectionNotFoundError:
        return
    raise ConnectionExistsError("There is a connection of this name.")
