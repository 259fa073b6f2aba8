"""Runs as jobs, whoever has started them: how each was called, or would have been."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller, NotGrantedError
from stepcall.domain.connection import DEFAULT_CONNECTION, Connection
from stepcall.domain.procedure import procedure_name
from stepcall.domain.run import JobCall, Run, RunSummary
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.stores.run_store import RunNotFoundError
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.dependencies import FaceDependencies

MAX_COUNTED = 1000
"""Of the newest jobs: a page further back, and a larger total, would have to read all that the tenant has."""
MAX_READS = 5
"""Of as many runs each, for a caller that may see few of them."""


class Job(NamedTuple):
    """A run and its call."""

    run: RunSummary
    call: JobCall


class JobPage(NamedTuple):
    """Jobs, newest first; `total` is how many there are on all pages, at most `MAX_COUNTED`."""

    jobs: tuple[Job, ...]
    total: int


def read_job(run_id: UUID, connection: str, caller: Caller, deps: FaceDependencies) -> Job:
    """A job of that connection. Raises RunNotFoundError, NotGrantedError."""
    return Job(*_find(run_id, connection, caller, deps))


def cancel_job(run_id: UUID, connection: str, caller: Caller, deps: FaceDependencies) -> Job:
    """The cancelled job. Raises RunNotFoundError, NotGrantedError, RunHasEndedError."""
    run, _ = _find(run_id, connection, caller, deps)
    stop_run(run, deps)
    return read_job(run_id, connection, caller, deps)


def list_jobs(caller: Caller, deps: FaceDependencies, *, page: int, size: int) -> JobPage:
    """That page, from 1, of the jobs that the caller may see."""
    calls = _Calls(caller.tenant, deps)
    seen = list(islice(_seen_runs(calls, caller, deps), MAX_COUNTED))
    start = (page - 1) * size
    return JobPage(tuple(Job(run, calls.of(run)) for run in seen[start : start + size]), len(seen))


class _Calls:
    """How runs of a tenant were called. Of those that another face has started the call is made up of their inputs."""

    def __init__(self, tenant: str, deps: FaceDependencies) -> None:
        self._tenant = tenant
        self._deps = deps
        self._connections: dict[str, Connection] = {}

    def of(self, run: RunSummary) -> JobCall:
        if run.job:
            return run.job
        definition = self._deps.workflows.get_version(run.workflow_id, run.workflow_version).definition
        connection = self._connection(definition.connection)
        arguments = ",".join(f"@{declared.name}" for declared in definition.input)
        return JobCall(
            query=f"CALL `{procedure_name(run.tenant, run.workflow_id)}`({arguments})",
            connection=connection.name,
            connection_id=connection.connection_id,
            location=connection.location,
        )

    def _connection(self, name: str) -> Connection:
        """The one of that name, or the default in place of one that is gone."""
        if name not in self._connections:
            try:
                self._connections[name] = self._deps.connections.get(self._tenant, name)
            except ConnectionNotFoundError:
                self._connections[name] = self._deps.connections.get(self._tenant, DEFAULT_CONNECTION)
        return self._connections[name]


def _find(run_id: UUID, connection: str, caller: Caller, deps: FaceDependencies) -> tuple[Run, JobCall]:
    run = deps.runs.get(caller.tenant, run_id).run
    calls = _Calls(caller.tenant, deps)
    call = calls.of(run)
    if call.connection != connection:
        raise RunNotFoundError(f"The connection has no job {run_id}.")
    if not _sees(caller, run, calls):
        raise NotGrantedError("This key or token is granted other jobs, and not this one.")
    return run, call


def _sees(caller: Caller, run: RunSummary, calls: _Calls) -> bool:
    if caller.run_id is not None:
        return caller.run_id == run.run_id
    if caller.sees(run.workflow_id):
        return True
    return caller.sees_source(calls.of(run).connection, procedure_name(run.tenant, run.workflow_id))


def _seen_runs(calls: _Calls, caller: Caller, deps: FaceDependencies) -> Iterator[RunSummary]:
    """Newest first."""
    if caller.run_id is not None:
        yield deps.runs.get(caller.tenant, caller.run_id).run
        return
    after = None
    for _ in range(MAX_READS):
        page = deps.runs.list_by_tenant(caller.tenant, limit=MAX_COUNTED, after=after)
        yield from (run for run in page.runs if _sees(caller, run, calls))
        if (after := page.next_run_id) is None:
            return
