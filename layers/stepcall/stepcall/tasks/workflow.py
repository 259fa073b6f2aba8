"""The contract of the task that executes another workflow. `run_workflow_task` does it."""

from typing import Annotated, Any

from pydantic import Field

from stepcall.domain.parent_task import MAX_NAME_LENGTH, WORKFLOW_EXECUTE
from stepcall.domain.task_contract import TaskContract, TaskInput, TaskKind, TaskOutput, Worker

LONGEST_SECONDS = 364 * 24 * 60 * 60
"""Its own execution ends after a year, and is to be told before."""


class ExecuteInput(TaskInput):
    workflow_id: Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)] = Field(
        description="The workflow that is executed, by its id or its `config_id`: written out, and no template."
    )
    version: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Which version of it, written out; by default the newest when the task begins."
    )
    input: dict[str, Any] = Field(
        default={}, description="Its inputs by their names, as an execution of it takes them."
    )


class ExecuteOutput(TaskOutput):
    execution_id: str = Field(description="The execution of it: `ex-…`.")
    output: dict[str, Any] = Field(description="Its outputs by their names.")


EXECUTE = TaskContract(
    name=WORKFLOW_EXECUTE,
    summary="Executes another workflow, and has its outputs. Nothing runs here until that has ended.",
    input_model=ExecuteInput,
    output_model=ExecuteOutput,
    worker=Worker.WORKFLOW,
    timeout_seconds=40,
    kind=TaskKind.AWAITED,
    awaits=lambda _: LONGEST_SECONDS,
)
