"""The value of a template: what it names, looked up in a run's data.

Data that comes from a run is only ever copied, never parsed: a downloaded page that contains `{{…}}` stays as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepcall.domain.errors import StepcallError, shorten
from stepcall.domain.template import (
    Array,
    EventReference,
    InputReference,
    ItemReference,
    Literal,
    Object,
    OutputReference,
    Reference,
    ResultReference,
    RunReference,
    Template,
    Text,
    spell_path,
)
from stepcall.domain.types import describe_value

MAX_RENDERED_LENGTH = 100 * 1024 * 1024  # no payload may be larger
MAX_RENDERED_DEPTH = 200  # nor nest deeper
MAX_SPELLED_LENGTH = 256  # of a reference in a message


class RenderError(StepcallError):
    """A reference leads nowhere in the data at hand."""


class RenderedTooLongError(RenderError):
    """The value would be longer than it may be."""


class RenderBudget:
    """How much may still be rendered: templates that repeat a large value must not fill the memory first.

    A value that is named once is handed on as it is and costs nothing; each time more it costs its length as JSON.
    """

    def __init__(self, limit: int = MAX_RENDERED_LENGTH) -> None:
        self._limit = self._left = limit
        self._named: set[int] = set()
        self._lengths: dict[int, int] = {}
        self._spelled: dict[int, tuple[Any, str]] = {}
        """With the value itself: while it is kept, nothing else has its identity."""

    def spend(self, length: int) -> None:
        """Raises RenderedTooLongError."""
        self._left -= length
        if self._left < 0:
            raise RenderedTooLongError(f"The value would be longer than {self._limit:,} characters, the limit.")

    def spell(self, value: Any) -> str:
        """A value within text, however often it is named: once. Raises RenderedTooLongError."""
        if isinstance(value, str):
            self.spend(len(value))
            return value
        if id(value) not in self._spelled:
            self._spelled[id(value)] = value, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text = self._spelled[id(value)][1]
        self.spend(len(text))
        return text

    def hand_on(self, value: Any) -> Any:
        """Raises RenderError."""
        if isinstance(value, str | list | dict):
            if id(value) in self._named:
                self.spend(self._length_of(value, 0))
            self._named.add(id(value))
        return value

    def _length_of(self, value: Any, depth: int) -> int:
        if depth > MAX_RENDERED_DEPTH:
            raise RenderError(f"The value would nest more than {MAX_RENDERED_DEPTH} deep, which is the limit.")
        if isinstance(value, str):
            return len(value)
        if not isinstance(value, list | dict):
            return 1
        if id(value) not in self._lengths:
            inner = value.values() if isinstance(value, dict) else value
            names = sum(map(len, value)) if isinstance(value, dict) else 0
            self._lengths[id(value)] = names + len(value) + sum(self._length_of(each, depth + 1) for each in inner)
        return self._lengths[id(value)]


@dataclass(frozen=True, slots=True)
class Scope:
    """What references are looked up in: the run's input, and the outputs of finished tasks, by ref."""

    input: Mapping[str, Any]
    outputs: Mapping[str, Any]
    results: dict[str, Any] = field(default_factory=dict)
    """The workflow's own outputs that have been rendered, by name."""
    run: Mapping[str, str | None] = field(default_factory=dict)
    """What the run itself is about, by name."""
    event: Mapping[str, Any] = field(default_factory=dict)
    """What has set off a trigger."""
    each: Mapping[str, Any] = field(default_factory=dict)
    """The `item` and the `index` that a task is done for."""
    budget: RenderBudget = field(default_factory=RenderBudget)


def render(template: Template, scope: Scope) -> Any:
    """The value of a template. Raises RenderError where a reference leads nowhere."""
    match template:
        case Literal(value):
            return value
        case Text(parts):
            # one after the other: what is too long is not spelled to its end first
            return "".join([scope.budget.spell(_value_of(part, scope)) for part in parts])
        case Object(members):
            return {key: render(member, scope) for key, member in members}
        case Array(elements):
            return [render(element, scope) for element in elements]
        case reference:
            return scope.budget.hand_on(look_up(reference, scope))


def look_up(reference: Reference, scope: Scope) -> Any:
    """What a reference names; null past null, and for a field that an input does not have.

    Its default in place of null, and where it leads nowhere. Raises RenderError with the first step that leads nowhere.
    """
    if reference.default is None:
        return _look_up(reference, scope)
    try:
        value = _look_up(reference, scope)
    except RenderError:
        value = None
    return reference.default.value if value is None else value


def _look_up(reference: Reference, scope: Scope) -> Any:
    value = _look_up_root(reference, scope)
    # what a caller sends need not have every field; of an event a field that is not there is a mistake in its name
    may_lack = not isinstance(reference, OutputReference | EventReference)
    for position, step in enumerate(reference.path):
        if value is None or (may_lack and isinstance(value, dict) and isinstance(step, str) and step not in value):
            return None
        try:
            value = _step_into(value, step)
        except (KeyError, IndexError, TypeError) as exc:
            so_far = f"`{shorten(reference.root + spell_path(reference.path[:position]), MAX_SPELLED_LENGTH)}`"
            lack = f"{so_far} has no {_spell_step(step)}; it is {describe_value(value)}."
            raise RenderError(f"`{_spell(reference)}` has no value: {lack}") from exc
    return value


def _look_up_root(reference: Reference, scope: Scope) -> Any:
    match reference:
        case InputReference(name):
            return scope.input.get(name)
        case ResultReference(name):
            return scope.results.get(name)
        case EventReference(name):  # a RunReference, too, as is the next
            return scope.event.get(name)
        case ItemReference(name):
            return scope.each.get(name)
        case RunReference(name):
            return scope.run.get(name)
        case OutputReference(ref) if ref in scope.outputs:
            return scope.outputs[ref]
    raise RenderError(f"`{_spell(reference)}` has no value: task `{reference.ref}` has no output.")


def _spell(reference: Reference) -> str:
    return f"{{{{{shorten(str(reference), MAX_SPELLED_LENGTH)}}}}}"


def _step_into(value: Any, step: str | int) -> Any:
    if isinstance(step, int) != isinstance(value, list):
        raise TypeError
    return value[step]


def _spell_step(step: str | int) -> str:
    return f"element {step}" if isinstance(step, int) else f"field `{shorten(step)}`"


def _value_of(part: str | Reference, scope: Scope) -> Any:
    return part if isinstance(part, str) else look_up(part, scope)
