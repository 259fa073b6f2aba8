"""Output tables: where the rows of a job lie, found by the table's name or by the job."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller, NotGrantedError
from stepcall.domain.errors import StepcallError, shorten
from stepcall.domain.ids import spell_job
from stepcall.domain.procedure import OUTPUT_INFIX
from stepcall.domain.procedure_call import is_output_table
from stepcall.domain.run import TABLE_LIFE, Run, RunStatus
from stepcall.domain.run_table import read_run_table
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.workflow import Task, WorkflowVersion
from stepcall.stores.run_store import RunNotFoundError
from stepcall.tasks.sql import WORKFLOW_OUTPUT
from stepcall.use_cases.dependencies import FaceDependencies


class TableNotFoundError(StepcallError):
    """There is no such output table on this connection, or it is gone."""


class TableNotCompleteError(StepcallError):
    """The job that writes the table has not ended, or has failed, and none before it has written it."""


class OutputTable(NamedTuple):
    """`prefix` is what the keys of its Parquet objects begin with."""

    name: str
    prefix: str


def output_task(version: WorkflowVersion) -> Task | None:
    """The task that says which table is the workflow's result; None when there is none."""
    return next((task for task in version.definition.tasks if task.type == WORKFLOW_OUTPUT.name), None)


def find_table(name: str, connection: str, caller: Caller, deps: FaceDependencies) -> OutputTable:
    """A table that the caller may read. Raises NotGrantedError, TableNotFoundError, TableNotCompleteError."""
    if caller.run_id is not None:
        return _table_of_own_run(name, connection, caller, deps)
    _require_table(name, connection, caller)
    claim = deps.runs.get_claim(caller.tenant, name) if is_output_table(name) else None
    if claim is None:
        raise _no_table(name)
    run = _run_on(connection, name, claim.run_id, caller, deps)
    if run.status is not RunStatus.COMPLETED and claim.complete_run_id:
        run = _run_on(connection, name, claim.complete_run_id, caller, deps)
    return table_of(run, deps)


def _require_table(name: str, connection: str, caller: Caller) -> None:
    """Who may call a procedure may read its tables: a call is of no use otherwise. Raises NotGrantedError."""
    procedure = name.rpartition(OUTPUT_INFIX)[0]
    if not (is_output_table(name) and caller.sees_source(connection, procedure)):
        caller.require_source(connection, name)


def table_of(run: Run, deps: FaceDependencies) -> OutputTable:
    """The output table of a job, as this job or the one it reuses has written it. Raises as `find_table`."""
    name = run.job.output_table if run.job else None
    if name is None:
        raise TableNotFoundError("The job has no output table: its workflow has no Workflow.Output.")
    if run.status is not RunStatus.COMPLETED:
        raise _not_complete(name, run)
    written = deps.runs.get(run.tenant, run.reused_run_id or run.run_id)
    if _has_expired(written.run, deps.now()):
        raise _no_table(name)
    return OutputTable(name, _prefix_of(written, deps))


def _table_of_own_run(name: str, connection: str, caller: Caller, deps: FaceDependencies) -> OutputTable:
    """What a job token reads: the table as its own job has written it."""
    run = deps.runs.get(caller.tenant, caller.run_id).run if caller.run_id else None
    if run is None or run.job is None or (run.job.output_table, run.job.connection) != (name, connection):
        raise NotGrantedError("This token reads the output table of its own job, and nothing else.")
    return table_of(run, deps)


def _run_on(connection: str, name: str, run_id: UUID, caller: Caller, deps: FaceDependencies) -> Run:
    try:
        run = deps.runs.get(caller.tenant, run_id).run
    except RunNotFoundError as exc:
        raise _no_table(name) from exc
    if run.job is None or run.job.connection != connection:
        raise _no_table(name)
    return run


def _no_table(name: str) -> TableNotFoundError:
    if is_output_table(name):
        return TableNotFoundError(f"There is no table {name} on this connection; jobs' tables are kept for 30 days.")
    return TableNotFoundError(
        f"{shorten(name, 200)} is no output table, and only output tables can be read here: "
        f"`<procedure>{OUTPUT_INFIX}<16 hex>`. Datasets are read by a workflow's Sql.Query."
    )


def _not_complete(name: str, run: Run) -> TableNotCompleteError:
    how = "is DONE with an errorResult; call it again" if run.status.has_ended else f"is {run.status}"
    return TableNotCompleteError(f"The table {name} is not complete: its job {spell_job(run.run_id)} {how}.")


def _has_expired(run: Run, now: datetime) -> bool:
    return now - run.created_at >= TABLE_LIFE


def _prefix_of(written: RunWithTasks, deps: FaceDependencies) -> str:
    version = deps.workflows.get_version(written.run.workflow_id, written.run.workflow_version)
    task = output_task(version)
    output = written.task(task.ref).output if task else None
    if output is None:  # of versions that are older than the check of what may leave it out
        raise TableNotFoundError("The job has no output table: its Workflow.Output was not done.")
    table = read_run_table(deps.payloads.get(output)["content"])
    if table.run_id != written.run.run_id:
        raise ValueError("The output table of a completed run is none of its own.")
    return table.prefix
