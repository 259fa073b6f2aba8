"""A dry run of a definition: all that is wrong with it, or the machine it becomes and what its runs use."""

from dataclasses import dataclass
from typing import Any

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.asl.limits import Limits, limits_of
from stepcall.domain.access import Caller
from stepcall.domain.errors import InvalidDefinitionError, Problem
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
    """What `define_workflow` would say of a document; nothing is stored."""
    try:
        checked = check_workflow(document, caller, deps)
    except InvalidDefinitionError as exc:
        return Validation(errors=tuple(exc.problems), warnings=tuple(exc.warnings))
    limits = limits_of(checked.compiled, checked.definition)
    return Validation(warnings=checked.warnings, compiled=checked.compiled, limits=limits)
