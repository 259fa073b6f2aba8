"""A dry run of a definition: all that is wrong with it, or the machine it becomes and what its runs use."""

from dataclasses import dataclass
from typing import Any

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.asl.limits import Limits, limits_of
from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.use_cases.dependencies import FaceDependencies


@dataclass(frozen=True, slots=True)
class Validation:
    """`compiled` and `limits` are there when there are no `errors`."""

    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    compiled: CompiledWorkflow | None = None
    limits: Limits | None = None


def validate_workflow(document: Any, deps: FaceDependencies) -> Validation:
    """What `define_workflow` would say of a document; nothing is stored."""
    warnings: tuple[Problem, ...] = ()
    try:
        checked = check_definition(document, deps.catalog)
        warnings = checked.warnings
        compiled = deps.compile.try_out(checked.definition)
    except InvalidDefinitionError as exc:
        return Validation(errors=tuple(exc.problems), warnings=(*warnings, *exc.warnings))
    return Validation(warnings=warnings, compiled=compiled, limits=limits_of(compiled, checked.definition))
