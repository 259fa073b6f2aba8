"""Contracts of the tasks that `run_data_task` does."""

from typing import Any

from pydantic import Field

from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker


class TransformInput(TaskInput):
    expression: str = Field(min_length=1, max_length=32_768, description="A JSONata expression.")
    data: Any = Field(default=None, description="The value that the expression is evaluated on.")


class TransformOutput(TaskOutput):
    result: Any = Field(default=None, description="What the expression gives; null where it gives nothing.")


DATA_TRANSFORM = TaskContract(
    name="Data.Transform",
    summary="Reshapes data by a JSONata expression.",
    input_model=TransformInput,
    output_model=TransformOutput,
    worker=Worker.DATA,
    timeout_seconds=40,
)
