"""Contracts of the tasks that `run_ai_task` does."""

from typing import Any

from pydantic import Field

from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker


class SummarizeInput(TaskInput):
    text: str = Field(min_length=1, description="The text to summarise.")
    model: str | None = Field(
        default=None, min_length=1, description="The model; without one, the deployment's default."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="Passed on to the model as they are, such as `max_tokens` and `temperature`. "
        "`messages`, `model` and `stream` are set by the task.",
    )


class SummarizeUsage(TaskOutput):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class SummarizeOutput(TaskOutput):
    summary: str = Field(description="The summary.")
    model: str = Field(description="The model that answered.")
    usage: SummarizeUsage | None = Field(default=None, description="Tokens used, when the endpoint says.")
    truncated: bool = Field(description="Whether the text was cut, at a sentence, to fit the model's window.")


OPENAI_TEXT_SUMMARIZE = TaskContract(
    name="OpenAI.Text.Summarize",
    summary="Summarises a text by an OpenAI-compatible model.",
    input_model=SummarizeInput,
    output_model=SummarizeOutput,
    worker=Worker.AI,
    timeout_seconds=310,
)
