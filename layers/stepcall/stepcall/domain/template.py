"""The template language: `{{input.NAME}}` and `{{refs.REF.output.FIELD.deeper[0]}}` inside JSON values.

The later generation writes `{{inputs.NAME}}`, `{{tasks.NAME.outputs.FIELD}}` and, for an output of the workflow that
stands before, `{{outputs.NAME}}`. `parse` reads both; which of them a document may use is for the checker. Both know
`{{run.range_from}}` and `{{run.range_to}}`.

`parse` turns a definition's values into a small tree, once; `render` fills the tree from a run's data.
Data that comes from a run is only ever copied, never parsed: a downloaded page that contains `{{…}}` stays as it is.
Source: contracts/data-flow-platform.md, "Definition".
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from stepcall.domain.errors import StepcallError, shorten
from stepcall.domain.generation import Generation

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP = re.compile(rf"\.(?P<name>{NAME})|\[(?P<index>[0-9]{{1,9}})\]")
_HEAD = re.compile(
    rf"(?P<inputs>inputs?)\.(?P<input>{NAME})"
    rf"|refs\.(?P<ref>{NAME})\.output(?!s)|tasks\.(?P<task>{NAME})\.outputs"
    rf"|outputs\.(?P<result>{NAME})"
    rf"|run\.(?P<run>{NAME})"
)
_OPEN, _CLOSE, _ESCAPE = "{{", "}}", "{{{{"
FIRST_FORMS = "`{{input.NAME}}` or `{{refs.REF.output.FIELD}}`"
LATER_FORMS = "`{{inputs.NAME}}` or `{{tasks.NAME.outputs.FIELD}}`"
RUN_FORMS = "`{{run.range_from}}` or `{{run.range_to}}`"
DEEPER = "then `.FIELD` and `[0]` for what lies deeper, or `{{{{` for a literal `{{`"
MAX_TEMPLATE_DEPTH = 64
MAX_BARE_LENGTH = 256
MAX_RENDERED_LENGTH = 100 * 1024 * 1024  # no payload may be larger
MAX_RENDERED_DEPTH = 200  # nor nest deeper


Place = tuple["Place", str | int] | tuple[()]
"""Where a value stands below another: the place of what holds it, and the last step. Spelled as a JSON Pointer only
where there is a fault, as a long key above many values would be spelled again for each of them."""


class TemplateSyntaxError(StepcallError):
    """A `{{…}}` that is not in the language. `place` is where it stands, below the value parsed."""

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class RenderError(StepcallError):
    """A reference leads nowhere in the data at hand."""


@dataclass(frozen=True, slots=True)
class InputReference:
    """`{{input.NAME…}}`, in the later generation `{{inputs.NAME…}}`."""

    name: str
    path: tuple[str | int, ...] = ()
    generation: Generation = Generation.FIRST

    @property
    def root(self) -> str:
        """What it names without its path, as its author wrote it."""
        return f"{'input' if self.generation is Generation.FIRST else 'inputs'}.{self.name}"

    def __str__(self) -> str:
        return self.root + spell_path(self.path)


@dataclass(frozen=True, slots=True)
class OutputReference:
    """`{{refs.REF.output…}}`, in the later generation `{{tasks.NAME.outputs…}}`."""

    ref: str
    path: tuple[str | int, ...] = ()
    generation: Generation = Generation.FIRST

    @property
    def root(self) -> str:
        """What it names without its path, as its author wrote it."""
        return f"refs.{self.ref}.output" if self.generation is Generation.FIRST else f"tasks.{self.ref}.outputs"

    def __str__(self) -> str:
        return self.root + spell_path(self.path)


@dataclass(frozen=True, slots=True)
class ResultReference:
    """`{{outputs.NAME…}}` of the later generation: an output of the workflow, for those that stand after it."""

    name: str
    path: tuple[str | int, ...] = ()
    generation: Generation = Generation.LATER

    @property
    def root(self) -> str:
        """What it names without its path, as its author wrote it."""
        return f"outputs.{self.name}"

    def __str__(self) -> str:
        return self.root + spell_path(self.path)


@dataclass(frozen=True, slots=True)
class RunReference:
    """`{{run.NAME}}`: what a run itself is about, in both generations."""

    name: str
    path: tuple[str | int, ...] = ()
    generation: ClassVar[None] = None

    @property
    def root(self) -> str:
        """What it names without its path."""
        return f"run.{self.name}"

    def __str__(self) -> str:
        return self.root + spell_path(self.path)


Reference = InputReference | OutputReference | ResultReference | RunReference


@dataclass(frozen=True, slots=True)
class Literal:
    """A JSON scalar without references."""

    value: str | int | float | bool | None


UNREADABLE = Literal(None)
"""What stands where a template could not be read, after the fault was told."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text around references: it always renders to text."""

    parts: tuple[str | Reference, ...]


@dataclass(frozen=True, slots=True)
class Object:
    members: tuple[tuple[str, "Template"], ...]


@dataclass(frozen=True, slots=True)
class Array:
    elements: tuple["Template", ...]


Template = Literal | Reference | Text | Object | Array


class RenderBudget:
    """How much may still be rendered: templates that repeat a large value must not fill the memory first.

    A value that is named once is handed on as it is and costs nothing; each time more it costs its length as JSON.
    """

    def __init__(self) -> None:
        self._left = MAX_RENDERED_LENGTH
        self._named: set[int] = set()
        self._lengths: dict[int, int] = {}

    def spend(self, length: int) -> None:
        """Raises RenderError."""
        self._left -= length
        if self._left < 0:
            raise RenderError(f"The value would be longer than {MAX_RENDERED_LENGTH} characters, which is the limit.")

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
    budget: RenderBudget = field(default_factory=RenderBudget)


def spell_path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def parse(value: Any, on_fault: Callable[[TemplateSyntaxError], None] | None = None) -> Template:
    """Turn a JSON value into its template.

    Raises TemplateSyntaxError at the first `{{…}}` that it cannot read; `on_fault` is told of each one instead.
    """
    return _parse(value, (), 0, on_fault or _raise)


def _raise(fault: TemplateSyntaxError) -> None:
    raise fault


def _parse(value: Any, place: Place, depth: int, on_fault: Callable[[TemplateSyntaxError], None]) -> Template:
    if depth > MAX_TEMPLATE_DEPTH:
        on_fault(TemplateSyntaxError(f"Values nest at most {MAX_TEMPLATE_DEPTH} deep.", place))
        return UNREADABLE
    if isinstance(value, str):
        try:
            return parse_text(value)
        except TemplateSyntaxError as fault:
            on_fault(TemplateSyntaxError(fault.message, place))
            return UNREADABLE
    if isinstance(value, dict):
        return Object(tuple((key, _parse(value[key], (place, key), depth + 1, on_fault)) for key in value))
    if isinstance(value, list):
        return Array(tuple(_parse(item, (place, index), depth + 1, on_fault) for index, item in enumerate(value)))
    return Literal(value)


def parse_text(text: str) -> Template:
    """A template alone keeps the type of what it names; a template inside longer text becomes text."""
    if _OPEN not in text:
        return Literal(text)
    parts = tuple(_parts(text))
    if len(parts) != 1:
        return Text(parts)
    [alone] = parts
    return Literal(alone) if isinstance(alone, str) else alone


def _parts(text: str) -> Iterator[str | Reference]:
    literal, position = list[str](), 0
    while (found := text.find(_OPEN, position)) >= 0:
        literal.append(text[position:found])
        if text.startswith(_ESCAPE, found):
            literal.append(_OPEN)
            position = found + len(_ESCAPE)
            continue
        end = text.find(_CLOSE, found)
        if end < 0:
            raise TemplateSyntaxError(
                f"`{shorten(text[found:])}` opens a template that is not closed; write `}}}}` after it, or `{{{{{{{{` "
                "for a literal `{{`."
            )
        yield from _joined(literal)
        yield parse_reference(text[found + len(_OPEN) : end])
        literal, position = [], end + len(_CLOSE)
    yield from _joined([*literal, text[position:]])


def _joined(literal: list[str]) -> Iterator[str]:
    if text := "".join(literal):
        yield text


def parse_reference(text: str) -> Reference:
    """`input.NAME`, `refs.REF.output` or a later word for them, then any number of `.field` and `[index]`."""
    spelled = text.strip()
    head = _HEAD.match(spelled)
    if not head:
        raise _not_a_reference(spelled)
    path: list[str | int] = []
    position = head.end()
    while position < len(spelled):
        step = _STEP.match(spelled, position)
        if not step:
            raise _not_a_reference(spelled)
        path.append(step["name"] or int(step["index"]))
        position = step.end()
    return _reference(head, tuple(path))


def _reference(head: re.Match[str], path: tuple[str | int, ...]) -> Reference:
    if name := head["input"]:
        return InputReference(name, path, Generation.FIRST if head["inputs"] == "input" else Generation.LATER)
    if ref := head["ref"]:
        return OutputReference(ref, path)
    if task := head["task"]:
        return OutputReference(task, path, Generation.LATER)
    if name := head["run"]:
        return RunReference(name, path)
    return ResultReference(head["result"], path)


def _not_a_reference(spelled: str) -> TemplateSyntaxError:
    head = re.split(r"[^A-Za-z0-9_]", spelled, maxsplit=1)[0]
    if head == "run":
        return TemplateSyntaxError(f"`{{{{{shorten(spelled)}}}}}` names nothing: write {RUN_FORMS}.")
    is_later = spelled.startswith(("inputs", "tasks", "outputs"))
    right = LATER_FORMS if is_later else FIRST_FORMS
    return TemplateSyntaxError(f"`{{{{{shorten(spelled)}}}}}` names nothing: write {right}, {DEEPER}.")


def escape_pointer(key: str) -> str:
    """A key as one token of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def spell_place(place: Place) -> str:
    """A place as a JSON Pointer."""
    tokens = []
    while place:
        place, step = place
        tokens.append(f"/{escape_pointer(str(step))}")
    return "".join(reversed(tokens))


def holds_template(value: Any) -> bool:
    """Whether a JSON value may hold a template or an escape somewhere, without parsing it."""
    ahead = [value]
    while ahead:
        match ahead.pop():
            case str() as text if _OPEN in text:
                return True
            case list() as elements:
                ahead.extend(elements)
            case dict() as members:
                ahead.extend(members.values())
    return False


def references(template: Template, place: Place = ()) -> Iterator[tuple[Place, Reference]]:
    """Every reference in a template with the place of the value that holds it, in document order."""
    match template:
        case Literal():
            pass
        case Text(parts):
            yield from ((place, part) for part in parts if not isinstance(part, str))
        case Object(members):
            for key, member in members:
                yield from references(member, (place, key))
        case Array(elements):
            for index, element in enumerate(elements):
                yield from references(element, (place, index))
        case reference:
            yield place, reference


def refs_in(template: Template) -> tuple[str, ...]:
    """The refs of the tasks whose outputs a template uses, each once, in document order."""
    named = (reference for _, reference in references(template))
    return tuple(dict.fromkeys(reference.ref for reference in named if isinstance(reference, OutputReference)))


def texts(template: Template, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text without references, with its place."""
    match template:
        case Literal(str() as value):
            yield place, value
        case Object(members):
            for key, member in members:
                yield from texts(member, (place, key))
        case Array(elements):
            for index, element in enumerate(elements):
                yield from texts(element, (place, index))


def read_bare(text: str) -> Reference | None:
    """What a text without braces would name with them; None when that is nothing."""
    if len(text) > MAX_BARE_LENGTH or not _HEAD.match(text):
        return None
    try:
        return parse_reference(text)
    except TemplateSyntaxError:
        return None


def render(template: Template, scope: Scope) -> Any:
    """The value of a template. Raises RenderError where a reference leads nowhere."""
    match template:
        case Literal(value):
            return value
        case Text(parts):
            texts = [part if isinstance(part, str) else _as_text(part, scope) for part in parts]
            scope.budget.spend(sum(map(len, texts)))
            return "".join(texts)
        case Object(members):
            return {key: render(member, scope) for key, member in members}
        case Array(elements):
            return [render(element, scope) for element in elements]
        case reference:
            return scope.budget.hand_on(look_up(reference, scope))


def look_up(reference: Reference, scope: Scope) -> Any:
    """What a reference names; null past null, and for a field that an input does not have.

    Raises RenderError with the first step that leads nowhere else.
    """
    value = _look_up_root(reference, scope)
    may_lack = not isinstance(reference, OutputReference)  # what a caller sends need not have every field
    for position, step in enumerate(reference.path):
        if value is None or (may_lack and isinstance(value, dict) and isinstance(step, str) and step not in value):
            return None
        try:
            value = _step_into(value, step)
        except (KeyError, IndexError, TypeError) as exc:
            so_far = reference.root + spell_path(reference.path[:position])
            raise RenderError(
                f"`{{{{{reference}}}}}` has no value: `{so_far}` has no {_spell_step(step)}; it is {describe(value)}."
            ) from exc
    return value


def _look_up_root(reference: Reference, scope: Scope) -> Any:
    match reference:
        case InputReference(name):
            return scope.input.get(name)
        case ResultReference(name):
            return scope.results.get(name)
        case RunReference(name):
            return scope.run.get(name)
        case OutputReference(ref) if ref in scope.outputs:
            return scope.outputs[ref]
    raise RenderError(f"`{{{{{reference}}}}}` has no value: task `{reference.ref}` has no output.")


def _step_into(value: Any, step: str | int) -> Any:
    if isinstance(step, int) != isinstance(value, list):
        raise TypeError
    return value[step]


def _spell_step(step: str | int) -> str:
    return f"element {step}" if isinstance(step, int) else f"field `{step}`"


def describe(value: Any) -> str:
    """What kind of JSON value this is, for a person; never the value itself."""
    kinds: list[tuple[type | tuple[type, ...], Callable[[Any], str]]] = [
        (bool, lambda _: "a boolean"),
        ((int, float), lambda _: "a number"),
        (str, lambda _: "text"),
        (list, lambda v: f"an array of {len(v)}"),
        (dict, lambda v: f"an object with {', '.join(f'`{shorten(key)}`' for key in list(v)[:8]) or 'no fields'}"),
    ]
    return next((spell(value) for kind, spell in kinds if isinstance(value, kind)), "null")


def _as_text(reference: Reference, scope: Scope) -> str:
    value = look_up(reference, scope)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
