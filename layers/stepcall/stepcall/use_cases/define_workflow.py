"""Check a definition and store it as a new workflow."""

from typing import Any

from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.check_workflow import StoredVersion, check_workflow
from stepcall.use_cases.dependencies import Caller, FaceDependencies


def define_workflow(document: Any, caller: Caller, deps: FaceDependencies) -> StoredVersion:
    """Store version 1 of a new workflow. Raises InvalidDefinitionError with every problem; then nothing is stored."""
    checked = check_workflow(document, deps)
    version = WorkflowVersion(deps.new_id(), 1, caller.tenant, checked.definition, deps.now())
    deps.workflows.put_first(version)
    return StoredVersion(version, checked.warnings)
