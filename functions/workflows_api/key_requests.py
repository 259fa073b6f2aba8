"""What the routes of API keys take. Imported when they are called: a cold start has no time for it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from stepcall.domain.access import Grants, RateLimit, Scope, SourceGrant
from stepcall.domain.connection import NAME_PATTERN
from stepcall.domain.ids import MalformedIdError, read_workflow_id
from stepcall.runtime.http import read_model
from stepcall.use_cases.create_api_key import CreateApiKey
from workflows_api.whole_number import OR_WITH_POINT

MAX_PER_SECOND = 10_000
DEFAULT_LIMIT = RateLimit()
MAX_GRANTS = {"workflows": 100, "sources": 50}  # a page of 100 keys fits into an answer of 6 MB
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
SOURCE_PATTERN = r"^[^\s\x00-\x1f\x7f`]+$"
UUID_PATTERN = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
WORKFLOW_ID_SCHEMA = {
    "type": "string",
    "pattern": f"^(wf-[0-9a-z]{{25}}|{UUID_PATTERN})$",
    "description": "A workflow: `wf-…`, or its UUID.",
}
TIME_SCHEMA = {"type": "string", "format": "date-time", "description": "A time in the future, as RFC 3339 writes it."}
ONE_OF_BOTH: list[Any] = [{"required": [name], "properties": {name: {"minItems": 1}}} for name in MAX_GRANTS]


def read_new_key(body: Any, now: datetime) -> CreateApiKey:
    """Raises InvalidRequestError with every problem."""
    said = read_model(body, NewApiKey, context={"now": now})
    return CreateApiKey(
        name=said.name,
        scopes=frozenset(said.scopes),
        grants=said.grants.to_grants() if said.grants else None,
        rate_limit=said.rate_limit.to_limit() if "rate_limit" in said.model_fields_set else None,
        expires_at=read_future_time(said.expires_at, now) if said.expires_at else None,
    )


def read_future_time(text: str, now: datetime) -> datetime:
    """Raises PydanticCustomError."""
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC) if RFC_3339.fullmatch(text) else None
    except (ValueError, OverflowError):
        time = None
    if time is None:
        raise PydanticCustomError("time", "This must be a time as RFC 3339 writes it, such as 2030-01-31T12:00:00Z.")
    if time <= now:
        raise PydanticCustomError("past", "This must be a time in the future.")
    return time


def _check_time(text: str, info: ValidationInfo[dict[str, datetime]]) -> str:
    read_future_time(text, info.context["now"])
    return text


def _check_workflow_id(text: str) -> str:
    try:
        read_workflow_id(text)
    except MalformedIdError as exc:
        raise PydanticCustomError("workflow_id", "This must be the id of a workflow, such as `wf-…`.") from exc
    return text


def _check_connection_name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        message = "This must be a connection's name: 1 to 63 letters, digits, `_` and `-`, no digit or `-` first."
        raise PydanticCustomError("connection_name", message)
    return text


def _check_source(text: str) -> str:
    if not re.fullmatch(SOURCE_PATTERN, text):
        message = "This must be a source's full name: write it without backticks, spaces and control characters."
        raise PydanticCustomError("source", message)
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GrantedSource(_Strict):
    """A data source of a connection; `project.dataset.*` is all that begin so."""

    connection_name: Annotated[
        str, AfterValidator(_check_connection_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})
    ]
    source: Annotated[
        str,
        Field(max_length=200, json_schema_extra={"minLength": 1, "pattern": SOURCE_PATTERN}),
        AfterValidator(_check_source),
    ]


class GivenGrants(_Strict):
    """What the key is narrowed to: nothing but these. Left out, it reaches all of the tenant."""

    model_config = ConfigDict(json_schema_extra={"anyOf": ONE_OF_BOTH})

    workflows: Annotated[
        list[Annotated[str, AfterValidator(_check_workflow_id), WithJsonSchema(WORKFLOW_ID_SCHEMA)]],
        Field(max_length=MAX_GRANTS["workflows"]),
    ] = []
    sources: Annotated[list[GrantedSource], Field(max_length=MAX_GRANTS["sources"])] = []

    @model_validator(mode="before")
    @classmethod
    def _refuse_list(cls, said: Any) -> Any:
        if isinstance(said, list):
            message = 'This must be an object: write CARTO\'s list of grants as {"sources": […]}.'
            raise PydanticCustomError("grants_list", message)
        return said

    @model_validator(mode="after")
    def _refuse_nothing(self) -> "GivenGrants":
        if not self.workflows and not self.sources:
            message = "This must name a workflow or a source; leave `grants` out for a key that reaches all of them."
            raise PydanticCustomError("no_grants", message)
        return self

    def to_grants(self) -> Grants:
        workflows: frozenset[UUID] = frozenset(map(read_workflow_id, self.workflows))
        return Grants(workflows, tuple(SourceGrant(said.connection_name, said.source) for said in self.sources))


class GivenRateLimit(_Strict):
    """Starts of executions: so many a second in the long run, and so many at one moment."""

    per_second: Annotated[int, Field(ge=1, le=MAX_PER_SECOND), OR_WITH_POINT] = DEFAULT_LIMIT.per_second
    burst: Annotated[int, Field(ge=1, le=MAX_PER_SECOND), OR_WITH_POINT] = DEFAULT_LIMIT.burst

    def to_limit(self) -> RateLimit:
        return RateLimit(self.per_second, self.burst)


class NewApiKey(_Strict):
    """`POST /api-keys`."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=PRINTABLE)]
    scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1, max_length=100)]
    grants: GivenGrants | None = None
    expires_at: Annotated[str, AfterValidator(_check_time), WithJsonSchema(TIME_SCHEMA)] | None = None
    rate_limit: GivenRateLimit = GivenRateLimit()


class KeysQuery(BaseModel):
    """The query of `GET /api-keys`."""

    model_config = ConfigDict(frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    next_token: str | None = None
