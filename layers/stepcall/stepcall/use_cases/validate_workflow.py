"""A dry run of a definition: all that is wrong with it, or the machine it becomes and what its runs use."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.asl.limits import Limits, limits_of
from stepcall.domain.access import Caller
from stepcall.domain.document_order import in_document_order
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.ids import spell_workflow
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.check_workflow import check_workflow
from stepcall.use_cases.dependencies import FaceDependencies


@dataclass(frozen=True, slots=True)
class Validation:
    """`compiled` and `limits` are there when there are no `errors`."""

    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    compiled: CompiledWorkflow | None = None
    limits: Limits | None = None


def validate_workflow(document: Any, caller: Caller, deps: FaceDependencies) -> Validation:
    """What `define_workflow` would say of a document; nothing is stored.

    A `config_id` that a workflow has is a warning: the document may be meant as that workflow's next version.
    """
    try:
        checked = check_workflow(document, caller, deps)
    except InvalidDefinitionError as exc:
        return Validation(errors=tuple(exc.problems), warnings=tuple(exc.warnings))
    limits = limits_of(checked.compiled, checked.definition)
    warnings = in_document_order([*checked.warnings, *_taken(checked.definition.config_id, caller, deps)], document)
    return Validation(warnings=tuple(warnings), compiled=checked.compiled, limits=limits)


def _taken(config_id: str | None, caller: Caller, deps: FaceDependencies) -> Iterator[Problem]:
    """Nothing for who is granted some workflows only: it is not to know of others."""
    if config_id is None or caller.is_narrowed:
        return
    with suppress(WorkflowNotFoundError):
        owner = spell_workflow(deps.workflows.find_config_id(caller.tenant, config_id))
        message = f"The workflow `{owner}` has this config_id: storing this is refused, but as its next version."
        yield Problem("/config_id", "config_id_taken", message)
