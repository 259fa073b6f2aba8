"""Make a workflow callable by name: deploy its newest version as a procedure, keep that in step, take it away.

While it is deployed the workflow may change or be deleted. So the newest version is read again after the write: what
changes last is deployed in the end, and nothing of a deleted workflow stays behind.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller, NotGrantedError
from stepcall.domain.errors import Problem
from stepcall.domain.procedure import Procedure, procedure_name
from stepcall.domain.task_contract import Worker, worker_of
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.stores.procedure_store import ProcedureNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.change_workflow import CHANGE_ATTEMPTS
from stepcall.use_cases.connection_errors import ApiAccessDisabledError, ApiAccessRefusedError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.output_tables import output_task


class ApiAccess(NamedTuple):
    """A procedure, the version of the workflow that it runs, and the newest version there is."""

    procedure: Procedure
    version: WorkflowVersion
    newest: int

    @property
    def in_sync(self) -> bool:
        return self.procedure.workflow_version == self.newest

    @property
    def has_output_table(self) -> bool:
        """Whether a call writes a table."""
        return output_task(self.version) is not None


class EnableApiAccess(NamedTuple):
    """None leaves the connection and the cache as they are; at first, the definition's connection, and the cache on."""

    workflow_id: UUID
    connection: str | None = None
    cache: bool | None = None


def enable_api_access(command: EnableApiAccess, caller: Caller, deps: FaceDependencies) -> tuple[ApiAccess, bool]:
    """The access, and whether there was none before.

    Raises WorkflowNotFoundError, NotGrantedError, ApiAccessRefusedError.
    """
    newest = _newest(command.workflow_id, caller, deps)
    before = _find(command.workflow_id, caller, deps)

    def choose(version: WorkflowVersion) -> Procedure:
        return Procedure(
            tenant=caller.tenant,
            workflow_id=version.workflow_id,
            workflow_version=version.version,
            connection=_choose_connection(version, command.connection, before, caller, deps),
            cache=_choose_cache(command.cache, before),
            enabled_at=before.enabled_at if before else deps.now(),
        )

    access = _deploy(newest, choose, deps.procedures.put, caller, deps)
    deps.log("api_access_enabled", tenant=caller.tenant, procedure=access.procedure.name, principal=caller.principal)
    return access, before is None


def read_api_access(workflow_id: UUID, caller: Caller, deps: FaceDependencies) -> ApiAccess | None:
    """None when the workflow cannot be called by name. Raises WorkflowNotFoundError, NotGrantedError."""
    newest = _newest(workflow_id, caller, deps)
    procedure = _find(workflow_id, caller, deps)
    return _access_of(procedure, newest, deps) if procedure else None


def update_api_access(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, cache: bool | None = None
) -> ApiAccess:
    """Deploy the newest version in place of the one that is. A None leaves the cache as it is.

    Raises WorkflowNotFoundError, NotGrantedError, ApiAccessDisabledError, ApiAccessRefusedError.
    """
    newest = _newest(workflow_id, caller, deps)
    before = _find(workflow_id, caller, deps)
    if before is None:
        raise ApiAccessDisabledError("The workflow is not enabled: `POST` enables it.")

    def choose(version: WorkflowVersion) -> Procedure:
        connection = _choose_connection(version, None, before, caller, deps)
        number = version.version
        return replace(before, workflow_version=number, connection=connection, cache=_choose_cache(cache, before))

    try:
        access = _deploy(newest, choose, deps.procedures.replace, caller, deps)
    except ProcedureNotFoundError as exc:
        raise ApiAccessDisabledError("The workflow has just been disabled: `POST` enables it.") from exc
    deps.log("api_access_updated", tenant=caller.tenant, procedure=access.procedure.name, principal=caller.principal)
    return access


def disable_api_access(workflow_id: UUID, caller: Caller, deps: FaceDependencies) -> None:
    """Later calls are refused; runs that are under way finish. Raises WorkflowNotFoundError, NotGrantedError."""
    _newest(workflow_id, caller, deps)
    name = procedure_name(caller.tenant, workflow_id)
    deps.procedures.delete(caller.tenant, name)
    deps.log("api_access_disabled", tenant=caller.tenant, procedure=name, principal=caller.principal)


def _deploy(
    newest: WorkflowVersion,
    choose: Callable[[WorkflowVersion], Procedure],
    store: Callable[[Procedure], None],
    caller: Caller,
    deps: FaceDependencies,
) -> ApiAccess:
    """Raises WorkflowNotFoundError when it has been deleted meanwhile, and what `choose` and `store` raise."""
    for _ in range(CHANGE_ATTEMPTS):
        deployed, procedure = newest, choose(newest)
        store(procedure)
        try:
            newest = deps.workflows.get_latest_now(caller.tenant, procedure.workflow_id)
        except WorkflowNotFoundError:
            deps.procedures.delete(caller.tenant, procedure.name)
            raise
        if newest.version == deployed.version:
            break
    return ApiAccess(procedure, deployed, newest.version)


def _newest(workflow_id: UUID, caller: Caller, deps: FaceDependencies) -> WorkflowVersion:
    """Raises WorkflowNotFoundError, NotGrantedError."""
    newest = deps.workflows.get_latest_now(caller.tenant, workflow_id)
    caller.require_workflow(workflow_id)
    return newest


def _find(workflow_id: UUID, caller: Caller, deps: FaceDependencies) -> Procedure | None:
    try:
        return deps.procedures.get(caller.tenant, procedure_name(caller.tenant, workflow_id))
    except ProcedureNotFoundError:
        return None


def _access_of(procedure: Procedure, newest: WorkflowVersion, deps: FaceDependencies) -> ApiAccess:
    version = newest
    if procedure.workflow_version != newest.version:
        version = deps.workflows.get_version(procedure.workflow_id, procedure.workflow_version)
    return ApiAccess(procedure, version, newest.version)


def _choose_cache(asked: bool | None, before: Procedure | None) -> bool:
    if asked is not None:
        return asked
    return before.cache if before else True


def _choose_connection(
    version: WorkflowVersion, asked: str | None, before: Procedure | None, caller: Caller, deps: FaceDependencies
) -> str:
    """One that the caller does not see is as if it were not there. Raises ApiAccessRefusedError."""
    named = version.definition.connection
    has_sql = any(worker_of(task.type, deps.catalog) is Worker.SQL for task in version.definition.tasks)
    if has_sql and asked not in (None, named):
        message = f"The workflow's SQL runs on `{named}`, as its definition says: name that one, or none."
        raise ApiAccessRefusedError(Problem("/connection", "other_connection", message))
    chosen = asked or (before.connection if before and not has_sql else named)
    try:
        caller.require_connection(chosen)
        deps.connections.get(caller.tenant, chosen)
    except (ConnectionNotFoundError, NotGrantedError) as exc:
        message = f"There is no connection `{chosen}`: `POST /connections` makes one, `GET /connections` lists them."
        raise ApiAccessRefusedError(Problem("/connection", "unknown_connection", message)) from exc
    return chosen
