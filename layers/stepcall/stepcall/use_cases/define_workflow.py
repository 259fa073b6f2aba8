"""Check a definition and store it as a new workflow."""

from typing import Any

from stepcall.asl.check import InvalidStateMachineError
from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import WorkflowTooLargeError
from stepcall.use_cases.dependencies import Caller, FaceDependencies


def define_workflow(document: Any, caller: Caller, deps: FaceDependencies) -> WorkflowVersion:
    """Store version 1 of a new workflow. Raises InvalidDefinitionError with every problem; then nothing is stored."""
    definition = check_definition(document, deps.catalog)
    version = WorkflowVersion(deps.new_id(), 1, caller.tenant, definition, deps.now())
    try:
        deps.compile(version)
        deps.workflows.put_first(version)
    except (InvalidStateMachineError, WorkflowTooLargeError) as exc:
        raise InvalidDefinitionError([Problem("", "too_large", str(exc))]) from exc
    return version
