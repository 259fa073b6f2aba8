"""A definition as its author sent it: anything at all, read in the words of the generation that it is written in."""

from collections.abc import Iterator
from typing import Any

from stepcall.domain.generation import DOCUMENT_WORDS, TASK_WORDS, Generation, generation_of
from stepcall.domain.mixed_words import unmix


class DefinitionDocument:
    """Finds the parts of a document that are there and of the right kind.

    Fields are asked for by their names of the first generation; JSON Pointers are in the document's own words.
    """

    def __init__(self, sent: Any) -> None:
        self.sent = sent
        self.generation = generation_of(sent)
        self.unmixed = unmix(sent, self.generation)
        self._words = DOCUMENT_WORDS[self.generation]
        self._task_words = TASK_WORDS[self.generation]

    @property
    def value(self) -> Any:
        """The document with words of the other generation replaced."""
        return self.unmixed.document

    @property
    def is_later(self) -> bool:
        return self.generation is Generation.LATER

    def list_at(self, field: str) -> list[Any]:
        """`input`, `tasks` or `output`; empty when it is no array."""
        value = self.value.get(self._words.get(field, field)) if isinstance(self.value, dict) else None
        return value if isinstance(value, list) else []

    def has_list(self, field: str) -> bool:
        """Whether it is an array, or left out."""
        value = self.value.get(self._words.get(field, field), []) if isinstance(self.value, dict) else None
        return isinstance(value, list)

    def pointer_to(self, field: str, index: int) -> str:
        return f"/{self._words.get(field, field)}/{index}"

    def objects_at(self, field: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """The elements that are objects, with index and JSON Pointer: a fault in one must not hide one in another."""
        for index, element in enumerate(self.list_at(field)):
            if isinstance(element, dict):
                yield index, self.pointer_to(field, index), element

    def name_key(self, field: str) -> str:
        """What names the elements of `input`, `tasks` or `output`."""
        return self._task_words["ref"] if field == "tasks" else "name"

    @property
    def task_input_key(self) -> str:
        return self._task_words["input"]

    def names_at(self, field: str) -> Iterator[tuple[int, str, str]]:
        """Index, JSON Pointer of the element, and name of each that has one."""
        key = self.name_key(field)
        for index, pointer, element in self.objects_at(field):
            if isinstance(name := element.get(key), str):
                yield index, pointer, name
