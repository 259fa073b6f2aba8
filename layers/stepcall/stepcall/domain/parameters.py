"""The parameters of a call against the inputs that a workflow declares."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from stepcall.domain.errors import MAX_PROBLEMS, InvalidParametersError, Problem, shorten
from stepcall.domain.model_problems import Suggester
from stepcall.domain.template import escape_pointer
from stepcall.domain.types import describe_value, is_of_type
from stepcall.domain.workflow import InputParameter, WorkflowDefinition


def bind_parameters(definition: WorkflowDefinition, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every declared input: what was given, else its default, else null when it is optional.

    Raises InvalidParametersError with every problem, in the order of the declaration, unknown names last.
    """
    found = chain(_check_declared(definition, given), _check_unknown(definition, given))
    problems = list(islice(found, MAX_PROBLEMS))
    if problems:
        raise InvalidParametersError(problems)
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in definition.input}


def _check_declared(definition: WorkflowDefinition, given: Mapping[str, Any]) -> Iterator[Problem]:
    for parameter in definition.input:
        location = f"/input/{parameter.name}"
        if parameter.name not in given:
            if parameter.must_be_given:
                described = f": {parameter.description}" if parameter.description else "."
                yield Problem(
                    location, "missing", f"The input `{parameter.name}` is missing{described}", parameter.type.value
                )
        elif not _fits(given[parameter.name], parameter):
            got = describe_value(given[parameter.name])
            message = f"The input `{parameter.name}` must be of type {parameter.type}, not {got}."
            yield Problem(location, "wrong_type", message, parameter.type.value, got)


def _fits(value: Any, parameter: InputParameter) -> bool:
    return (value is None and not parameter.must_be_given) or is_of_type(value, parameter.type)


def _check_unknown(definition: WorkflowDefinition, given: Mapping[str, Any]) -> Iterator[Problem]:
    known = dict.fromkeys(parameter.name for parameter in definition.input)
    suggest, expected = Suggester(), shorten(", ".join(known), 512) or "no inputs"
    for name in given:
        if name not in known:
            message = f"The workflow has no input `{shorten(name)}`{suggest(name, known)}"
            yield Problem(f"/input/{escape_pointer(name)}", "unknown_input", message, expected)
