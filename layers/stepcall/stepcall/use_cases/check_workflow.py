"""Check a definition for all that can be known before it is stored: what every way to a new version begins with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from stepcall.domain.check import CheckedDefinition, check_definition
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import WorkflowTooLargeError
from stepcall.use_cases.dependencies import FaceDependencies


class StoredVersion(NamedTuple):
    """A version that is in the store, and what is allowed in its definition and probably not meant."""

    version: WorkflowVersion
    warnings: tuple[Problem, ...]


def check_workflow(document: Any, deps: FaceDependencies) -> CheckedDefinition:
    """A definition that Step Functions can run. Raises InvalidDefinitionError with every problem."""
    checked = check_definition(document, deps.catalog)
    deps.compile.try_out(checked.definition)
    return checked


@contextmanager
def refuse_too_large() -> Iterator[None]:
    """A version that does not fit into its record is a problem of the document."""
    try:
        yield
    except WorkflowTooLargeError as exc:
        raise InvalidDefinitionError([Problem("", "too_large", str(exc))]) from exc
