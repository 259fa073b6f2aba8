"""Check a definition and store it as a new workflow."""

from typing import Any

from stepcall.domain.access import Caller
from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.change_workflow import retry_on_conflict, wait_out_lease
from stepcall.use_cases.check_workflow import StoredVersion, check_workflow
from stepcall.use_cases.dependencies import FaceDependencies


def define_workflow(document: Any, caller: Caller, deps: FaceDependencies) -> StoredVersion:
    """Store version 1 of a new workflow.

    Raises NotGrantedError, InvalidDefinitionError with every problem, ConfigIdTakenError, and VersionConflictError when
    others claim its `config_id` and free it all the time; then nothing is stored.
    """
    caller.require_all_workflows()
    checked = check_workflow(document, caller, deps)
    version = WorkflowVersion(
        deps.new_id(),
        1,
        caller.tenant,
        checked.definition,
        deps.now(),
        sql_engine=checked.sql_engine,
        custom_types=checked.custom_types,
    )
    retry_on_conflict(lambda: deps.workflows.put_first(version), deps)
    if version.definition.config_id:  # it may have been another workflow's a moment ago
        wait_out_lease(deps)
    return StoredVersion(version, checked.warnings)
