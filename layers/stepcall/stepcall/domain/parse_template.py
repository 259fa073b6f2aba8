"""The template language: `{{input.NAME}}` and `{{refs.REF.output.FIELD.deeper[0]}}` inside JSON values.

The later generation writes `{{inputs.NAME}}`, `{{tasks.NAME.outputs.FIELD}}` and, for an output of the workflow that
stands before, `{{outputs.NAME}}`. `parse` reads both; which of them a document may use is for the checker. Both know
`{{run.range_from}}` and `{{run.range_to}}`, and `{{item}}` and `{{index}}` for a task that is done for each element.
Source: contracts/data-flow-platform.md, "Definition".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from stepcall.domain.errors import StepcallError, shorten
from stepcall.domain.generation import Generation
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.template import (
    UNREADABLE,
    Array,
    InputReference,
    ItemReference,
    Literal,
    Object,
    OutputReference,
    Place,
    Reference,
    ResultReference,
    RunReference,
    Template,
    Text,
)
from stepcall.domain.times import RANGE_WORDS

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP = re.compile(rf"\.(?P<name>{NAME})|\[(?P<index>[0-9]{{1,9}})\]")
_HEAD = re.compile(
    rf"(?P<inputs>inputs?)\.(?P<input>{NAME})"
    rf"|refs\.(?P<ref>{NAME})\.output(?!s)|tasks\.(?P<task>{NAME})\.outputs"
    rf"|outputs\.(?P<result>{NAME})"
    rf"|run\.(?P<run>{NAME})"
    r"|(?P<each>item|index)(?![A-Za-z0-9_])"
)
_NEARLY_OUTPUT = re.compile(
    rf"(?P<head>refs|tasks)\.(?P<ref>{NAME})(?:\.outputs?(?![A-Za-z0-9_]))?(?P<path>(?:\.{NAME}|\[[0-9]{{1,9}}\])*)"
)
_DEFAULT = "??"
_OPEN, _CLOSE, _ESCAPE = "{{", "}}", "{{{{"
FIRST_FORMS = "`{{input.NAME}}` or `{{refs.REF.output.FIELD}}`"
LATER_FORMS = "`{{inputs.NAME}}` or `{{tasks.NAME.outputs.FIELD}}`"
RUN_FORMS = "`{{run.range_from}}` or `{{run.range_to}}`"
DEEPER = "then `.FIELD` and `[0]` for what lies deeper, `?? 0` for a default, or `{{{{` for a literal `{{`"
MAX_TEMPLATE_DEPTH = 64
MAX_BARE_LENGTH = 256


ReadReference = Callable[[str], Reference]
"""What stands between the braces of a template, read. Raises TemplateSyntaxError."""


class TemplateSyntaxError(StepcallError):
    """A `{{…}}` that is not in the language. `place` is where it stands, below the value parsed."""

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def parse(
    value: Any,
    on_fault: Callable[[TemplateSyntaxError], None] | None = None,
    read_reference: ReadReference | None = None,
) -> Template:
    """Turn a JSON value into its template; `read_reference` says what may be named, by default what workflows may.

    Raises TemplateSyntaxError at the first `{{…}}` that it cannot read; `on_fault` is told of each one instead.
    """
    return _parse(value, (), 0, on_fault or _raise, read_reference or parse_reference)


def _raise(fault: TemplateSyntaxError) -> None:
    raise fault


def _parse(
    value: Any, place: Place, depth: int, on_fault: Callable[[TemplateSyntaxError], None], read: ReadReference
) -> Template:
    if depth > MAX_TEMPLATE_DEPTH:
        on_fault(TemplateSyntaxError(f"Values nest at most {MAX_TEMPLATE_DEPTH} deep.", place))
        return UNREADABLE
    if isinstance(value, str):
        return parse_text(value, lambda fault: on_fault(TemplateSyntaxError(fault.message, place)), read)
    if isinstance(value, dict):
        return Object(tuple((key, _parse(value[key], (place, key), depth + 1, on_fault, read)) for key in value))
    if isinstance(value, list):
        return Array(tuple(_parse(item, (place, index), depth + 1, on_fault, read) for index, item in enumerate(value)))
    return Literal(value)


def parse_text(
    text: str, on_fault: Callable[[TemplateSyntaxError], None] = _raise, read_reference: ReadReference | None = None
) -> Template:
    """A template alone keeps the type of what it names; a template inside longer text becomes text.

    Of a text with faults there is what could be read, so that the faults of that are found, too.
    """
    if _OPEN not in text:
        return Literal(text)
    faults: list[TemplateSyntaxError] = []

    def tell(fault: TemplateSyntaxError) -> None:
        faults.append(fault)
        on_fault(fault)

    parts = tuple(_parts(text, tell, read_reference or parse_reference))
    if faults and all(isinstance(part, str) for part in parts):
        return UNREADABLE
    if faults or len(parts) != 1:
        return Text(parts)
    [alone] = parts
    return Literal(alone) if isinstance(alone, str) else alone


def _parts(
    text: str, on_fault: Callable[[TemplateSyntaxError], None], read_reference: ReadReference
) -> Iterator[str | Reference]:
    literal, position = list[str](), 0
    while (found := text.find(_OPEN, position)) >= 0:
        literal.append(text[position:found])
        if text.startswith(_ESCAPE, found):
            literal.append(_OPEN)
            position = found + len(_ESCAPE)
            continue
        end = text.find(_CLOSE, found)
        yield from _joined(literal)
        if end < 0:
            on_fault(_not_closed(text[found : found + MAX_BARE_LENGTH]))
            return
        try:
            yield _read(text[found + len(_OPEN) : end], read_reference)
        except TemplateSyntaxError as fault:
            on_fault(fault)
        literal, position = [], end + len(_CLOSE)
    yield from _joined([*literal, text[position:]])


def _joined(literal: list[str]) -> Iterator[str]:
    if text := "".join(literal):
        yield text


def _read(text: str, read_reference: ReadReference) -> Reference:
    """What a reader takes, and behind it `?? default`."""
    named, has_default, default = text.partition(_DEFAULT)
    reference = read_reference(named)
    return replace(reference, default=_parse_default(default)) if has_default else reference


def _parse_default(spelled: str) -> Literal:
    try:
        value = read_json(spelled)
    except MalformedJsonError:
        value = []
    if isinstance(value, list | dict):
        kinds = "a text in double quotation marks, a number, true, false or null"
        raise TemplateSyntaxError(f'Behind `{_DEFAULT}` stands {kinds}, such as `{_DEFAULT} "none"`.')
    return Literal(value)


def parse_reference(text: str) -> Reference:
    """`input.NAME`, `refs.REF.output` or a later word for them, then any number of `.field` and `[index]`."""
    spelled = text.strip()
    head = _HEAD.match(spelled)
    if not head:
        raise _not_a_reference(spelled)
    path = read_path(spelled, head.end(), _STEP)
    if path is None:
        raise _not_a_reference(spelled)
    return _reference(head, path)


def read_path(spelled: str, position: int, a_step: re.Pattern[str]) -> tuple[str | int, ...] | None:
    """The steps from there to the end, each a `name` or an `index`; None where something else stands."""
    path: list[str | int] = []
    while position < len(spelled):
        step = a_step.match(spelled, position)
        if not step:
            return None
        path.append(step["name"] or int(step["index"]))
        position = step.end()
    return tuple(path)


def _reference(head: re.Match[str], path: tuple[str | int, ...]) -> Reference:
    if name := head["input"]:
        return InputReference(name, path, Generation.FIRST if head["inputs"] == "input" else Generation.LATER)
    if ref := head["ref"]:
        return OutputReference(ref, path)
    if task := head["task"]:
        return OutputReference(task, path, Generation.LATER)
    if name := head["run"]:
        return RunReference(name, path)
    if name := head["each"]:
        return ItemReference(name, path)
    return ResultReference(head["result"], path)


def _not_closed(opened: str) -> TemplateSyntaxError:
    return TemplateSyntaxError(
        f"`{shorten(opened)}` opens a template that is not closed; write `}}}}` after it, or `{{{{{{{{` for a literal "
        "`{{`."
    )


def _not_a_reference(spelled: str) -> TemplateSyntaxError:
    head = re.split(r"[^A-Za-z0-9_]", spelled, maxsplit=1)[0]
    if head in RANGE_WORDS:
        return TemplateSyntaxError(f"`{{{{{shorten(spelled)}}}}}` names nothing: write `{{{{run.{head}}}}}`.")
    if head == "run":
        return TemplateSyntaxError(f"`{{{{{shorten(spelled)}}}}}` names nothing: write {RUN_FORMS}.")
    if meant := _meant_output(spelled):
        return TemplateSyntaxError(
            f"`{{{{{shorten(spelled)}}}}}` names nothing; did you mean `{{{{{shorten(meant)}}}}}`?"
        )
    is_later = spelled.startswith(("inputs", "tasks", "outputs"))
    right = LATER_FORMS if is_later else FIRST_FORMS
    return TemplateSyntaxError(f"`{{{{{shorten(spelled)}}}}}` names nothing: write {right}, {DEEPER}.")


def _meant_output(spelled: str) -> str | None:
    """The output of a task, where its author has left that word out, or taken the other generation's."""
    if len(spelled) > MAX_BARE_LENGTH or not (nearly := _NEARLY_OUTPUT.fullmatch(spelled)):
        return None
    word = "output" if nearly["head"] == "refs" else "outputs"
    return f"{nearly['head']}.{nearly['ref']}.{word}{nearly['path']}"


def read_bare(text: str, *, is_each: bool = False) -> Reference | None:
    """What a text without braces would name with them; None when that is nothing. `item` and `index` alone are words
    like any, unless they stand where they name something."""
    if len(text) > MAX_BARE_LENGTH or not _HEAD.match(text):
        return None
    try:
        reference = parse_reference(text)
    except TemplateSyntaxError:
        return None
    return None if isinstance(reference, ItemReference) and not reference.path and not is_each else reference


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
