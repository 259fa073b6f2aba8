"""The two generations of the native dialect: the same document, with other words for some of its fields.

Source: contracts/data-flow-platform.md, "Definition" and "The later generation".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Generation(StrEnum):
    """Which words a document, or a template, is written in."""

    FIRST = "first"
    LATER = "later"

    @property
    def other(self) -> "Generation":
        return Generation.LATER if self is Generation.FIRST else Generation.FIRST


DOCUMENT_WORDS: Mapping[Generation, Mapping[str, str]] = MappingProxyType(
    {
        Generation.FIRST: {"name": "name", "input": "input", "output": "output"},
        Generation.LATER: {"name": "title", "input": "inputs", "output": "outputs"},
    }
)
"""What the fields of a definition are called, by what the first generation calls them."""
TASK_WORDS: Mapping[Generation, Mapping[str, str]] = MappingProxyType(
    {
        Generation.FIRST: {"ref": "ref", "input": "input"},
        Generation.LATER: {"ref": "name", "input": "inputs"},
    }
)
"""The same for a task's fields."""


def generation_of(document: Any) -> Generation:
    """The generation that a document is written in; its title decides, then its inputs, its outputs and its tasks."""
    if not isinstance(document, dict):
        return Generation.FIRST
    for field_name in ("name", "input", "output"):
        for generation in Generation:
            spelled, other = (DOCUMENT_WORDS[kind][field_name] for kind in (generation, generation.other))
            if spelled in document and other not in document:
                return generation
    tasks = document.get("tasks")
    first = tasks[0] if isinstance(tasks, list) and tasks and isinstance(tasks[0], dict) else {}
    return Generation.LATER if "name" in first and "ref" not in first else Generation.FIRST


@dataclass(frozen=True, slots=True)
class MixedWord:
    """A field that is written in the other generation's word."""

    location: str
    written: str
    right: str


@dataclass(frozen=True, slots=True)
class Unmixed:
    """A document in the words of one generation; `moved` has where its values were written, by where they are now."""

    document: Any
    mixed: tuple[MixedWord, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)

    def as_written(self, location: str) -> str:
        """A place of the document as a place of what its author wrote."""
        tokens = location.split("/")
        for length in (4, 2):  # a task's field, a field of the document
            if written := self.moved.get("/".join(tokens[:length])):
                return "/".join([written, *tokens[length:]])
        return location


def unmix(document: Any, generation: Generation) -> Unmixed:
    """The document with each word of the other generation replaced, so that all else can be checked all the same."""
    if not isinstance(document, dict):
        return Unmixed(document)
    mixed = list(_mixed_words(document, "", DOCUMENT_WORDS, generation))
    repaired = _replace(document, mixed)
    tasks = repaired.get("tasks")
    if isinstance(tasks, list):
        repaired = repaired | {
            "tasks": [_unmix_task(task, index, generation, mixed) for index, task in enumerate(tasks)]
        }
    moved = {f"{word.location.rpartition('/')[0]}/{word.right}": word.location for word in mixed}
    return Unmixed(repaired, tuple(mixed), moved)


def _unmix_task(task: Any, index: int, generation: Generation, mixed: list[MixedWord]) -> Any:
    found = list(_mixed_words(task, f"/tasks/{index}", TASK_WORDS, generation)) if isinstance(task, dict) else []
    mixed += found
    return _replace(task, found) if found else task


def _mixed_words(
    fields: Mapping[str, Any],
    pointer: str,
    words: Mapping[Generation, Mapping[str, str]],
    generation: Generation,
) -> Iterator[MixedWord]:
    for field_name, right in words[generation].items():
        written = words[generation.other][field_name]
        if written != right and written in fields:
            yield MixedWord(f"{pointer}/{written}", written, right)


def _replace(fields: dict[str, Any], mixed: list[MixedWord]) -> dict[str, Any]:
    """A field that is there in both words keeps what stands under the right one."""
    right_words = {word.written: word.right for word in mixed}
    repaired = {right_words[key]: value for key, value in fields.items() if key in right_words}
    return repaired | {key: value for key, value in fields.items() if key not in right_words}
