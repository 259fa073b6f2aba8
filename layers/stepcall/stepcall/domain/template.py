"""The template language: `{{input.NAME}}` and `{{refs.REF.output.FIELD.deeper[0]}}` inside JSON values.

`parse` turns a definition's values into a small tree, once; `render` fills the tree from a run's data.
Data that comes from a run is only ever copied, never parsed: a downloaded page that contains `{{…}}` stays as it is.
Source: contracts/data-flow-platform.md, "Definition".
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepcall.domain.errors import StepcallError, shorten

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP = re.compile(rf"\.(?P<name>{NAME})|\[(?P<index>\d{{1,9}})\]")
_HEAD = re.compile(rf"(?P<input>input)\.(?P<name>{NAME})|refs\.(?P<ref>{NAME})\.output")
_OPEN, _CLOSE, _ESCAPE = "{{", "}}", "{{{{"
MAX_TEMPLATE_DEPTH = 64


class TemplateSyntaxError(StepcallError):
    """A `{{…}}` that is not in the language. `pointer` is the JSON Pointer of the value, below the value parsed."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer


class RenderError(StepcallError):
    """A reference leads nowhere in the data at hand."""


@dataclass(frozen=True, slots=True)
class InputReference:
    """`{{input.NAME…}}`."""

    name: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"input.{self.name}{spell_path(self.path)}"


@dataclass(frozen=True, slots=True)
class OutputReference:
    """`{{refs.REF.output…}}`."""

    ref: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"refs.{self.ref}.output{spell_path(self.path)}"


Reference = InputReference | OutputReference


@dataclass(frozen=True, slots=True)
class Literal:
    """A JSON scalar without references."""

    value: str | int | float | bool | None


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


Template = Literal | InputReference | OutputReference | Text | Object | Array


@dataclass(frozen=True, slots=True)
class Scope:
    """What references are looked up in: the run's input and the outputs of finished tasks, by ref."""

    input: Mapping[str, Any]
    outputs: Mapping[str, Any]


def spell_path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def parse(value: Any, *, pointer: str = "", faults: list["TemplateSyntaxError"] | None = None) -> Template:
    """Turn a JSON value into its template.

    Raises TemplateSyntaxError at the first `{{…}}` that it cannot read; with `faults`, puts each one there and goes on.
    """
    return _parse(value, pointer, 0, faults)


def _parse(value: Any, pointer: str, depth: int, faults: list["TemplateSyntaxError"] | None) -> Template:
    try:
        if depth > MAX_TEMPLATE_DEPTH:
            raise TemplateSyntaxError(f"Values nest at most {MAX_TEMPLATE_DEPTH} deep.", pointer)
        if isinstance(value, str):
            return parse_text(value, pointer)
    except TemplateSyntaxError as fault:
        if faults is None:
            raise
        faults.append(fault)
        return Literal(None)
    if isinstance(value, dict):
        members = ((key, f"{pointer}/{escape_pointer(key)}", member) for key, member in value.items())
        return Object(tuple((key, _parse(member, place, depth + 1, faults)) for key, place, member in members))
    if isinstance(value, list):
        return Array(tuple(_parse(element, f"{pointer}/{i}", depth + 1, faults) for i, element in enumerate(value)))
    return Literal(value)


def parse_text(text: str, pointer: str = "") -> Template:
    """A template alone keeps the type of what it names; a template inside longer text becomes text."""
    if _OPEN not in text:
        return Literal(text)
    parts = tuple(_parts(text, pointer))
    match parts:
        case (InputReference() | OutputReference() as alone,):
            return alone
        case (str() as alone,):
            return Literal(alone)
        case _:
            return Text(parts)


def _parts(text: str, pointer: str) -> Iterator[str | Reference]:
    literal, position = "", 0
    while (found := text.find(_OPEN, position)) >= 0:
        literal += text[position:found]
        if text.startswith(_ESCAPE, found):
            literal, position = literal + _OPEN, found + len(_ESCAPE)
            continue
        end = text.find(_CLOSE, found)
        if end < 0:
            raise TemplateSyntaxError(
                f"`{shorten(text[found:])}` opens a template that is not closed; write `}}}}` after it, or `{{{{{{{{` "
                "for a literal `{{`.",
                pointer,
            )
        if literal:
            yield literal
        yield parse_reference(text[found + len(_OPEN) : end], pointer)
        literal, position = "", end + len(_CLOSE)
    if literal := literal + text[position:]:
        yield literal


def parse_reference(text: str, pointer: str = "") -> Reference:
    """`input.NAME` or `refs.REF.output`, then any number of `.field` and `[index]`."""
    spelled = text.strip()
    head = _HEAD.match(spelled)
    if not head:
        raise _not_a_reference(spelled, pointer)
    path: list[str | int] = []
    position = head.end()
    while position < len(spelled):
        step = _STEP.match(spelled, position)
        if not step:
            raise _not_a_reference(spelled, pointer)
        path.append(step["name"] or int(step["index"]))
        position = step.end()
    return InputReference(head["name"], tuple(path)) if head["input"] else OutputReference(head["ref"], tuple(path))


def _not_a_reference(spelled: str, pointer: str) -> TemplateSyntaxError:
    return TemplateSyntaxError(
        f"`{{{{{shorten(spelled)}}}}}` names nothing: write `{{{{input.NAME}}}}` or `{{{{refs.REF.output.FIELD}}}}`.",
        pointer,
    )


def escape_pointer(key: str) -> str:
    """A key as one token of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def references(template: Template, pointer: str = "") -> Iterator[tuple[str, Reference]]:
    """Every reference in a template with the JSON Pointer of the value that holds it, in document order."""
    match template:
        case InputReference() | OutputReference():
            yield pointer, template
        case Text(parts):
            yield from ((pointer, part) for part in parts if not isinstance(part, str))
        case Object(members):
            for key, member in members:
                yield from references(member, f"{pointer}/{escape_pointer(key)}")
        case Array(elements):
            for index, element in enumerate(elements):
                yield from references(element, f"{pointer}/{index}")


def render(template: Template, scope: Scope) -> Any:
    """The value of a template. Raises RenderError where a reference leads nowhere."""
    match template:
        case Literal(value):
            return value
        case InputReference() | OutputReference():
            return look_up(template, scope)
        case Text(parts):
            return "".join(part if isinstance(part, str) else _as_text(part, scope) for part in parts)
        case Object(members):
            return {key: render(member, scope) for key, member in members}
        case Array(elements):
            return [render(element, scope) for element in elements]


def look_up(reference: Reference, scope: Scope) -> Any:
    """What a reference names. Raises RenderError with the first step that leads nowhere."""
    if isinstance(reference, InputReference):
        value, name = scope.input.get(reference.name), f"input.{reference.name}"
    else:
        if reference.ref not in scope.outputs:
            raise RenderError(f"`{{{{{reference}}}}}` has no value: task `{reference.ref}` has no output.")
        value, name = scope.outputs[reference.ref], f"refs.{reference.ref}.output"
    for position, step in enumerate(reference.path):
        try:
            value = _step_into(value, step)
        except (KeyError, IndexError, TypeError) as exc:
            so_far = name + spell_path(reference.path[:position])
            raise RenderError(
                f"`{{{{{reference}}}}}` has no value: `{so_far}` has no {_spell_step(step)}; it is {describe(value)}."
            ) from exc
    return value


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
