"""Queries that somebody waits for: a SELECT over output tables, or a CALL and the rows of its table."""

from typing import NamedTuple

from stepcall.domain.access import Caller, NotGrantedError
from stepcall.domain.connection import Connection
from stepcall.domain.errors import StepcallError
from stepcall.domain.procedure_call import QueryParameters
from stepcall.domain.run import Run, RunStatus
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.use_cases.call_procedure import CallProcedure, call_procedure
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.output_tables import find_table, table_of
from stepcall.use_cases.read_run import wait_for_run
from stepcall.use_cases.sql_worker import ResultTooLargeError, SqlTimeoutError, TableRows
from stepcall.use_cases.start_once import start_once
from stepcall.use_cases.start_run import count_start

NO_ROWS = TableRows((), (), 0)
SECONDS_FOR_ROWS = 5
"""What a job that is waited for leaves of the time at least: its rows are yet to be read."""


class JobNotEndedError(StepcallError):
    """The job goes on, and nobody can wait longer for it."""

    def __init__(self, run: Run) -> None:
        super().__init__("The job has not ended.")
        self.run = run


class JobFailedError(StepcallError):
    """The job that was waited for has failed or was cancelled; the message is the job's own."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.error.message if run.error else "The job has failed.")
        self.run = run


class _RowsInTableError(StepcallError):
    """The job is done, and `table` has the rows of the call."""

    def __init__(self, table: str) -> None:
        super().__init__(f"The rows are in {table}.")
        self.table = table


class TableTooLargeError(_RowsInTableError):
    """The rows do not fit into one answer."""


class TableTimeoutError(_RowsInTableError):
    """Reading the rows took longer than was left."""


class Query(NamedTuple):
    """A SELECT on a connection, by its name."""

    connection: str
    text: str
    parameters: QueryParameters


class QueryAnswer(NamedTuple):
    """Rows; `is_reused` says that nothing was executed for them."""

    rows: TableRows
    location: str
    """Of the connection."""
    is_reused: bool = False
    table: str | None = None
    """Of a CALL: what its rows were read from."""
    is_replayed: bool = False
    """Of a CALL with a key: it was made before."""


def select_rows(query: Query, caller: Caller, deps: FaceDependencies) -> QueryAnswer:
    """The answer to a SELECT over output tables that the caller may read. It counts as a start does.

    Raises RateLimitedError, SqlError, ConnectionNotFoundError, and what `find_table` and the SQL worker raise.
    """
    from stepcall.sql.statement import read_select  # noqa: PLC0415 - sqlglot takes a quarter of a second to load

    count_start(caller, deps)
    names = read_select(query.text).tables
    if caller.is_narrowed and not names:
        raise NotGrantedError("This key or token is granted some tables, and the query names none.")
    connection = _find_connection(query.connection, caller, deps)
    tables = {name: find_table(name, connection.name, caller, deps).prefix for name in names}
    return QueryAnswer(deps.sql_worker.select(query.text, tables, query.parameters), connection.location)


def _find_connection(name: str, caller: Caller, deps: FaceDependencies) -> Connection:
    """Raises ConnectionNotFoundError; NotGrantedError to whom the connection would be hidden if it were there."""
    try:
        return deps.connections.get(caller.tenant, name)
    except ConnectionNotFoundError:
        caller.require_connection(name)
        raise


def call_and_wait(command: CallProcedure, caller: Caller, deps: FaceDependencies, *, seconds: float) -> QueryAnswer:
    """The rows of the output table of a call; none when its workflow has no such table.

    Raises as `start_once` and `call_procedure`; JobNotEndedError when too little of that time is left; JobFailedError,
    TableTooLargeError, TableTimeoutError, and what else the SQL worker raises.
    """
    end = deps.monotonic() + seconds
    started = start_once(call_procedure, command, caller, deps)
    run = wait_for_run(started.run.run_id, caller, deps, seconds=seconds - SECONDS_FOR_ROWS).run
    if not run.status.has_ended:
        raise JobNotEndedError(run)
    if run.status is not RunStatus.COMPLETED:
        raise JobFailedError(run)
    rows = _rows_of(run, end - deps.monotonic(), deps)
    is_reused = run.reused_run_id is not None
    return QueryAnswer(rows, run.call.location, is_reused, run.call.output_table, started.is_replayed)


def _rows_of(run: Run, seconds: float, deps: FaceDependencies) -> TableRows:
    if run.call.output_table is None:
        return NO_ROWS
    table = table_of(run, deps)
    everything = f"SELECT * FROM `{table.name}`"  # noqa: S608 - its name is of our own making
    try:
        return deps.sql_worker.select(everything, {table.name: table.prefix}, {}, seconds=seconds)
    except ResultTooLargeError as exc:
        raise TableTooLargeError(table.name) from exc
    except SqlTimeoutError as exc:
        raise TableTimeoutError(table.name) from exc
