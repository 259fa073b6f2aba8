"""What the native face takes."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.errors import Problem
from stepcall.domain.ids import MalformedIdError, read_run_id
from stepcall.domain.run import RunStatus
from stepcall.runtime.http import InvalidRequestError

MAX_WAIT_SECONDS = 25  # API Gateway gives an answer up after 29
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)


class ExecuteRequest(BaseModel):
    """`POST /workflows/{id}/execute`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    input: dict[str, Any] = Field(default_factory=dict)


class ListQuery(BaseModel):
    """The query of `GET /workflows/{id}/executions`; others are ignored, as an `access_token` may be among them."""

    model_config = ConfigDict(frozen=True)

    status: RunStatus | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    next_token: str | None = None


class VersionQuery(BaseModel):
    """The query of `GET /workflows/{id}`."""

    model_config = ConfigDict(frozen=True)

    version: Annotated[int, Field(ge=1)] | None = None


def read_wait(headers: Mapping[str, str]) -> int:
    """Seconds from `Prefer: wait=N` (RFC 7240), at most 25; 0 when there is none that makes sense."""
    found = WAIT.search(headers.get("prefer", ""))
    return min(int(found[1]), MAX_WAIT_SECONDS) if found else 0


def read_next_token(token: str | None) -> UUID | None:
    """The run to go on after. Raises InvalidRequestError."""
    if token is None:
        return None
    try:
        return read_run_id(token)
    except MalformedIdError as exc:
        message = "This is no token that a list has given; begin without one."
        raise InvalidRequestError("The request is not valid.", [Problem("/next_token", "bad_token", message)]) from exc
