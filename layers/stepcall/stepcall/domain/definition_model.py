"""What the parts of a definition have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_NAME_LENGTH = 64
MAX_TASK_TYPE_LENGTH = 128

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=MAX_NAME_LENGTH)]
TaskType = Annotated[str, Field(min_length=1, max_length=MAX_TASK_TYPE_LENGTH)]


class DefinitionModel(BaseModel):
    """Unknown fields are refused, values are never coerced.

    A field's alias is what the later generation calls it; whoever validates says which of the two counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)
