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
