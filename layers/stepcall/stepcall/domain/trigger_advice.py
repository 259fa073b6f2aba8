"""What of an event trigger is allowed and probably not meant: that it fires never, by half, or by its own runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stepcall.domain.errors import Problem, list_names, shorten
from stepcall.domain.event_pattern import OR, takes_aws_only, takes_source_of_aws
from stepcall.domain.event_template import parse_event_reference
from stepcall.domain.ids import spell_workflow
from stepcall.domain.model_problems import Suggester
from stepcall.domain.parse_template import TemplateSyntaxError, parse
from stepcall.domain.run_events import DETAIL_FIELDS, SOURCE, RunEventType
from stepcall.domain.template import EventReference, escape_pointer, references, spell_place
from stepcall.domain.trigger import Bus, EventSource, Trigger
from stepcall.domain.workflow import WorkflowDefinition

PATTERN, INPUT = "/pattern", "/input"
NOT_CARRIED = frozenset({"input", "inputs", "output", "outputs", "result"})
FETCH = "Events carry neither input nor output: take `{{event.detail.execution_id}}`, and fetch the execution by it."


def advise_on(trigger: Trigger, definition: WorkflowDefinition) -> list[Problem]:
    """Warnings of an event trigger without faults; `definition` is of the workflow that it starts."""
    source = trigger.source
    if not isinstance(source, EventSource):
        return []
    found = [*_of_bus(source.pattern, source.bus)]
    if source.pattern.get("source") == [SOURCE] and source.bus is Bus.STEPCALL:
        suggest = Suggester()
        found += _of_own_events(source.pattern, suggest)
        found += _of_templates(trigger.input, suggest)
        found += _of_own_runs(trigger, source.pattern, definition)
    return found


def _of_bus(pattern: Mapping[str, Any], bus: Bus) -> Iterator[Problem]:
    if bus is Bus.DEFAULT:
        yield from _of_stepcall_on_default(pattern)
        return
    if "source" not in pattern and OR not in pattern:
        message = (
            f"The pattern names no `source`, and comes by the bus `{bus}`, to which services of AWS send nothing. Name "
            f"the source that you mean; for events of AWS on this pattern make a trigger with the bus `{Bus.DEFAULT}`."
        )
        yield Problem(PATTERN, "no_source", message)
    places = [(f"{PATTERN}/source/{at}", takes_source_of_aws(each)) for at, each in _elements(pattern, "source")]
    places += [(f"{PATTERN}/{OR}/{at}", takes_aws_only(way)) for at, way in _elements(pattern, OR)]
    for place, is_of_aws in places:
        if is_of_aws:
            message = (
                f"This never fires: services of AWS send their events to the bus `{Bus.DEFAULT}` only, and this "
                f"trigger listens to `{bus}`, as it takes others, too. Make two triggers."
            )
            yield Problem(place, "partly_never_fires", message)


def _of_stepcall_on_default(pattern: Mapping[str, Any]) -> Iterator[Problem]:
    for at, each in _elements(pattern, "source"):
        if each == SOURCE:
            message = f"This never fires: Stepcall sends the events of runs to the bus `{Bus.STEPCALL}` only."
            yield Problem(f"{PATTERN}/source/{at}", "partly_never_fires", message)


def _elements(pattern: Mapping[str, Any], name: str) -> Iterator[tuple[int, Any]]:
    return enumerate(pattern.get(name, ()))


def _of_own_events(pattern: Mapping[str, Any], suggest: Suggester) -> Iterator[Problem]:
    known = [*RunEventType]
    for at, kind in _elements(pattern, "detail-type"):
        if isinstance(kind, str) and kind not in known:
            message = f"This never fires: Stepcall sends no events of this type{suggest(kind, known)}"
            yield Problem(f"{PATTERN}/detail-type/{at}", "unknown_detail_type", message, list_names(known))
    for name, wanted in pattern.get("detail", {}).items():
        if name not in DETAIL_FIELDS and name != OR and wanted != [{"exists": False}]:
            place = f"{PATTERN}/detail/{escape_pointer(name)}"
            yield _no_field(place, name, suggest, "This never fires: the detail of Stepcall's events has no")


def _of_templates(value: Mapping[str, Any], suggest: Suggester) -> Iterator[Problem]:
    unreadable = list[TemplateSyntaxError]()  # they are told where the input is checked
    for place, named in references(parse(dict(value), unreadable.append, parse_event_reference)):
        if isinstance(named, EventReference) and named.name == "detail" and (step := _unknown(named.path)):
            reason = "The trigger would start nothing: the detail of Stepcall's events has no"
            yield _no_field(INPUT + spell_place(place), step, suggest, reason)


def _unknown(path: Sequence[str | int]) -> str:
    """The step of a path into a detail that leads nowhere, empty when there is none."""
    if not path or path[0] not in DETAIL_FIELDS:
        return str(path[0]) if path else ""
    below = DETAIL_FIELDS[str(path[0])]
    return str(path[1]) if len(path) > 1 and path[1] not in below else ""


def _no_field(place: str, name: str, suggest: Suggester, reason: str) -> Problem:
    advice = f". {FETCH}" if name in NOT_CARRIED else suggest(name, DETAIL_FIELDS)
    return Problem(place, "unknown_detail_field", f"{reason} `{shorten(name)}`{advice}", list_names(DETAIL_FIELDS))


class _OwnRun(NamedTuple):
    """What the events of runs that the trigger starts say."""

    workflow_id: str
    workflow_name: str
    tenant: str


def _of_own_runs(trigger: Trigger, pattern: Mapping[str, Any], definition: WorkflowDefinition) -> Iterator[Problem]:
    detail = pattern.get("detail", {})
    own = _OwnRun(spell_workflow(trigger.workflow_id), definition.name, trigger.tenant)
    is_told_apart = "trigger_depth" in detail or "workflow_type" in detail or OR in pattern or OR in detail
    if is_told_apart or not all(_takes(detail.get(name), value) for name, value in own._asdict().items()):
        return
    message = (
        "The pattern takes the events of the runs that this trigger starts, too: nothing is started by these. "
        'Name other workflows in `detail.workflow_id`, or take runs of callers only: `"trigger_depth": [0]`.'
    )
    yield Problem(PATTERN, "takes_own_runs", message)


def _takes(wanted: Any, value: str) -> bool:
    """Whether an array of a pattern surely takes the value; matchers other than values are not asked."""
    return wanted is None or value in wanted
