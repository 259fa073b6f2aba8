"""The parameters of a call against the inputs that a workflow declares."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from stepcall.domain.declared_value import InputParameter
from stepcall.domain.errors import InvalidParametersError, Problem, first_problems, list_names, shorten
from stepcall.domain.model_problems import Suggester
from stepcall.domain.template import escape_pointer
from stepcall.domain.types import describe_value, is_of_type
from stepcall.domain.workflow import WorkflowDefinition

CheckValue = Callable[[InputParameter, Any, Suggester], Iterable[Problem]]
"""The faults of a value for an input, at JSON Pointers that begin with the input's name."""


def bind_parameters(
    definition: WorkflowDefinition, given: Mapping[str, Any], pointer: str = "/input"
) -> dict[str, Any]:
    """The value of every declared input: what was given, else its default, else null when it is optional.

    Null is nothing given: an input with a default is never null, so what it feeds may rely on it.
    Raises InvalidParametersError with every problem, in the order of the declaration, unknown names last; `pointer` is
    where the parameters stand in what the caller sent.
    """
    if problems := check_parameters(definition, given, pointer):
        raise InvalidParametersError(problems)
    return {parameter.name: _value_of(parameter, given) for parameter in definition.input}


def check_parameters(
    definition: WorkflowDefinition, given: Mapping[str, Any], pointer: str, check_value: CheckValue | None = None
) -> list[Problem]:
    """What is wrong with the parameters; `check_value` looks at those that are given and declared."""
    suggest, check = Suggester(), check_value or check_parameter
    found = chain(_check_declared(definition, given, suggest, check), _check_unknown(definition, given, suggest))
    return [replace(problem, location=pointer + problem.location) for problem in first_problems(found)]


def _value_of(parameter: InputParameter, given: Mapping[str, Any]) -> Any:
    value = given.get(parameter.name)
    return parameter.default if value is None else value


def _check_declared(
    definition: WorkflowDefinition, given: Mapping[str, Any], suggest: Suggester, check_value: CheckValue
) -> Iterator[Problem]:
    for parameter in definition.input:
        if parameter.name in given:
            yield from check_value(parameter, given[parameter.name], suggest)
        elif parameter.must_be_given:
            described = f": {parameter.description}" if parameter.description else "."
            message = f"The input `{parameter.name}` is missing{described}"
            yield Problem(f"/{parameter.name}", "missing", message, parameter.type.value)


def check_parameter(parameter: InputParameter, value: Any, suggest: Suggester) -> Iterator[Problem]:
    """Of a value that is known."""
    if value is None and not parameter.must_be_given:
        return
    if not is_of_type(value, parameter.type):
        got = describe_value(value)
        message = f"The input `{parameter.name}` must be of type {parameter.type}, not {got}."
        yield Problem(f"/{parameter.name}", "wrong_type", message, parameter.type.value, got)
    elif parameter.json_schema is not None:
        from stepcall.domain.type_check import faults_of  # noqa: PLC0415 - seldom used: a cold start has no time for it

        faults = faults_of(value, parameter.schema_of_value, suggest)
        yield from (fault.at(f"/{parameter.name}") for fault in faults)


def _check_unknown(definition: WorkflowDefinition, given: Mapping[str, Any], suggest: Suggester) -> Iterator[Problem]:
    known = dict.fromkeys(parameter.name for parameter in definition.input)
    expected = list_names(known) or "no inputs"
    for name in given:
        if name not in known:
            message = f"The workflow has no input `{shorten(name)}`{suggest(name, known)}"
            yield Problem(f"/{escape_pointer(name)}", "unknown_input", message, expected)
