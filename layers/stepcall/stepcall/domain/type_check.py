"""Whether values and templates fit the places that they are for, as far as can be known before a run.

A value is walked beside the schema of its place; what does not fit is told, in document order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from stepcall.domain.errors import MAX_PROBLEMS, list_names, shorten
from stepcall.domain.fault import Fault, Tell
from stepcall.domain.json_schema import (
    ANYTHING,
    Misfit,
    Schema,
    Variant,
    bound_broken,
    is_undeclared,
    step_into,
    type_of,
)
from stepcall.domain.render_template import Scope, render
from stepcall.domain.template import (
    UNREADABLE,
    Array,
    EventReference,
    InputReference,
    ItemReference,
    Literal,
    Object,
    Place,
    Reference,
    RunReference,
    Template,
    Text,
    references,
    spell_path,
)
from stepcall.domain.types import JsonType, describe_value

NOTHING = Scope({}, {})
UNKNOWN = object()
UNKNOWN_EVENT_VALUE = "unknown_event_value"
UNKNOWN_RUN_VALUE = "unknown_run_value"
RESHAPE = "Name another value, or reshape this one by a task before."
Suggest = Callable[[str, Iterable[str]], str]


class ValueFit:
    """Fits JSON values."""

    def __init__(self, suggest: Suggest, tell: Tell) -> None:
        self.suggest = suggest
        self.tell = tell

    def fit(self, value: Any, wanted: Schema, place: Place = ()) -> None:
        """Tell of everything in the value that is not of the schema that is wanted."""
        if wanted.is_anything:
            return
        match value:
            case dict():
                self.fit_members(value, wanted, place)
            case list():
                self.fit_elements(value, wanted, place)
            case _:
                self.fit_scalar(value, wanted, place)

    def fit_scalar(self, value: Any, wanted: Schema, place: Place) -> None:
        variant = wanted.is_anything or wanted.variant_for(type_of(value))
        if not variant:
            self._tell_wrong_type(wanted, describe_value(value), place)
        elif isinstance(variant, Variant):
            self._fit_limits(value, variant, place)

    def fit_members(self, members: Mapping[str, Any], wanted: Schema, place: Place) -> None:
        variant = self._variant(JsonType.OBJECT, "an object", wanted, place)
        if variant is None:
            return
        self._fit_limits(members, variant, place)
        for name in variant.required:
            if name not in members:
                expected = str(variant.properties.get(name, ANYTHING))
                self.tell(Fault((place, name), "missing", f"`{shorten(name)}` is missing.", expected))
        for name, member in members.items():
            below = variant.properties.get(name, variant.additional)
            if below is None:
                self._tell_unknown_field(name, variant, place)
            else:
                self.fit(member, below, (place, name))

    def fit_elements(self, elements: Sequence[Any], wanted: Schema, place: Place) -> None:
        variant = self._variant(JsonType.ARRAY, f"an array of {len(elements)}", wanted, place)
        if variant is None:
            return
        self._fit_limits(elements, variant, place)
        for index, element in enumerate(elements):
            self.fit(element, variant.items or ANYTHING, (place, index))

    def _variant(self, json_type: JsonType, got: str, wanted: Schema, place: Place) -> Variant | None:
        """The variant of that type; None when it does not fit, which is told."""
        if wanted.is_anything:
            return Variant(json_type, additional=ANYTHING, items=ANYTHING)
        found = wanted.variants.get(json_type)
        if found is None:
            self._tell_wrong_type(wanted, got, place)
        return found

    def _fit_limits(self, value: Any, variant: Variant, place: Place) -> None:
        needed = bound_broken(value, variant)
        if variant.enum is not None and (known := self._known(value)) is not UNKNOWN and known not in variant.enum:
            needed = variant.words
        if needed:
            self.tell(Fault(place, "invalid_value", f"This must be {needed}.", needed))

    def _known(self, value: Any) -> Any:
        """The value as JSON, or UNKNOWN when some of it is known in the run only."""
        return value

    def _tell_wrong_type(self, wanted: Schema, got: str, place: Place) -> None:
        self.tell(Fault(place, "wrong_type", f"This must be {wanted.words}, not {got}.", str(wanted), got))

    def _tell_unknown_field(self, name: str, variant: Variant, place: Place) -> None:
        message = f"There is no field `{shorten(name)}`{self.suggest(name, variant.properties)}"
        self.tell(Fault((place, name), "unknown_field", message, list_names(variant.properties)))


class _EnoughFaultsError(Exception):
    """So many faults that looking for more only costs time."""


def faults_of(value: Any, wanted: Schema, suggest: Suggest, limit: int = MAX_PROBLEMS) -> list[Fault]:
    """What of a JSON value is not of the schema."""
    faults: list[Fault] = []

    def keep(fault: Fault) -> None:
        faults.append(fault)
        if len(faults) >= limit:
            raise _EnoughFaultsError

    with suppress(_EnoughFaultsError):
        ValueFit(suggest, keep).fit(value, wanted)
    return faults


class TemplateFit(ValueFit):
    """Fits templates: besides literals, references by what they name.

    `root_of` gives what a reference names without its path; None when it names nothing, which it has told. `misfit` is
    that of json_schema.py: whoever has many templates lets it remember. `why_no_step` may know better why something has
    no field than that it was misspelled: it ends the sentence.
    """

    def __init__(
        self,
        suggest: Suggest,
        tell: Tell,
        root_of: Callable[[Reference, Place], Schema | None],
        misfit: Callable[[Schema, Schema], Misfit | None],
        why_no_step: Callable[[Reference, int], str] = lambda *_: "",
    ) -> None:
        super().__init__(suggest, tell)
        self._root_of = root_of
        self._misfit = misfit
        self._why_no_step = why_no_step

    def fit(self, value: Any, wanted: Schema, place: Place = ()) -> None:
        """Tell of everything in the template that is not, or names what is not, of the schema that is wanted."""
        match value:
            case Literal() if value is UNREADABLE:
                pass  # told by whoever parsed it
            case Literal(scalar):
                self.fit_scalar(scalar, wanted, place)
            case Object(members):
                self.fit_members(dict(members), wanted, place)
            case Array(elements):
                self.fit_elements(elements, wanted, place)
            case Text(parts):
                self._fit_text(parts, wanted, place)
            case reference:
                self._fit_reference(reference, wanted, place)

    def _known(self, value: Any) -> Any:
        match value:
            case dict():
                template: Template = Object(tuple(value.items()))
            case tuple():
                template = Array(value)
            case _:
                return value
        return UNKNOWN if any(references(template)) else render(template, NOTHING)

    def _fit_reference(self, reference: Reference, wanted: Schema, place: Place) -> None:
        root = self._root_of(reference, place)
        source = self._follow(root, reference, place)
        if reference.default is not None:
            self.fit_scalar(reference.default.value, wanted, place)
            source = source and source.but_null
        if source is None:
            return
        if found := self._misfit(source, wanted):
            advice = _advise_on_null(reference, root, wanted) if found.is_null else RESHAPE
            spelled = f"`{{{{{shorten(str(reference))}}}}}`"
            message = f"{spelled} does not fit: {found.words}, and this must be {wanted.words}. {advice}"
            code = "may_be_null" if found.is_null else "type_mismatch"
            self.tell(Fault(place, code, message, str(wanted), str(source)))

    def _fit_text(self, parts: tuple[str | Reference, ...], wanted: Schema, place: Place) -> None:
        if not wanted.is_anything and JsonType.STRING not in wanted.variants:
            message = (
                f"A template inside text gives text, and this must be {wanted.words}. A template alone keeps its type."
            )
            self.tell(Fault(place, "type_mismatch", message, str(wanted), "string"))
        for part in parts:
            if not isinstance(part, str) and (source := self._resolve(part, place)):
                self._fit_part(part, source if part.default is None else source.but_null, place)

    def _fit_part(self, part: Reference, source: Schema, place: Place) -> None:
        spelled = f"`{{{{{shorten(str(part))}}}}}`"
        expected = "string, number, integer or boolean"
        if found := next((t for t in (JsonType.OBJECT, JsonType.ARRAY) if t in source.variants), None):
            message = f"{spelled} cannot stand inside text: it is an {found}. Name a value in it."
            self.tell(Fault(place, "not_text", message, expected, str(source)))
        elif source.may_be_null:
            message = f"{spelled} may be null, and would then stand in the text as `null`."
            self.tell(Fault(place, "null_in_text", message, expected, str(source), is_warning=True))

    def _resolve(self, reference: Reference, place: Place) -> Schema | None:
        """What a reference names; None when it names nothing, which is told."""
        return self._follow(self._root_of(reference, place), reference, place)

    def _follow(self, found: Schema | None, reference: Reference, place: Place) -> Schema | None:
        """What lies at the end of its path; `found` is where that begins."""
        for position, step in enumerate(reference.path):
            if found is None:
                return None
            deeper = step_into(found, step)
            if deeper is None:
                self._tell_no_step(reference, position, found, place)
            elif isinstance(step, str) and is_undeclared(found, step):
                self._warn_of_undeclared(reference, position, found, place)
            found = deeper
        return found

    def _warn_of_undeclared(self, reference: Reference, position: int, found: Schema, place: Place) -> None:
        step, declared = str(reference.path[position]), found.variants[JsonType.OBJECT].properties
        so_far = shorten(reference.root + spell_path(reference.path[:position]))
        message = (
            f"The `schema` of `{so_far}` allows `{shorten(step)}` and does not name it{self.suggest(step, declared)}"
        )
        self.tell(Fault(place, "undeclared_field", message, list_names(declared), is_warning=True))

    def _tell_no_step(self, reference: Reference, position: int, found: Schema, place: Place) -> None:
        step = reference.path[position]
        so_far = shorten(reference.root + spell_path(reference.path[:position]))
        code = _code_of_no_step(reference)
        if isinstance(step, str) and (variant := found.variants.get(JsonType.OBJECT)):
            why = self._why_no_step(reference, position)
            message = f"`{so_far}` has no `{shorten(step)}`{why or self.suggest(step, variant.properties)}"
            self.tell(Fault(place, code, message, list_names(variant.properties)))
        else:
            wanted = "elements" if isinstance(step, int) else "fields"
            message = f"`{so_far}` has no {wanted}: it is {found.words}."
            self.tell(Fault(place, code, message, "array" if isinstance(step, int) else "object", str(found)))


def _code_of_no_step(reference: Reference) -> str:
    if isinstance(reference, EventReference):
        return UNKNOWN_EVENT_VALUE
    if isinstance(reference, ItemReference):
        return "unknown_item_field"
    if isinstance(reference, RunReference):
        return UNKNOWN_RUN_VALUE
    return "unknown_input_field" if isinstance(reference, InputReference) else "unknown_output_field"


def _advise_on_null(reference: Reference, root: Schema | None, wanted: Schema) -> str:
    from stepcall.domain.null_advice import advise_on_null  # noqa: PLC0415 - seldom told: a cold start has no time

    return advise_on_null(reference, root, wanted)
