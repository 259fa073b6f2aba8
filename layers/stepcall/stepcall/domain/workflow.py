"""A workflow as its author wrote it, and one immutable version of it.

Source: contracts/data-flow-platform.md, "Definition".
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field

from stepcall.domain.connection import DEFAULT_CONNECTION, SqlEngine
from stepcall.domain.connection import NAME_PATTERN as CONNECTION_PATTERN
from stepcall.domain.declared_value import Description, InputParameter, OutputValue
from stepcall.domain.definition_model import DefinitionModel, Identifier, TaskType
from stepcall.domain.generation import DOCUMENT_WORDS, Generation, generation_of
from stepcall.domain.parse_template import parse
from stepcall.domain.run_mode import RunMode, Stage
from stepcall.domain.task_control import (
    MAX_CONCURRENCY,
    USUAL_ATTEMPTS,
    Fallback,
    OnError,
    Retry,
    fallback_ref,
    instance_ref,
)
from stepcall.domain.task_order import TaskOrder, in_run_order
from stepcall.domain.template import ResultReference, Template, references, refs_in

if TYPE_CHECKING:
    from stepcall.domain.condition import Condition
    from stepcall.domain.custom_type import CustomType
    from stepcall.domain.task_contract import TaskContract

MAX_TITLE_LENGTH = 256
MAX_DECLARED = 5000
"""Inputs, and outputs: so that what describes or draws a workflow stays under the 6 MB of an answer."""
MAX_TYPE_LENGTH = 128
MAX_CONFIG_ID_LENGTH = 64
MAX_WARN_AFTER_MS = 365 * 24 * 60 * 60 * 1000
DEFAULT_TYPE = "stepcall.workflow/run"
"""What the runs of a workflow are that does not say it."""
MAX_TIMEOUT_SECONDS = 365 * 24 * 60 * 60
"""Step Functions ends an execution after a year."""
MAX_TASKS = 1000
"""Step Functions ends an execution at 25,000 history events; a task that uses all its retries takes 20."""

Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_LENGTH)]
WorkflowType = Annotated[str, Field(min_length=1, max_length=MAX_TYPE_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$")]
ConfigId = Annotated[str, Field(max_length=MAX_CONFIG_ID_LENGTH, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
WarnAfterMs = Annotated[int, Field(ge=1, le=MAX_WARN_AFTER_MS)]
DeclaredStage = Annotated[Stage, Field(strict=False)]
ConnectionName = Annotated[str, Field(pattern=CONNECTION_PATTERN)]
TimeoutSeconds = Annotated[int, Field(ge=1, le=MAX_TIMEOUT_SECONDS)]
DeclaredOrder = Annotated[TaskOrder, Field(strict=False)]


class Task(DefinitionModel):
    """One step: a task type and the template of its input."""

    ref: Identifier = Field(alias="name")
    type: TaskType
    input: dict[str, Any] = Field(default_factory=dict, alias="inputs")
    description: Description | None = None
    stage: DeclaredStage | None = None
    """Which run modes run it: one without a stage runs in full runs only."""
    depends_on: Annotated[tuple[Identifier, ...], Field(strict=False, max_length=MAX_TASKS)] = ()
    """The refs of tasks that it waits for although it uses nothing of theirs."""
    condition: Any = None
    """It is skipped where this is false (domain/condition.py); None: it is done."""
    retry: Retry | None = None
    """None: twice more, after a second and five."""
    timeout_seconds: TimeoutSeconds | None = None
    """How long one attempt may take; None: as long as its type may."""
    on_error: Annotated[OnError, Field(strict=False)] = OnError.FAIL
    for_each: Any = None
    """An array's template: the task is done once for each element. None: once."""
    max_concurrency: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY)] | None = None
    """For how many elements at once; None: for 40."""
    fallback: Fallback | None = None
    """What is tried in its place when it has failed for good."""

    @cached_property
    def input_template(self) -> Template:
        """The parsed input. Raises TemplateSyntaxError on a definition that was never checked."""
        return parse(self.input)

    @cached_property
    def parsed_condition(self) -> "Condition | None":
        """When it is done; None for always. Raises TemplateSyntaxError on a definition that was never checked."""
        if self.condition is None:
            return None
        from stepcall.domain.condition import parse_condition  # noqa: PLC0415 - few tasks have one: a cold start has no time

        return parse_condition(self.condition)

    @cached_property
    def each_template(self) -> Template:
        """Of the array that it is done for. Raises TemplateSyntaxError on a definition that was never checked."""
        return parse(self.for_each)

    @property
    def templates(self) -> "tuple[Template, ...]":
        """All that may name something."""
        each = () if self.for_each is None else (self.each_template,)
        if self.parsed_condition is None:
            return (*each, self.input_template)
        from stepcall.domain.condition import templates_of  # noqa: PLC0415 - as above

        return (*each, self.input_template, *templates_of(self.parsed_condition))

    @property
    def attempts(self) -> int:
        """How often it is tried, in all."""
        return self.retry.attempts if self.retry else USUAL_ATTEMPTS

    def instance(self, index: int) -> "Task":
        """The task as it is done for one element."""
        _ = self.templates  # what is parsed now is parsed for all of them
        return self.model_copy(update={"ref": instance_ref(self.ref, index)})

    @property
    def needs(self) -> tuple[str, ...]:
        """The refs whose outputs this task uses, each once, in document order."""
        if self.condition is self.for_each is None:
            return refs_in(self.input_template)
        return tuple(dict.fromkeys(ref for template in self.templates for ref in refs_in(template)))

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The refs of what has to be done before it, in a workflow whose order is a graph."""
        return tuple(dict.fromkeys((*self.needs, *self.depends_on)))


class WorkflowDefinition(DefinitionModel):
    """The document that `POST /workflows` takes."""

    generation: Generation = Field(default=Generation.FIRST, exclude=True)
    name: Title = Field(alias="title")
    description: Description | None = None
    connection: ConnectionName = DEFAULT_CONNECTION
    """Where its SQL runs. One word in both generations, as are the next three."""
    type: WorkflowType | None = None
    """What its runs are, for those who list them: `courier.group/run`."""
    config_id: ConfigId | None = None
    """Another name for its id, for those who start it: nobody else in the tenant has the same."""
    warn_after_ms: WarnAfterMs | None = None
    """After how many milliseconds a run of it is a long one."""
    order: DeclaredOrder = TaskOrder.SEQUENCE
    """Whether its tasks run one after the other, or each as soon as it can."""
    timeout_seconds: TimeoutSeconds | None = None
    """How long an execution may take from its start in Step Functions."""
    input: tuple[InputParameter, ...] = Field(default=(), alias="inputs")
    tasks: tuple[Task, ...]
    output: tuple[OutputValue, ...] = Field(default=(), alias="outputs")

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "WorkflowDefinition":
        """A definition that has been checked, in either generation."""
        return cls.model_validate(document | {"generation": generation_of(document)}, strict=False)

    def needs_of(self, outputs: Container[str]) -> tuple[str, ...]:
        """The refs whose outputs those of the workflow's own outputs use."""
        used = (output for output in self.output if output.name in outputs)
        return tuple(dict.fromkeys(ref for output in used for ref in refs_in(output.template)))

    @property
    def run_type(self) -> str:
        return self.type or DEFAULT_TYPE

    def tasks_in(self, mode: RunMode) -> tuple[Task, ...]:
        """The tasks that a run of that mode runs, as they stand in the document."""
        return tuple(task for task in self.tasks if mode.takes(task.stage))

    def tasks_in_run_order(self, mode: RunMode) -> tuple[Task, ...]:
        """The same, each after all that it waits for."""
        tasks = self.tasks_in(mode)
        if self.order is TaskOrder.SEQUENCE:
            return tasks
        waits = {task.ref: self.waits_of(task) for task in tasks}
        return tuple(self.task(ref) for ref in in_run_order([*waits], waits))

    def outputs_in(self, mode: RunMode) -> frozenset[str]:
        """The names of the outputs that a run of that mode can give: those that need no task that it leaves out."""
        left_out = {task.ref for task in self.tasks if not mode.takes(task.stage)}
        given: set[str] = set()
        for output in self.output:
            named = {one.name for _, one in references(output.template) if isinstance(one, ResultReference)}
            if named <= given and left_out.isdisjoint(refs_in(output.template)):
                given.add(output.name)
        return frozenset(given)

    def task(self, ref: str) -> Task:
        """The task of that ref, or the fallback that has it. Raises KeyError."""
        return self._tasks_by_ref[ref]

    @property
    def task_types(self) -> frozenset[str]:
        """Of its tasks, and of their fallbacks."""
        return frozenset(task.type for task in self._tasks_by_ref.values())

    def fallback_of(self, task: Task) -> Task | None:
        """What is tried in a task's place, as a task with a ref of its own."""
        return self._tasks_by_ref.get(fallback_ref(task.ref))

    def waits_of(self, task: Task) -> tuple[str, ...]:
        """The refs of what has to be done before a task, in a workflow whose order is a graph."""
        instead = self.fallback_of(task)
        return tuple(dict.fromkeys((*task.waits_for, *(instead.needs if instead else ()))))

    def records_of(self, refs: Iterable[str]) -> Iterator[str]:
        """The refs of all records that say what came of these tasks: those of their fallbacks, too."""
        for ref in refs:
            yield ref
            if fallback_ref(ref) in self._tasks_by_ref:
                yield fallback_ref(ref)

    @cached_property
    def _tasks_by_ref(self) -> dict[str, Task]:
        named = {task.ref: task for task in self.tasks}
        instead = {fallback_ref(task.ref): task.fallback for task in self.tasks if task.fallback}
        return named | {ref: _as_task(ref, fallback, named) for ref, fallback in instead.items()}

    def to_json(self) -> dict[str, Any]:
        """The document again, in its author's generation: what was left out stays out."""
        is_later = self.generation is Generation.LATER
        document = self.model_dump(mode="json", exclude_unset=True, by_alias=is_later, exclude={"input", "output"})
        for field, values in (("input", self.input), ("output", self.output)):
            if field in self.model_fields_set:
                document[DOCUMENT_WORDS[self.generation][field]] = [value.to_json() for value in values]
        return document


def _as_task(ref: str, fallback: Fallback, tasks: Mapping[str, Task]) -> Task:
    named = tasks.get(fallback.ref or "")
    task_type = named.type if named else fallback.type or fallback.ref or ""
    given = fallback.input if fallback.input is not None else named.input if named else {}
    return Task.model_construct({"ref", "type", "input"}, ref=ref, type=task_type, input=given)


@dataclass(frozen=True)
class WorkflowVersion:
    """A definition under its number: never changed once stored, so it may be cached for ever."""

    workflow_id: UUID
    version: int
    tenant: str
    definition: WorkflowDefinition
    created_at: datetime
    first_created_at: datetime | None = None
    """When version 1 was made; None for version 1 itself."""
    sql_engine: SqlEngine | None = None
    """What its connection ran SQL with when it was defined, so that it compiles to the same machine for ever; None for
    a workflow without SQL."""

    custom_types: "tuple[CustomType, ...]" = ()
    """The tenant's own task types that it uses, as they were when it was defined."""

    def catalog(self, built_in: "Mapping[str, TaskContract]") -> "Mapping[str, TaskContract]":
        """The types of its tasks, whatever has become of them since."""
        return {**built_in, **self._custom_contracts} if self.custom_types else built_in

    @cached_property
    def _custom_contracts(self) -> "Mapping[str, TaskContract]":
        from stepcall.domain.custom_type import contracts_of  # noqa: PLC0415 - few workflows have one: a cold start has no time

        return contracts_of(self.custom_types)

    @property
    def workflow_created_at(self) -> datetime:
        return self.first_created_at or self.created_at
