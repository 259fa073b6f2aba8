"""The state machine of a workflow version."""

from collections.abc import Mapping
from uuid import UUID

from stepcall.asl.compiler import CompiledWorkflow, compile_workflow
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.workflow import WorkflowVersion

MAX_KEPT = 256


class MachineCompiler:
    """Compiles each version once per process: versions never change."""

    def __init__(self, catalog: Mapping[str, TaskContract], function_arns: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._function_arns = function_arns
        self._compiled: dict[tuple[UUID, int], CompiledWorkflow] = {}

    def __call__(self, version: WorkflowVersion) -> CompiledWorkflow:
        """Raises InvalidStateMachineError when Step Functions could not run it."""
        key = (version.workflow_id, version.version)
        if key not in self._compiled:
            if len(self._compiled) >= MAX_KEPT:
                self._compiled.clear()
            self._compiled[key] = compile_workflow(version.definition, self._catalog, self._function_arns)
        return self._compiled[key]
