"""This face's errors: `{"status": 400, "message": "…"}` for every one, one map from what was raised."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from amperity_api.admission import ForeignTenantError, RequestsLimitedError
from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import MissingScopeError, NotGrantedError
from stepcall.domain.errors import (
    MAX_MESSAGE_LENGTH,
    InvalidDefinitionError,
    InvalidParametersError,
    shorten,
)
from stepcall.domain.ids import MalformedIdError
from stepcall.domain.json_text import MalformedJsonError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.runtime.authentication import TokensUnavailableError, UnauthenticatedError
from stepcall.runtime.http import (
    AnswerTooLargeError,
    BodyTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    RouteNotFoundError,
    headers_of,
    json_response,
    log_refusal,
)
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.list_tenant_runs import TooManyRunsError

AGAIN: Mapping[str, str] = {"Retry-After": "2"}


class Answer(NamedTuple):
    """How one kind of error is answered; without a `text` the error speaks for itself."""

    status: HTTPStatus
    text: str | None = None
    headers: Mapping[str, str] = {}  # never changed


BAD = Answer(HTTPStatus.BAD_REQUEST)
NO_RUN = Answer(HTTPStatus.NOT_FOUND, "There is no such run. `GET /api/workflow/runs` lists those there are.")
NOT_AUTHENTICATED = "Authentication is needed: send a key or a token that counts, as `Authorization: Bearer …`."
NEEDS_INPUT = "Runs that are started here have no parameters: give each input of the workflow a default."
TOO_MANY = "There are too many runs for their total. Narrow the list by `created_from`, or leave `with_total` out."
ANSWERS: Mapping[type[Exception], Answer] = {
    InvalidRequestError: BAD,
    MalformedJsonError: BAD,
    BodyTooLargeError: BAD,  # the vendor's clients know no 413
    AnswerTooLargeError: BAD,
    EmptyRunModeError: BAD,
    InvalidDefinitionError: BAD,
    InvalidParametersError: Answer(HTTPStatus.BAD_REQUEST, NEEDS_INPUT),
    TooManyRunsError: Answer(HTTPStatus.BAD_REQUEST, TOO_MANY),
    UnauthenticatedError: Answer(HTTPStatus.UNAUTHORIZED, NOT_AUTHENTICATED, {"WWW-Authenticate": "Bearer"}),
    MissingScopeError: Answer(HTTPStatus.FORBIDDEN, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
    NotGrantedError: Answer(HTTPStatus.FORBIDDEN),
    ForeignTenantError: Answer(HTTPStatus.FORBIDDEN),
    WorkflowNotFoundError: Answer(
        HTTPStatus.NOT_FOUND,
        "No workflow has this `config_id`: it must be the id of a workflow, or the `config_id` of its definition.",
    ),
    MalformedIdError: NO_RUN,
    RunNotFoundError: NO_RUN,
    RouteNotFoundError: Answer(HTTPStatus.NOT_FOUND, "There is no such route."),
    MethodNotAllowedError: Answer(HTTPStatus.METHOD_NOT_ALLOWED),
    RunHasEndedError: Answer(HTTPStatus.CONFLICT, "The run has ended, and is not stopped."),
    RequestsLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    RateLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    TokensUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "Tokens cannot be checked now; send the request again.", AGAIN
    ),
    EngineUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "The run could not be started now; send the request again.", AGAIN
    ),
}
BUG = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)


def print_error(error: Exception, app: APIGatewayHttpResolver) -> Response[str]:
    """Any exception in this face's shape. One that is not in the map is a bug: a 500 with an id, its text logged."""
    answer = ANSWERS.get(type(error), BUG)
    log_refusal(error, answer.status, is_bug=answer is BUG)
    body = {"status": answer.status.value, "message": _message(error, answer, app)}
    return json_response(answer.status.value, body, {**answer.headers, **headers_of(error)})


def _message(error: Exception, answer: Answer, app: APIGatewayHttpResolver) -> str:
    if answer is BUG:
        request_id = app.current_event.request_context.request_id
        return f"Something went wrong on our side. Say the id {request_id} when you report it."
    problems = [problem.message for problem in getattr(error, "problems", [])]
    return shorten(" ".join([answer.text or str(error), *problems]), MAX_MESSAGE_LENGTH)
