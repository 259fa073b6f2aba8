"""How an operation is described, and the parameters, headers and errors that several have in common."""

from collections.abc import Iterable, Mapping

from stepcall.domain.access import NotGrantedError
from stepcall.domain.ids import MalformedIdError
from stepcall.domain.json_text import MalformedJsonError
from stepcall.runtime.http import AnswerTooLargeError, BodyTooLargeError
from stepcall.stores.workflow_store import VersionNotFoundError, WorkflowNotFoundError
from workflows_api.describe.parts import (
    EXECUTION_ID,
    JOB_ID,
    LATER_EXECUTION_ID,
    SECURITY,
    UUID,
    WORKFLOW_ID,
    Json,
    body_of,
    header,
    path_parameter,
    problem_answers,
    query_parameters,
    ref,
)
from workflows_api.requests import VersionQuery

ANY_RUN_ID = "|".join((EXECUTION_ID, LATER_EXECUTION_ID, JOB_ID, UUID))
WORKFLOW = path_parameter(
    "workflow_id", "The workflow: `wf-…`, or its UUID.", f"{WORKFLOW_ID}|{UUID}", "wf-03h9x0v1mh2j8c5d7k4q6s8tz"
)
VERSION = query_parameters(VersionQuery, {"version": "A version; the newest unless said otherwise."})
LIST_DESCRIPTIONS = {
    "limit": "How many to answer at most.",
    "next_token": "The `next_token` of the page before.",
}
LOCATION = header("Where to read it.", required=True)
ENTITY_TAG = header(
    "The version in quotation marks, for `If-Match`.", required=True, schema={"type": "string", "pattern": '^"[0-9]+"$'}
)
LIMIT_HEADERS: Mapping[str, Json] = {
    "RateLimit-Policy": header(
        "On every answer to a key that has a limit: how many executions it may start (`q`) in how many seconds (`w`).",
        schema={"type": "string", "examples": ['"default";q=10;w=1']},
    ),
    "RateLimit": header(
        "Beside it: how many it may start now (`r`), and after how many seconds that is one more (`t`).",
        schema={"type": "string", "examples": ['"default";r=7;t=1']},
    ),
}
NOT_READ = (MalformedJsonError, BodyTooLargeError)
NO_WORKFLOW = (MalformedIdError, WorkflowNotFoundError, NotGrantedError)
NO_VERSION = (*NO_WORKFLOW, VersionNotFoundError)


def operation(
    operation_id: str,
    summary: str,
    answers: Mapping[str, Json],
    errors: Iterable[type[Exception]] = (),
    *,
    tag: str = "Workflows",
    parameters: Iterable[Json] = (),
    body: Json | None = None,
    public: bool = False,
) -> Json:
    """One operation. The gateway's own refusals may meet any."""
    parameters = list(parameters)
    if not public and "204" not in answers:
        errors = (*errors, AnswerTooLargeError)
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [tag],
        **({"security": []} if public else {"security": SECURITY}),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": {**answers, **_refusals(errors, public=public)},
    }


def _refusals(errors: Iterable[type[Exception]], *, public: bool) -> Json:
    refusals = problem_answers(errors, public=public)
    unavailable = refusals.get("503", {"content": {}})["content"] | body_of(ref("GatewayMessage"))
    refusals["500"]["content"] |= body_of(ref("GatewayMessage"))
    description = refusals.get("503", {}).get("description", "") + " No answer within 30 s, in the gateway's words."
    return {
        **refusals,
        "429": _too_many(refusals["429"]) if "429" in refusals else ref("TooManyRequests", "responses"),
        "503": {**refusals.get("503", {}), "description": description.strip(), "content": unavailable},
    }


def _too_many(limited: Json) -> Json:
    """Refused by the caller's own limit, or by the gateway, which says nothing of when to come again."""
    said = {**limited["headers"]["Retry-After"], "required": False}
    return {
        "description": f"{limited['description']} Or too many requests, in the gateway's words.",
        "headers": {**limited["headers"], "Retry-After": said, **LIMIT_HEADERS},
        "content": limited["content"] | body_of(ref("GatewayMessage")),
    }


def link(operation_id: str, **parameters: str) -> Json:
    """What an answer's ids are good for."""
    found = {name: f"$response.body#/{field}" for name, field in parameters.items()}
    return {"operationId": operation_id, "parameters": found}
