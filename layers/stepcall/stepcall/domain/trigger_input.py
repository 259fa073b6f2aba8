"""The input that a trigger gives to its workflow: a JSON object with templates of what has set the trigger off."""

from collections.abc import Iterator, Mapping
from typing import Any

from stepcall.domain.declared_value import InputParameter
from stepcall.domain.errors import Problem, StepcallError, list_names, shorten
from stepcall.domain.event_template import EVENT_SCHEMAS, NOTHING, SCHEDULE_SCHEMAS, event_scope, parse_event_reference
from stepcall.domain.fault import Fault
from stepcall.domain.json_schema import Schema, misfit
from stepcall.domain.model_problems import Suggester
from stepcall.domain.parameters import check_parameter, check_parameters
from stepcall.domain.parse_template import TemplateSyntaxError, holds_template, parse
from stepcall.domain.render_template import RenderBudget, RenderedTooLongError, RenderError, Scope, render
from stepcall.domain.template import EventReference, Place, Reference, escape_pointer
from stepcall.domain.type_check import UNKNOWN_EVENT_VALUE, TemplateFit
from stepcall.domain.types import describe_value
from stepcall.domain.workflow import WorkflowDefinition

OF_SCHEDULE = "Take `{{event.time}}`, which is when it was due, or write the value itself."
MAX_INPUT_LENGTH = 1024 * 1024
"""Characters that templates may make of an event, which has 1 MB at most, all inputs of the run together."""


class TriggerInputError(StepcallError):
    """The event lacks what the input names; `problems` says which of its templates lead nowhere."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def check_trigger_input(value: Any, definition: WorkflowDefinition, pointer: str, is_schedule: bool) -> list[Problem]:
    """What is known to be wrong with a trigger's input before anything sets it off; `pointer` is where it stands."""
    if not isinstance(value, dict):
        message = f"The input of a trigger must be an object with the workflow's inputs, not {describe_value(value)}."
        return [Problem(pointer, "wrong_type", message, "object", describe_value(value))]
    schemas = SCHEDULE_SCHEMAS if is_schedule else EVENT_SCHEMAS

    def check_value(parameter: InputParameter, given: Any, suggest: Suggester) -> Iterator[Problem]:
        if holds_template(given):
            return _check_template(parameter, given, suggest, schemas)
        return check_parameter(parameter, given, suggest)

    return check_parameters(definition, value, pointer, check_value)


def _check_template(
    parameter: InputParameter, given: Any, suggest: Suggester, schemas: Mapping[str, Schema]
) -> Iterator[Problem]:
    faults: list[Fault] = []

    def tell_unreadable(fault: TemplateSyntaxError) -> None:
        faults.append(Fault(fault.place, "bad_template", fault.message))

    def root_of(reference: Reference, place: Place) -> Schema | None:
        if isinstance(reference, EventReference) and (found := schemas.get(reference.name)):
            if found is not NOTHING or not reference.path:
                return found
            message = f"`{{{{{shorten(str(reference))}}}}}`: the detail of a schedule is empty. {OF_SCHEDULE}"
            faults.append(Fault(place, UNKNOWN_EVENT_VALUE, message))
            return None
        name = reference.root.partition(".")[2]
        message = f"`{{{{{shorten(str(reference))}}}}}`: an event has no `{shorten(name)}`{suggest(name, schemas)}"
        faults.append(Fault(place, UNKNOWN_EVENT_VALUE, message, list_names(schemas)))
        return None

    wanted = parameter.schema_of_value
    template = parse(given, tell_unreadable, parse_event_reference)
    TemplateFit(suggest, faults.append, root_of, misfit).fit(
        template, wanted if parameter.must_be_given else wanted.or_null
    )
    return (fault.at(f"/{parameter.name}") for fault in faults if not fault.is_warning)


def render_trigger_input(
    value: Mapping[str, Any], event: Mapping[str, Any], definition: WorkflowDefinition | None = None
) -> dict[str, Any]:
    """The parameters of the run that an event starts.

    Raises TriggerInputError for every input with a template that leads nowhere, as that is a mistake in the name or an
    event of another form, and a run without what its author has named would be a surprise. One exception, for fields
    that only some events have: where the template stands alone as the value of an input that need not be given, by the
    `definition`, that input is left out, so that its default counts. Text around the template, or an object or array
    that holds it, is never given with a hole.
    """
    scope = Scope({}, {}, event=event_scope(event), budget=RenderBudget(MAX_INPUT_LENGTH))
    rendered, problems = dict[str, Any](), list[Problem]()
    for name, given in value.items():
        template = parse(given, read_reference=parse_event_reference)
        try:
            rendered[name] = render(template, scope)
        except RenderedTooLongError as exc:
            raise TriggerInputError([Problem(f"/{escape_pointer(name)}", "input_too_long", str(exc))]) from exc
        except RenderError as exc:
            if not (isinstance(template, EventReference) and _need_not_be_given(name, definition)):
                problems.append(Problem(f"/{escape_pointer(name)}", "missing_event_value", str(exc)))
    if problems:
        raise TriggerInputError(problems)
    return rendered


def _need_not_be_given(name: str, definition: WorkflowDefinition | None) -> bool:
    inputs = definition.input if definition else ()
    return any(parameter.name == name and not parameter.must_be_given for parameter in inputs)
