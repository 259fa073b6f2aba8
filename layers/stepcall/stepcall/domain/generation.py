"""The two generations of the native dialect: the same document, with other words for some of its fields.

Source: contracts/data-flow-platform.md, "Definition" and "The later generation".
"""

from collections.abc import Mapping
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
    """The generation that most words of a document are of; where they are as many, the one of its title."""
    if not isinstance(document, dict):
        return Generation.FIRST
    tasks = document.get("tasks")
    tasks = [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []
    words = {
        generation: sum(word in document for word in DOCUMENT_WORDS[generation].values())
        + sum(word in task for task in tasks for word in TASK_WORDS[generation].values())
        for generation in Generation
    }
    if words[Generation.FIRST] != words[Generation.LATER]:
        return max(words, key=lambda generation: words[generation])
    return Generation.LATER if "title" in document and "name" not in document else Generation.FIRST
