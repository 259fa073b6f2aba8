"""Check a definition for all that can be known before it is stored: what every way to a new version begins with."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.access import Caller, NotGrantedError
from stepcall.domain.called_check import CallSetting
from stepcall.domain.called_workflow import CalledWorkflow
from stepcall.domain.check import check_definition
from stepcall.domain.connection import SqlEngine
from stepcall.domain.custom_type import CustomType
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.sql_check import CheckQuery, QueryCheck, SqlSetting, Tables
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.stores.workflow_store import (
    VersionNotFoundError,
    WorkflowNotFoundError,
    WorkflowTooLargeError,
    require_storable,
)
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.list_connections import read_connection
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.start_configured_run import find_configured_workflow
from stepcall.use_cases.task_types import catalog_for


class CheckedWorkflow(NamedTuple):
    """A definition that can be stored and run; `warnings` name what is allowed and probably not meant."""

    definition: WorkflowDefinition
    warnings: tuple[Problem, ...]
    compiled: CompiledWorkflow
    sql_engine: SqlEngine | None = None
    """What its connection runs SQL with; None for a workflow without SQL. Its version keeps it."""
    custom_types: tuple[CustomType, ...] = ()
    """The tenant's own task types that it uses. Its version keeps them."""


class StoredVersion(NamedTuple):
    """A version that is in the store, with the warnings of its definition."""

    version: WorkflowVersion
    warnings: tuple[Problem, ...]


def check_workflow(
    document: Any, caller: Caller, deps: FaceDependencies, workflow_id: UUID | None = None
) -> CheckedWorkflow:
    """`workflow_id` is of the workflow that this is to be the next version of; None for a new one.

    Raises InvalidDefinitionError with every problem, and what `deps.compile.try_out` raises.

    Who is narrowed is told, and may use, nothing of connections and datasets beyond its granted sources, nor of
    workflows that it is not granted.
    """
    catalog = catalog_for(caller, deps)
    checked = check_definition(
        document,
        catalog,
        lambda name: _find_setting(name, caller, deps),
        time_to_run=deps.time_to_run,
        functions=deps.functions,
        calls=CallSetting(lambda name, version: _find_workflow(name, version, caller, deps), workflow_id),
    )
    custom_types = catalog.used(checked.definition.task_types)
    try:
        require_storable(checked.definition, custom_types)
    except WorkflowTooLargeError as exc:
        raise InvalidDefinitionError([Problem("", "too_large", str(exc))], [*checked.warnings]) from exc
    compiled = deps.compile.try_out(checked.definition, checked.sql_engine, catalog=catalog)
    return CheckedWorkflow(checked.definition, checked.warnings, compiled, checked.sql_engine, custom_types)


def _find_setting(name: str, caller: Caller, deps: FaceDependencies) -> SqlSetting:
    """Where a connection's SQL runs; one that the caller does not see is as if it were not there."""
    try:
        found = read_connection(name, caller, deps)
    except (ConnectionNotFoundError, NotGrantedError):
        return SqlSetting(LateQueryChecker(), exists=False)
    datasets = {dataset.name: dataset.columns for dataset in found.datasets.values()}
    return SqlSetting(LateQueryChecker(), found.connection.engine, datasets)


def _find_workflow(name: str, number: int | None, caller: Caller, deps: FaceDependencies) -> CalledWorkflow | None:
    """One that the caller does not see is as if it were not there."""
    try:
        version = read_workflow(find_configured_workflow(name, caller, deps), caller, deps, number=number)
    except (WorkflowNotFoundError, VersionNotFoundError, NotGrantedError):
        return None
    return CalledWorkflow(version.workflow_id, version.version, version.definition, version.catalog(deps.catalog))


class LateQueryChecker:
    """Reads SQL; what does that is loaded with the first query: most definitions have none, and a start no time."""

    def __init__(self) -> None:
        self._checker: CheckQuery | None = None

    def __call__(
        self,
        text: str,
        tables: Tables,
        parameters: Mapping[str, str | None] | None,
        engine: SqlEngine,
        *,
        connection: str | None,
    ) -> QueryCheck:
        from stepcall.sql.checking import QueryChecker  # noqa: PLC0415 - as said above

        self._checker = self._checker or QueryChecker()
        return self._checker(text, tables, parameters, engine, connection=connection)
