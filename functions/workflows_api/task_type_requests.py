"""What the routes of task types take. Imported when they are called: a cold start has no time for it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.invokable_functions import MAX_FUNCTION_LENGTH
from stepcall.runtime.http import read_model
from stepcall.use_cases.task_types import PutTaskType

MAX_DESCRIPTION_LENGTH = 1024
ADDED_TO_TASK_TYPES = frozenset({"name", "summary", "input", "output", "timeout_seconds", "created_at", "updated_at"})


class TaskTypeRequest(BaseModel):
    """`PUT /task-types/{name}`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    function_arn: Annotated[str, Field(min_length=1, max_length=MAX_FUNCTION_LENGTH)]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)] | None = None


def read_put_task_type(name: str, body: Any) -> PutTaskType:
    """What an answer adds to a type is left out, so that it can be changed and sent back.

    Raises InvalidRequestError with every problem.
    """
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in ADDED_TO_TASK_TYPES}
    said = read_model(body, TaskTypeRequest)
    return PutTaskType(name, said.function_arn, said.input_schema, said.output_schema, said.description)
