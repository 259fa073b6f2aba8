"""The state machine of a workflow version."""

from collections.abc import Mapping
from uuid import UUID

from stepcall.asl.compiler import CompiledWorkflow, compile_workflow
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion

MAX_KEPT = 256


class MachineCompiler:
    """Compiles each version once per process: versions never change."""

    def __init__(self, catalog: Mapping[str, TaskContract], function_arns: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._function_arns = function_arns
        self._compiled: dict[tuple[UUID, int], CompiledWorkflow] = {}

    def __call__(self, version: WorkflowVersion) -> CompiledWorkflow:
        """Raises what `compile_workflow` raises."""
        key = (version.workflow_id, version.version)
        if key not in self._compiled:
            if len(self._compiled) >= MAX_KEPT:
                self._compiled.clear()
            self._compiled[key] = self.try_out(version.definition)
        return self._compiled[key]

    def try_out(self, definition: WorkflowDefinition) -> CompiledWorkflow:
        """The machine of a definition that is not stored, and may never be: nothing is kept. Raises as above."""
        return compile_workflow(definition, self._catalog, self._function_arns)
