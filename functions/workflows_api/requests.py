"""What the native face takes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.errors import Problem, shorten
from stepcall.domain.generation import DOCUMENT_WORDS, Generation
from stepcall.domain.ids import LATER_EXECUTION_PREFIX, MalformedIdError
from stepcall.domain.run import RunStatus
from stepcall.runtime.http import InvalidRequestError, read_model
from stepcall.stores.workflow_store import MAX_VERSION

MAX_WAIT_SECONDS = 25  # API Gateway gives an answer up after 29
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)
# patterns of what is seldom sent: compiled when it is
ENTITY_TAG = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"|([0-9]+)'  # RFC 9110, and a bare number
ENTITY_TAGS = rf"[\s,]*(?:{ENTITY_TAG})(?:\s*,[\s,]*(?:{ENTITY_TAG}))*[\s,]*"
MAX_PROVIDER_KEY = 512
PROVIDER_KEY = rf"[!-~]{{1,{MAX_PROVIDER_KEY}}}"  # spaces too would be refused by every provider, and later
NUMBER = "[1-9][0-9]{0,9}"
ADDED_TO_DEFINITIONS = frozenset({"workflow_id", "workflow_version", "created_at", "updated_at"})
ReadT = TypeVar("ReadT")


class ExecuteRequest(BaseModel):
    """`POST /workflows/{id}/execute`, and by alias `POST /workflows/{id}/executions` of the later generation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)

    input: dict[str, Any] = Field(default_factory=dict, alias="inputs")
    webhook_url: str | None = None


class ListQuery(BaseModel):
    """The query of `GET /workflows/{id}/executions`; others are ignored, as an `access_token` may be among them."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    status: RunStatus | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    next_token: str | None = None


class WorkflowsQuery(BaseModel):
    """The query of `GET /workflows`, and of `GET /workflows/{id}/versions`, which has no use for a name."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: Annotated[str, Field(max_length=256)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    next_token: str | None = None


class VersionQuery(BaseModel):
    """The query of `GET /workflows/{id}`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    version: Annotated[int, Field(ge=1, le=MAX_VERSION)] | None = None


def read_definition(body: Any) -> Any:
    """A definition; what an answer adds to one is left out, so that it can be changed and sent back."""
    if not isinstance(body, dict):
        return body
    return {key: value for key, value in body.items() if key not in ADDED_TO_DEFINITIONS}


def read_execute_request(body: Any, generation: Generation) -> ExecuteRequest:
    """Raises InvalidRequestError."""
    try:
        return read_model(body, ExecuteRequest, by_alias=generation is Generation.LATER)
    except InvalidRequestError as exc:
        problems = [_advise(problem, DOCUMENT_WORDS[generation]["input"]) for problem in exc.problems]
        raise InvalidRequestError(str(exc), problems) from exc


def _advise(problem: Problem, key: str) -> Problem:
    """Whoever sends the parameters themselves is told where they belong."""
    if problem.code != "unknown_field":
        return problem
    message = f'{problem.message} Parameters of the workflow stand in `{key}`: `{{"{key}": {{…}}}}`.'
    return replace(problem, message=message)


def generation_asked(execution_id: str) -> Generation:
    """The generation of the dialect that an execution's id is spelled in."""
    return Generation.LATER if execution_id.startswith(LATER_EXECUTION_PREFIX) else Generation.FIRST


def read_wait(headers: Mapping[str, str]) -> int:
    """Seconds from `Prefer: wait=N` (RFC 7240), at most 25; 0 when there is none that makes sense."""
    found = WAIT.search(headers.get("prefer", ""))
    return min(int(found[1]), MAX_WAIT_SECONDS) if found else 0


def read_provider_key(headers: Mapping[str, str]) -> str | None:
    """The caller's own key to the language model, from `X-OpenAI-Key`. Raises InvalidRequestError."""
    key = headers.get("x-openai-key")
    if key is None or re.fullmatch(PROVIDER_KEY, key := key.strip(" \t")):
        return key
    message = f"This must be a key of 1 to {MAX_PROVIDER_KEY} printable ASCII characters without spaces."
    raise InvalidRequestError("The request is not valid.", [Problem("/x-openai-key", "invalid_value", message)])


def read_if_match(headers: Mapping[str, str]) -> frozenset[int] | None:
    """The versions that `If-Match` names: `3`, `"3"`, or several; None for none and for `*`, which mean any.

    `W/"3"` counts too: who compresses an answer on its way may weaken its tag. Raises InvalidRequestError.
    """
    text = headers.get("if-match", "*").strip()
    if text == "*":
        return None
    if not re.fullmatch(ENTITY_TAGS, text):
        message = 'This must be a version such as `"3"`, several with commas between them, or `*`.'
        raise InvalidRequestError("The request is not valid.", [Problem("/if-match", "invalid_value", message)])
    tags = (quoted or bare for quoted, bare in re.findall(ENTITY_TAG, text))
    return frozenset(int(tag) for tag in tags if re.fullmatch(NUMBER, tag))


def read_version_number(text: str) -> int:
    """Raises MalformedIdError."""
    if not re.fullmatch(NUMBER, text):
        raise MalformedIdError(f"{shorten(text)!r} is no version.")
    return int(text)


def read_next_token(token: str | None, read: Callable[[str], ReadT]) -> ReadT | None:
    """What to go on after; `read` raises MalformedIdError. Raises InvalidRequestError."""
    if token is None:
        return None
    try:
        return read(token)
    except MalformedIdError as exc:
        message = "This is no token that a list has given; begin without one."
        raise InvalidRequestError("The request is not valid.", [Problem("/next_token", "bad_token", message)]) from exc
