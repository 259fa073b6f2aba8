"""A workflow as its author wrote it, and one immutable version of it.

Source: contracts/data-flow-platform.md, "Definition".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.template import Object, OutputReference, Template, parse, references
from stepcall.domain.types import ValueType

MAX_NAME_LENGTH = 64
MAX_TITLE_LENGTH = 256
MAX_DESCRIPTION_LENGTH = 4096
MAX_TASK_TYPE_LENGTH = 128
MAX_TASKS = 1000
"""Step Functions ends an execution at 25,000 history events; a task that uses all its retries takes 20."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=MAX_NAME_LENGTH)]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_LENGTH)]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)]
DeclaredType = Annotated[ValueType, Field(strict=False)]


class DefinitionModel(BaseModel):
    """Unknown fields are refused, values are never coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputParameter(DefinitionModel):
    """A parameter of the workflow."""

    name: Identifier
    type: DeclaredType
    description: Description | None = None
    required: bool = True
    default: Any = None

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set

    @property
    def must_be_given(self) -> bool:
        return self.required and not self.has_default


class Task(DefinitionModel):
    """One step: a task type and the template of its input."""

    ref: Identifier
    type: Annotated[str, Field(min_length=1, max_length=MAX_TASK_TYPE_LENGTH)]
    input: dict[str, Any] = Field(default_factory=dict)
    description: Description | None = None

    @cached_property
    def input_template(self) -> Template:
        """The parsed input. Raises TemplateSyntaxError on a definition that was never checked."""
        return parse(self.input)

    @property
    def needs(self) -> tuple[str, ...]:
        """The refs whose outputs this task uses, each once, in document order."""
        return _refs(self.input_template)


class OutputValue(DefinitionModel):
    """A named result of the workflow."""

    name: Identifier
    type: DeclaredType
    value: Any
    description: Description | None = None


class WorkflowDefinition(DefinitionModel):
    """The document that `POST /workflows` takes."""

    name: Title
    description: Description | None = None
    input: tuple[InputParameter, ...] = ()
    tasks: tuple[Task, ...]
    output: tuple[OutputValue, ...] = ()

    @cached_property
    def output_template(self) -> Object:
        return Object(tuple((output.name, parse(output.value)) for output in self.output))

    @property
    def output_needs(self) -> tuple[str, ...]:
        """The refs whose outputs the workflow's own outputs use."""
        return _refs(self.output_template)

    def task(self, ref: str) -> Task:
        """The task of that ref. Raises KeyError."""
        return self._tasks_by_ref[ref]

    @cached_property
    def _tasks_by_ref(self) -> dict[str, Task]:
        return {task.ref: task for task in self.tasks}

    def to_json(self) -> dict[str, Any]:
        """The document again: what the author left out stays out."""
        return self.model_dump(mode="json", exclude_unset=True)


@dataclass(frozen=True)
class WorkflowVersion:
    """A definition under its number: never changed once stored, so it may be cached for ever."""

    workflow_id: UUID
    version: int
    tenant: str
    definition: WorkflowDefinition
    created_at: datetime


def _refs(template: Template) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_output_refs(template)))


def _output_refs(template: Template) -> Iterator[str]:
    for _, reference in references(template):
        if isinstance(reference, OutputReference):
            yield reference.ref
