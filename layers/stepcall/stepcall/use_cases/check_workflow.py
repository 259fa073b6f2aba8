"""Check a definition for all that can be known before it is stored: what every way to a new version begins with."""

from typing import Any, NamedTuple

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from stepcall.stores.workflow_store import WorkflowTooLargeError, compress_definition
from stepcall.use_cases.dependencies import FaceDependencies


class CheckedWorkflow(NamedTuple):
    """A definition that can be stored and run; `warnings` name what is allowed and probably not meant."""

    definition: WorkflowDefinition
    warnings: tuple[Problem, ...]
    compiled: CompiledWorkflow


class StoredVersion(NamedTuple):
    """A version that is in the store, with the warnings of its definition."""

    version: WorkflowVersion
    warnings: tuple[Problem, ...]


def check_workflow(document: Any, deps: FaceDependencies) -> CheckedWorkflow:
    """Raises InvalidDefinitionError with every problem."""
    checked = check_definition(document, deps.catalog)
    try:
        compress_definition(checked.definition)
    except WorkflowTooLargeError as exc:
        raise InvalidDefinitionError([Problem("", "too_large", str(exc))], [*checked.warnings]) from exc
    return CheckedWorkflow(checked.definition, checked.warnings, deps.compile.try_out(checked.definition))
