"""Check a definition and store it as a new workflow."""

from typing import Any

from stepcall.domain.access import Caller
from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.check_workflow import StoredVersion, check_workflow
from stepcall.use_cases.dependencies import FaceDependencies


def define_workflow(document: Any, caller: Caller, deps: FaceDependencies) -> StoredVersion:
    """Store version 1 of a new workflow.

    Raises NotGrantedError, and InvalidDefinitionError with every problem; then nothing is stored.
    """
    caller.require_all_workflows()
    checked = check_workflow(document, caller, deps)
    version = WorkflowVersion(
        deps.new_id(), 1, caller.tenant, checked.definition, deps.now(), sql_engine=checked.sql_engine
    )
    deps.workflows.put_first(version)
    return StoredVersion(version, checked.warnings)
