"""This face's errors: `{"status": 400, "message": "…"}` for every one, one map from what was raised."""

from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from amperity_api.admission import ForeignTenantError, RequestsLimitedError
from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import NotGrantedError
from stepcall.domain.errors import (
    MAX_MESSAGE_LENGTH,
    InvalidDefinitionError,
    InvalidParametersError,
    shorten,
)
from stepcall.domain.idempotency import IdempotencyKeyReusedError
from stepcall.domain.ids import MalformedIdError
from stepcall.domain.json_text import MalformedJsonError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.runtime.authentication import UnauthenticatedError
from stepcall.runtime.http import (
    AnswerTooLargeError,
    BodyTooLargeError,
    InvalidRequestError,
    headers_of,
    json_response,
)
from stepcall.runtime.refusals import AGAIN, BAD, BUG, IN_EVERY_FACE, Answer, find_answer, print_apology
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.list_tenant_runs import TooManyRunsError

NO_RUN = Answer(HTTPStatus.NOT_FOUND, "There is no such run. `GET /api/workflow/runs` lists those there are.")
NOT_AUTHENTICATED = "Authentication is needed: send a key or a token that counts, as `Authorization: Bearer …`."
NEEDS_INPUT = "Runs that are started here have no parameters: give each input of the workflow a default."
TOO_MANY = "There are too many runs for their total. Narrow the list by `created_from`, or leave `with_total` out."
ANSWERS: Mapping[type[Exception], Answer] = {
    **IN_EVERY_FACE,
    InvalidRequestError: BAD,
    MalformedJsonError: BAD,
    BodyTooLargeError: BAD,  # the vendor's clients know no 413
    AnswerTooLargeError: BAD,
    EmptyRunModeError: BAD,
    InvalidDefinitionError: BAD,
    InvalidParametersError: Answer(HTTPStatus.BAD_REQUEST, NEEDS_INPUT),
    TooManyRunsError: Answer(HTTPStatus.BAD_REQUEST, TOO_MANY),
    UnauthenticatedError: Answer(HTTPStatus.UNAUTHORIZED, NOT_AUTHENTICATED, {"WWW-Authenticate": "Bearer"}),
    NotGrantedError: Answer(HTTPStatus.FORBIDDEN),
    ForeignTenantError: Answer(HTTPStatus.FORBIDDEN),
    WorkflowNotFoundError: Answer(
        HTTPStatus.NOT_FOUND,
        "No workflow has this `config_id`: it must be the id of a workflow, or the `config_id` of its definition.",
    ),
    MalformedIdError: NO_RUN,
    RunNotFoundError: NO_RUN,
    RunHasEndedError: Answer(HTTPStatus.CONFLICT, "The run has ended, and is not stopped."),
    IdempotencyKeyReusedError: Answer(HTTPStatus.CONFLICT),  # nor 422
    RequestsLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    RateLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    EngineUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "The run could not be started now; send the request again.", AGAIN
    ),
}


def print_error(error: Exception, app: APIGatewayHttpResolver) -> Response[str]:
    """Any exception in this face's shape. One that is not in the map is a bug: a 500 with an id, its text logged."""
    answer = find_answer(error, ANSWERS)
    body = {"status": answer.status.value, "message": _message(error, answer, app)}
    return json_response(answer.status.value, body, {**answer.headers, **headers_of(error)})


def _message(error: Exception, answer: Answer, app: APIGatewayHttpResolver) -> str:
    if answer is BUG:
        return print_apology(app)
    problems = [problem.message for problem in getattr(error, "problems", [])]
    return shorten(" ".join([answer.text or str(error), *problems]), MAX_MESSAGE_LENGTH)
