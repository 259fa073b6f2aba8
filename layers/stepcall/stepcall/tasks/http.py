"""The contract of Http.Request, which `run_web_task` does."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker

MAX_BODY_MB = 10
"""Of a request's body, and of the answer's."""
_SECRET_HEADER = {
    "type": "object",
    "properties": {"secret": {"type": "string"}, "prefix": {"type": "string"}},
    "required": ["secret"],
    "additionalProperties": False,
}


def _check_value(value: Any) -> Any:
    """Literals only: where a template stands, the schema is held against it, and the worker asks here again."""
    from stepcall.domain.request_headers import check_header_value  # noqa: PLC0415 - few definitions send a request

    return check_header_value(value)


def _check_names(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    from stepcall.domain.request_headers import check_header_names  # noqa: PLC0415 - see above

    return check_header_names(headers)


HeaderValue = Annotated[
    Any,
    AfterValidator(_check_value),
    WithJsonSchema({"anyOf": [{"type": "string"}, _SECRET_HEADER]}),
]


class RequestInput(TaskInput):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="GET", description="The request's method."
    )
    url: str = Field(min_length=1, max_length=8192, description="Where it goes; http or https.")
    headers: Annotated[dict[str, HeaderValue], AfterValidator(_check_names)] = Field(
        default_factory=dict,
        description='Text, or `{"secret": "NAME", "prefix": "Bearer "}` for a secret that the deployment keeps.',
    )
    body: Any = Field(default=None, description="Text is sent as it is, any other value as JSON; null is no body.")
    accept_statuses: list[Annotated[int, Field(ge=200, le=599)]] = Field(
        default_factory=list, max_length=50, description="Statuses that are no failure, besides those from 200 to 299."
    )


class RequestOutput(TaskOutput):
    status: int = Field(description="HTTP status of the last answer.")
    headers: dict[str, str] = Field(description="Its headers by lower-case name, as far as 16 KB hold them.")
    content_type: str = Field(description="Its Content-Type, empty when it had none.")
    body: str = Field(description="Its body as text, decoded by its own charset.")
    data: Any = Field(default=None, description="The body's value when it is JSON by its Content-Type; else null.")
    final_url: str = Field(description="Where it came from, after redirects.")


HTTP_REQUEST = TaskContract(
    name="Http.Request",
    summary="Sends an HTTP request, with JSON in and out.",
    input_model=RequestInput,
    output_model=RequestOutput,
    worker=Worker.WEB,
    timeout_seconds=70,
)
