"""Definitions to test with, as their authors would write them."""

import random
from typing import Any

from stepcall.domain.check import check_definition
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG

Document = dict[str, Any]


def transform(ref: str, data: Any = None, expression: str = "$") -> Document:
    """A light task that hands its `data` on."""
    return {"ref": ref, "type": "Data.Transform", "input": {"expression": expression, "data": data}}


def declare(name: str, value_type: str = "string", **more: Any) -> Document:
    """A declared input."""
    return {"name": name, "type": value_type, **more}


def give(name: str, value: Any, value_type: str = "string") -> Document:
    """A declared output."""
    return {"name": name, "type": value_type, "value": value}


def workflow(*tasks: Document, inputs: list[Document] | None = None, outputs: list[Document] | None = None) -> Document:
    """A definition of these tasks; of one light task without any."""
    document: Document = {"name": "a workflow", "tasks": list(tasks) or [transform("only")]}
    return document | ({"input": inputs} if inputs else {}) | ({"output": outputs} if outputs else {})


def incompressible() -> Document:
    """Sound, and too large for its record."""
    return workflow(transform("a", random.Random(1).randbytes(400_000).hex()))


def checked(document: Document) -> WorkflowDefinition:
    return check_definition(document, CATALOG).definition
