"""The tables that a query names: results of its own run, or datasets of its connection."""

from collections.abc import Mapping

from stepcall.domain.connection import Dataset
from stepcall.domain.errors import ErrorReason, PermanentTaskError, shorten
from stepcall.domain.run_table import NotARunTableError, RunTable, read_run_table
from stepcall.domain.task_contract import TaskContext
from stepcall.sql.statement import Select
from stepcall.stores.connection_store import ConnectionNotFoundError, ConnectionStore


def find_tables(
    select: Select, sources: Mapping[str, str], context: TaskContext, connections: ConnectionStore
) -> dict[str, RunTable | Dataset]:
    """By the name that the query says; names have no case. Raises PermanentTaskError."""
    known: dict[str, RunTable | Dataset] = {
        name.casefold(): own_table(table, context) for name, table in sources.items()
    }
    if any(name.casefold() not in known for name in select.tables):
        known = _datasets(context, connections) | known
    return {name: _known(known, name) for name in select.tables}


def own_table(name: str, context: TaskContext) -> RunTable:
    """A table that a task of the same run has written. Raises PermanentTaskError."""
    try:
        table = read_run_table(name)
    except NotARunTableError as exc:
        message = f"`{shorten(name)}` is no table of a task. Hand on the output `table` of a Sql.Query."
        raise PermanentTaskError(ErrorReason.INVALID, message) from exc
    if table.run_id != context.run_id:
        raise PermanentTaskError(ErrorReason.ACCESS_DENIED, "A table of another execution may not be read.")
    return table


def _datasets(context: TaskContext, connections: ConnectionStore) -> dict[str, RunTable | Dataset]:
    try:
        found = connections.get_with_datasets(context.tenant, context.connection).datasets
    except ConnectionNotFoundError as exc:
        message = f"The connection `{context.connection}` is not there any more."
        raise PermanentTaskError(ErrorReason.NOT_FOUND, message) from exc
    return {name.casefold(): dataset for name, dataset in found.items()}


def _known(known: Mapping[str, RunTable | Dataset], name: str) -> RunTable | Dataset:
    table = known.get(name.casefold())
    if table is None:
        message = f"Query error: There is no dataset `{shorten(name)}` on the connection, and no source of this name."
        raise PermanentTaskError(ErrorReason.INVALID_QUERY, message)
    return table
