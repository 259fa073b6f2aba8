"""The contract of a task type: what it takes, what it gives, and which worker does it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Worker(StrEnum):
    """The Lambda functions that do tasks, by the name of their folder under `functions/`."""

    WEB = "run_web_task"
    AI = "run_ai_task"
    DATA = "run_data_task"


class TaskInput(BaseModel):
    """Base of every task's input: unknown fields are refused, values are never coerced, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TaskOutput(BaseModel):
    """Base of every task's output: what templates of later tasks may name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, not copied: one may hold 100 MB."""
        return {name: value.to_json() if isinstance(value, TaskOutput) else value for name, value in self}


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


@dataclass(frozen=True)
class TaskContext:
    """What an implementation may know of the attempt it works for."""

    run_id: UUID
    tenant: str
    ref: str
    attempt: int
    """0 for the first attempt."""
    remaining_seconds: Callable[[], float]
    """How long the worker may still go on before it is stopped."""


TaskImplementation = Callable[[Any, TaskContext], TaskOutput]
"""A plain function of (the type's input model, context) that returns the type's output model or raises TaskError."""
