"""The contract of a task type: what it takes, what it gives, and which worker does it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from stepcall.domain.connection import DEFAULT_CONNECTION
from stepcall.domain.errors import ErrorReason, PermanentTaskError, Problem
from stepcall.domain.model_problems import Suggester, field_problems, problems_of

if TYPE_CHECKING:
    from stepcall.domain.awaited import Awaited
    from stepcall.domain.json_schema import Schema
    from stepcall.domain.task_phases import PreparedQuery, QueryEnd, TaskPhase
    from stepcall.domain.waiting import PreparedWait


class Worker(StrEnum):
    """The Lambda functions that do tasks, by the name of their folder under `functions/`."""

    WEB = "run_web_task"
    AI = "run_ai_task"
    DATA = "run_data_task"
    SQL = "run_sql_task"
    LAMBDA = "run_lambda_task"
    WORKFLOW = "run_workflow_task"


class TaskKind(StrEnum):
    """What ends a task, and so which states it becomes."""

    WORK = "work"
    """Its worker, in one invocation."""
    QUERY = "query"
    """The engine of the workflow's connection, which may be another service than the worker."""
    WAIT = "wait"
    """The time that it says; its worker only writes that down."""
    AWAITED = "awaited"
    """Somebody else's answer, which its worker has asked for; or that there was none in time."""


class TaskInput(BaseModel):
    """Base of every task's input: unknown fields are refused, values are never coerced, numbers are finite."""

    # built when first used: of all types, a worker needs its own, and a face none
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class TaskOutput(BaseModel):
    """Base of every task's output: what templates of later tasks may name."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
        defer_build=True,
    )

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, not copied: one may hold 100 MB."""
        return {name: _to_json(value) for name, value in self}


def _to_json(value: Any) -> Any:
    if isinstance(value, TaskOutput):
        return value.to_json()
    # a list is of one kind of thing, and may be long
    is_of_models = isinstance(value, list) and value and isinstance(value[0], TaskOutput)
    return [_to_json(element) for element in value] if is_of_models else value


@dataclass(frozen=True)
class TaskContract:
    """What the checker, `GET /task-types` and the worker harness know of a task type."""

    name: str
    summary: str
    input_model: type[TaskInput]
    output_model: type[TaskOutput]
    worker: Worker
    timeout_seconds: int
    """How long one attempt may take before Step Functions gives it up: a little over the worker's own time limit."""
    kind: TaskKind = TaskKind.WORK
    awaits: Callable[[Mapping[str, Any]], int] | None = None
    """Of the kind AWAITED: for how many seconds somebody's answer is waited for, from its input as it is written."""

    @property
    def is_query(self) -> bool:
        return self.kind is TaskKind.QUERY

    @property
    def is_wait(self) -> bool:
        return self.kind is TaskKind.WAIT

    @property
    def is_awaited(self) -> bool:
        return self.kind is TaskKind.AWAITED

    @property
    def may_take_phases(self) -> bool:
        """Whether its worker may be invoked before and after what it does: it takes more than one state."""
        return self.kind is not TaskKind.WORK

    @property
    def implementation(self) -> str:
        """What its worker knows the function by that does it."""
        return self.name

    @cached_property
    def required_inputs(self) -> Mapping[str, str]:
        """What must be said, by name, with its description."""
        fields = self.input_model.model_fields.items()
        return {name: field.description or "" for name, field in fields if field.is_required()}

    def literal_problems(self, value: Any, name: str, location: str, suggest: Suggester) -> Iterator[Problem]:
        """What is wrong with a value that holds no template, for the input of that name."""
        return field_problems(value, self.input_model, name, location, suggest)

    def read_input(self, rendered: Any) -> Any:
        """What its implementation takes. Raises PermanentTaskError where the input does not fit."""
        try:
            return self.input_model.model_validate(rendered)
        except ValidationError as exc:
            problems = tell_problems(problems_of(exc, self.input_model))
            raise PermanentTaskError(ErrorReason.INVALID, f"The input does not fit {self.name}. {problems}") from exc

    def print_output(self, output: Any) -> Any:
        """What its implementation has given, as JSON. Raises PermanentTaskError where it may not give that."""
        if not isinstance(output, self.output_model):
            raise TypeError(f"{self.name} gives {self.output_model.__name__}, not {type(output).__name__}.")
        return output.to_json()

    @cached_property
    def input_json_schema(self) -> dict[str, Any]:
        """What the task takes, as JSON Schema."""
        return self.input_model.model_json_schema()

    @cached_property
    def output_json_schema(self) -> dict[str, Any]:
        """What the task gives, as JSON Schema: fields with a default are always there."""
        return self.output_model.model_json_schema(mode="serialization")

    @cached_property
    def input_schema(self) -> "Schema":
        """What the checker fits templates to."""
        return _read_schema(self.input_json_schema)

    @cached_property
    def output_schema(self) -> "Schema":
        """What the checker resolves references by."""
        return _read_schema(self.output_json_schema)


def worker_of(task_type: str, built_in: Mapping[str, TaskContract]) -> Worker:
    """Who does tasks of that type; what is not built in is a tenant's own."""
    return built_in[task_type].worker if task_type in built_in else Worker.LAMBDA


def tell_problems(problems: Iterable[Problem]) -> str:
    """In one line, for the message of a task."""
    told = (f"{problem.location}: {problem.message}" if problem.location else problem.message for problem in problems)
    return "; ".join(told)


def _read_schema(document: dict[str, Any]) -> "Schema":
    from stepcall.domain.schema_reader import SchemaReader  # noqa: PLC0415 - for authors: a cold start has no time for it

    return SchemaReader().read(document)


@dataclass(frozen=True)
class TaskContext:
    """What an implementation may know of the attempt it works for."""

    run_id: UUID
    tenant: str
    ref: str
    """Of the task, or of its instance for one element: `page[17]`."""
    attempt: int
    """0 for the first attempt."""
    remaining_seconds: Callable[[], float]
    """How long the worker may still go on before it is stopped."""
    provider_key: bytes | None = field(default=None, repr=False)
    """The caller's own key to the language model, encrypted for this run. One worker may decrypt it."""
    connection: str = DEFAULT_CONNECTION
    """The connection that the workflow's SQL runs on."""
    output_table: str | None = None
    """What the run's result is called, when it is called as a job."""
    phase: "TaskPhase | None" = None
    """None where the worker does all of the task in one invocation."""
    query: "QueryEnd | None" = None
    """In the phase `COLLECT`."""
    run_attempt: int = 1
    """The attempt of the run, which counts from 1."""
    started_at: datetime | None = None
    """When its first attempt began: the same in both phases."""
    deadline: datetime | None = None
    """The run's, None for never."""
    index: int | None = None
    """Of the element that it is done for; None for a task that is done once, and for all of one that is not."""


TaskImplementation = Callable[[Any, TaskContext], "TaskOutput | PreparedQuery | PreparedWait | Awaited"]
"""A plain function of (the type's input model, context) that returns the type's output model or raises TaskError.

In the phase `PREPARE`, which only tasks of several invocations have, it returns what is prepared or awaited instead.
"""
