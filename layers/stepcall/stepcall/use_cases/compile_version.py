"""The state machine of a workflow version."""

from collections.abc import Mapping
from uuid import UUID

from stepcall.asl.compiler import CompiledWorkflow, compile_workflow
from stepcall.domain.connection import SqlEngine
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.run_mode import RunMode
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from stepcall.use_cases.engine import EngineUnavailableError

MAX_KEPT = 256
NO_ATHENA = (
    "Its connection has the engine athena, and this deployment has none: deploy it with the parameter Athena=true."
)


class MachineCompiler:
    """Compiles each version once per process: versions never change."""

    def __init__(
        self, catalog: Mapping[str, TaskContract], function_arns: Mapping[str, str], athena_work_group: str = ""
    ) -> None:
        self._catalog = catalog
        self._function_arns = function_arns
        self._athena_work_group = athena_work_group
        """Empty where the deployment has no Athena."""
        self._compiled: dict[tuple[UUID, int, RunMode], CompiledWorkflow] = {}

    def __call__(self, version: WorkflowVersion, mode: RunMode = RunMode.FULL) -> CompiledWorkflow:
        """Raises what `compile_workflow` raises, and EngineUnavailableError where its SQL engine is not deployed."""
        key = (version.workflow_id, version.version, mode)
        if key not in self._compiled:
            if len(self._compiled) >= MAX_KEPT:
                self._compiled.clear()
            if version.sql_engine is SqlEngine.ATHENA and not self._athena_work_group:
                raise EngineUnavailableError(NO_ATHENA)
            self._compiled[key] = self.try_out(
                version.definition, version.sql_engine, mode, version.catalog(self._catalog)
            )
        return self._compiled[key]

    def try_out(
        self,
        definition: WorkflowDefinition,
        sql_engine: SqlEngine | None = None,
        mode: RunMode = RunMode.FULL,
        catalog: Mapping[str, TaskContract] | None = None,
    ) -> CompiledWorkflow:
        """The machine of a definition that is not stored, and may never be: nothing is kept. `catalog` has its types.

        Raises what `compile_workflow` raises, also where its SQL engine is not deployed any more.
        """
        catalog = self._catalog if catalog is None else catalog
        if sql_engine is not SqlEngine.ATHENA:
            return compile_workflow(definition, catalog, self._function_arns, mode=mode)
        if not self._athena_work_group:
            raise InvalidDefinitionError([Problem("/connection", "no_athena", NO_ATHENA)])
        return compile_workflow(definition, catalog, self._function_arns, self._athena_work_group, mode=mode)
