"""Call a procedure: a workflow that was made callable by name, with positional arguments and a table as its result.

An equal call that was computed is reused, and one that is under way is joined:
docs/decisions/2026-11-21-carto-jobs.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.connection import Connection
from stepcall.domain.errors import ErrorReason, StepcallError
from stepcall.domain.idempotency import StartOnce, StartRecord
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.procedure import Procedure, fingerprint, output_table_name
from stepcall.domain.procedure_call import Call, InvalidCallError, QueryParameters, bind_call, is_procedure_name
from stepcall.domain.run import CALL_LOCATION, ErrorResult, JobCall, Run, RunStatus, TableClaim
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.procedure_store import ProcedureNotFoundError
from stepcall.stores.run_store import RunNotFoundError, TableClaimedError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.enter_run import enter
from stepcall.use_cases.output_tables import output_task
from stepcall.use_cases.start_run import count_start, pending_run, store

REUSED_FOR = timedelta(days=29)  # a table is there for 30: who gets it has a day to read it
LOOKS = 25
PAUSE = 0.02


class TableBusyError(StepcallError):
    """Others have claimed the table again and again: nothing was started."""


class CallProcedure(NamedTuple):
    """The command. `connection` is a name; `query` is the text that `call` was read from."""

    connection: str
    query: str
    call: Call
    parameters: QueryParameters
    once: StartOnce | None = None
    """The caller's key to this call."""


class _Deployed(NamedTuple):
    """What a call meets."""

    connection: Connection
    procedure: Procedure
    version: WorkflowVersion


def call_procedure(command: CallProcedure, caller: Caller, deps: FaceDependencies) -> Run:
    """The run that the call has started, joined, or found; one that its arguments do not fit is stored as FAILED.

    Raises ConnectionNotFoundError, ProcedureNotFoundError, NotGrantedError, RateLimitedError, TableBusyError,
    StartedOnceError (nothing exists then); whatever the engine raises but EngineUnavailableError (the run is FAILED
    then).
    """
    deployed = _find(command, caller, deps)
    count_start(caller, deps)
    job = _job_of(command, deployed.connection)
    try:
        arguments = bind_call(deployed.version.definition, command.call, command.parameters)
        run = replace(_keep_input(arguments, command.call, deployed, caller, deps), job=job)
    except InvalidCallError as exc:
        run = _refused(exc, job, deployed, caller, deps)
        store(run, deps, command.once)
        deps.log("call_refused", run_id=str(run.run_id), tenant=run.tenant)
        return run
    if output_task(deployed.version) is None:
        store(run, deps, command.once)
        enter(run, deployed.version, deps)
        return run
    table = output_table_name(deployed.procedure.name, arguments)
    run = replace(run, job=replace(job, output_table=table))
    return _run_once(run, _claim_of(run, table, arguments), command.once, deployed, deps)


def _job_of(command: CallProcedure, connection: Connection) -> JobCall:
    return JobCall(
        query=command.query,
        connection=connection.name,
        connection_id=connection.connection_id,
        location=connection.location,
    )


def _claim_of(run: Run, table: str, arguments: Mapping[str, Any]) -> TableClaim:
    return TableClaim(
        tenant=run.tenant,
        table=table,
        run_id=run.run_id,
        fingerprint=fingerprint(arguments),
        workflow_version=run.workflow_version,
        claimed_at=run.created_at,
    )


def _find(command: CallProcedure, caller: Caller, deps: FaceDependencies) -> _Deployed:
    """Raises ConnectionNotFoundError, ProcedureNotFoundError, NotGrantedError."""
    connection = deps.connections.get(caller.tenant, command.connection)
    name = command.call.procedure
    procedure = deps.procedures.get(caller.tenant, name) if is_procedure_name(name) else None
    if procedure is None or procedure.connection != connection.name:
        raise ProcedureNotFoundError("The connection has no such procedure.")
    caller.require_source(connection.name, procedure.name)
    version = deps.workflows.get_version(procedure.workflow_id, procedure.workflow_version)
    return _Deployed(connection, procedure, version)


def _keep_input(
    arguments: dict[str, Any], call: Call, deployed: _Deployed, caller: Caller, deps: FaceDependencies
) -> Run:
    try:
        return pending_run(deployed.version, arguments, caller, deps)
    except NotJsonError as exc:
        message = "An argument cannot be stored, as it nests too deep or is too long a number"
        raise InvalidCallError(message, call.end) from exc


def _refused(error: InvalidCallError, job: JobCall, deployed: _Deployed, caller: Caller, deps: FaceDependencies) -> Run:
    """A run that fails before it begins: the caller reads why in the job."""
    run = pending_run(deployed.version, {}, caller, deps)
    reason = ErrorResult(ErrorReason.INVALID_QUERY, CALL_LOCATION, f"Query error: {error}")
    return replace(run, status=RunStatus.FAILED, completed_at=run.created_at, error=reason, job=job)


def _run_once(run: Run, claim: TableClaim, once: StartOnce | None, deployed: _Deployed, deps: FaceDependencies) -> Run:
    """Of equal calls at one moment one executes, where the procedure has its cache on."""
    for look in range(LOOKS):
        held = deps.runs.get_claim(claim.tenant, claim.table)
        earlier = _claiming_run(held, deps)
        is_equal = held is not None and _is_equal(claim, held)
        if earlier and is_equal and deployed.procedure.cache and _has_seen_changes(earlier, deployed.connection):
            if not earlier.status.has_ended:
                return _join(run, earlier, once, deps)
            if _may_reuse(earlier, run.created_at):
                return _reuse(run, earlier, once, deps)
        claim = replace(claim, complete_run_id=_complete_run_id(claim, held, earlier))
        try:
            deps.runs.put_with_claim(run, claim, seen=held.run_id if held else None, once=once)
        except TableClaimedError:
            deps.sleep(PAUSE * (look + 1))
            continue
        enter(run, deployed.version, deps)
        return run
    raise TableBusyError("Many equal calls are being made at this moment, and this one was not started.")


def _claiming_run(held: TableClaim | None, deps: FaceDependencies) -> Run | None:
    if held is None:
        return None
    try:
        return deps.runs.get(held.tenant, held.run_id).run
    except RunNotFoundError:  # kept for less time than the claim
        return None


def _is_equal(claim: TableClaim, held: TableClaim) -> bool:
    return (claim.fingerprint, claim.workflow_version) == (held.fingerprint, held.workflow_version)


def _has_seen_changes(earlier: Run, connection: Connection) -> bool:
    """Whether it began after the last change of a dataset; one that is under way may have read what was before."""
    return connection.changed_at is None or connection.changed_at < earlier.created_at


def _may_reuse(earlier: Run, now: datetime) -> bool:
    return earlier.status is RunStatus.COMPLETED and now - earlier.created_at < REUSED_FOR


def _join(run: Run, earlier: Run, once: StartOnce | None, deps: FaceDependencies) -> Run:
    """The run of an equal call, in place of the new one. Raises StartedOnceError."""
    if once:
        deps.runs.put_start(StartRecord(run.tenant, run.principal_id, once, earlier.run_id, run.created_at))
    deps.log("call_joined", run_id=str(earlier.run_id), tenant=run.tenant)
    return earlier


def _reuse(run: Run, earlier: Run, once: StartOnce | None, deps: FaceDependencies) -> Run:
    """A run that shows the other's output, and executes nothing."""
    reusing = replace(
        run,
        status=RunStatus.COMPLETED,
        completed_at=run.created_at,
        output=earlier.output,
        reused_run_id=earlier.run_id,
    )
    store(reusing, deps, once)
    deps.log("output_reused", run_id=str(run.run_id), reused_run_id=str(earlier.run_id), tenant=run.tenant)
    return reusing


def _complete_run_id(claim: TableClaim, held: TableClaim | None, earlier: Run | None) -> UUID | None:
    """What the table shows while the new run writes it: nothing of other arguments that share its name."""
    if held is None or held.fingerprint != claim.fingerprint:
        return None
    if earlier is None or earlier.status in {RunStatus.FAILED, RunStatus.CANCELLED}:
        return held.complete_run_id
    if earlier.status is RunStatus.COMPLETED:
        return held.run_id
    return held.complete_run_id or held.run_id  # it may be done before the new run is
