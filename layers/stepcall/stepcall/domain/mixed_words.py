"""A document that mixes the generations of the dialect: which words are wrong, and the document with right ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stepcall.domain.errors import Problem, shorten
from stepcall.domain.generation import DOCUMENT_WORDS, TASK_WORDS, Generation
from stepcall.domain.template import InputReference, OutputReference, Reference


@dataclass(frozen=True, slots=True)
class MixedWord:
    """A field that is written in the other generation's word."""

    location: str
    written: str
    right: str
    is_twice: bool
    """Whether the right word is there, too: what stands under it counts."""


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
    moved = {f"{word.location.rpartition('/')[0]}/{word.right}": word.location for word in mixed if not word.is_twice}
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
            yield MixedWord(f"{pointer}/{written}", written, right, right in fields)


def _replace(fields: dict[str, Any], mixed: list[MixedWord]) -> dict[str, Any]:
    """A field that is there in both words keeps what stands under the right one."""
    right_words = {word.written: word.right for word in mixed}
    repaired = {right_words[key]: value for key, value in fields.items() if key in right_words}
    return repaired | {key: value for key, value in fields.items() if key not in right_words}


def mixed_reference(reference: Reference, generation: Generation, location: str) -> Problem:
    """A template of the other generation in a document of this one."""
    written = f"{{{{{shorten(str(reference))}}}}}"
    message = f"`{written}` is of the dialect's {generation.other} generation; the document is of the {generation} one"
    if not isinstance(reference, InputReference | OutputReference):
        return Problem(location, "mixed_generations", f"{message}, which has no such template.", got=written)
    right = f"{{{{{shorten(str(replace(reference, generation=generation)))}}}}}"
    return Problem(location, "mixed_generations", f"{message}: write `{right}`.", right, written)
