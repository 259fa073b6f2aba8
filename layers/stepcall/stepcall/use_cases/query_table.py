"""Queries that somebody waits for: a SELECT over output tables, or a CALL and the rows of its table."""

from typing import NamedTuple

from stepcall.domain.access import Caller
from stepcall.domain.connection import Connection
from stepcall.domain.errors import StepcallError
from stepcall.domain.procedure_call import QueryParameters
from stepcall.domain.run import Run, RunStatus
from stepcall.use_cases.call_procedure import CallProcedure, call_procedure
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.output_tables import find_table, table_of
from stepcall.use_cases.read_run import wait_for_run
from stepcall.use_cases.sql_worker import TableRows

NO_ROWS = TableRows((), (), 0)


class JobNotEndedError(StepcallError):
    """The job goes on, and nobody can wait longer for it."""

    def __init__(self, run: Run) -> None:
        super().__init__("The job has not ended.")
        self.run = run


class JobFailedError(StepcallError):
    """The job that was waited for has failed or was cancelled; the message is the job's own."""


class Query(NamedTuple):
    """A SELECT on a connection, by its name."""

    connection: str
    text: str
    parameters: QueryParameters


class QueryAnswer(NamedTuple):
    """Rows; `is_reused` says that nothing was executed for them."""

    rows: TableRows
    connection: Connection
    is_reused: bool = False


def select_rows(query: Query, caller: Caller, deps: FaceDependencies) -> QueryAnswer:
    """The answer to a SELECT over output tables that the caller may read.

    Raises ConnectionNotFoundError, SqlError, and what `find_table` and the SQL worker raise.
    """
    from stepcall.sql.statement import read_select  # noqa: PLC0415 - sqlglot takes a quarter of a second to load

    connection = deps.connections.get(caller.tenant, query.connection)
    names = read_select(query.text).tables
    tables = {name: find_table(name, connection.name, caller, deps).prefix for name in names}
    return QueryAnswer(deps.sql_worker.select(query.text, tables, query.parameters), connection)


def call_and_wait(command: CallProcedure, caller: Caller, deps: FaceDependencies, *, seconds: float) -> QueryAnswer:
    """The rows of the output table of a call; none when its workflow has no such table.

    Raises as `call_procedure`; JobNotEndedError after that time; JobFailedError; and what the SQL worker raises.
    """
    connection = deps.connections.get(caller.tenant, command.connection)
    run = call_procedure(command, caller, deps)
    run = wait_for_run(run.run_id, caller, deps, seconds=seconds).run
    if not run.status.has_ended:
        raise JobNotEndedError(run)
    if run.status is not RunStatus.COMPLETED:
        raise JobFailedError(run.error.message if run.error else "The job has failed.")
    return QueryAnswer(_rows_of(run, deps), connection, run.reused_run_id is not None)


def _rows_of(run: Run, deps: FaceDependencies) -> TableRows:
    if run.job is None or run.job.output_table is None:
        return NO_ROWS
    table = table_of(run, deps)
    everything = f"SELECT * FROM `{table.name}`"  # noqa: S608 - its name is of our own making
    return deps.sql_worker.select(everything, {table.name: table.prefix}, {})
