"""The contract of Lambda.Invoke, which `run_lambda_task` does."""

from typing import Any

from pydantic import Field

from stepcall.domain.invokable_functions import LAMBDA_INVOKE as NAME
from stepcall.domain.invokable_functions import MAX_FUNCTION_LENGTH
from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker


class InvokeInput(TaskInput):
    function: str = Field(
        min_length=1,
        max_length=MAX_FUNCTION_LENGTH,
        description="A function that the deployment lets tasks invoke: `NAME`, `NAME:ALIAS` or ARN, no template.",
    )
    payload: Any = Field(default_factory=dict, description="The event that it gets: any JSON, 6 MB at most.")


class InvokeOutput(TaskOutput):
    payload: Any = Field(description="What it has answered.")
    status_code: int = Field(description="What Lambda answered to the invocation: 200.")
    executed_version: str | None = Field(default=None, description="Which version of it ran, where Lambda says so.")


LAMBDA_INVOKE = TaskContract(
    name=NAME,
    summary="Invokes a Lambda function of the deployer's own, and waits for its answer.",
    input_model=InvokeInput,
    output_model=InvokeOutput,
    worker=Worker.LAMBDA,
    timeout_seconds=310,
)
