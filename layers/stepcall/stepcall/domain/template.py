"""What the template language can say: a JSON value whose text names other values, as a small tree.

`parse_template` reads a definition's values into it, once; `render_template` fills it from a run's data.
Source: contracts/data-flow-platform.md, "Definition".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from stepcall.domain.generation import Generation

Place = tuple["Place", str | int] | tuple[()]
"""Where a value stands below another: the place of what holds it, and the last step. Spelled as a JSON Pointer only
where there is a fault, as a long key above many values would be spelled again for each of them."""


@dataclass(frozen=True, slots=True)
class InputReference:
    """`{{input.NAME…}}`, in the later generation `{{inputs.NAME…}}`."""

    name: str
    path: tuple[str | int, ...] = ()
    generation: Generation = Generation.FIRST
    default: "Literal | None" = None
    """What stands in its place where it has no value, or null."""

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
    default: "Literal | None" = None
    """What stands in its place where it has no value, or null."""

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
    default: "Literal | None" = None
    """What stands in its place where it has no value, or null."""

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
    default: "Literal | None" = None
    generation: ClassVar[None] = None

    @property
    def root(self) -> str:
        """What it names without its path."""
        return f"run.{self.name}"

    def __str__(self) -> str:
        return self.root + spell_path(self.path)


class EventReference(RunReference):
    """`{{event.NAME…}}` in the input of a trigger, and nowhere else: what has set the run off.

    No dataclass of its own: the cold start of a face has no time for what it never uses.
    """

    __slots__ = ()

    @property
    def root(self) -> str:
        """What it names without its path."""
        return f"event.{self.name}"


class ItemReference(RunReference):
    """`{{item…}}` or `{{index}}` in the input of a task with `for_each`: an element, and its number from 0."""

    __slots__ = ()

    @property
    def root(self) -> str:
        """What it names without its path."""
        return self.name


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


def spell_path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


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
