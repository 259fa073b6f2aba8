"""The Wave face's errors: `{"message": "…"}` for every one, one map from what was raised."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from stepcall.domain.access import NotGrantedError
from stepcall.domain.errors import InvalidDefinitionError, InvalidParametersError, Problem, shorten
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
from stepcall.stores.run_store import RunNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.engine import EngineUnavailableError
from wave_api.deprecation import SUCCESSOR, link_header

NOT_AUTHENTICATED = "There is no API key in the header `x-api-key`, or none that counts."
NO_WORKFLOW = "There is no workflow of this id. `GET /wave/workflows` lists those there are."
NO_RUN = "There is no run of this id. `POST /wave/workflows/{id}/execute` answers with the id of the one it starts."
TO_ALL = link_header(SUCCESSOR)  # what the caller does not see has no counterpart that it sees

ANSWERS: Mapping[type[Exception], Answer] = {
    **IN_EVERY_FACE,
    InvalidParametersError: BAD,
    InvalidRequestError: BAD,
    MalformedJsonError: BAD,
    InvalidDefinitionError: BAD,
    AnswerTooLargeError: BAD,
    UnauthenticatedError: Answer(HTTPStatus.UNAUTHORIZED, NOT_AUTHENTICATED, {"WWW-Authenticate": "Bearer"}),
    NotGrantedError: Answer(HTTPStatus.FORBIDDEN, headers=TO_ALL),
    WorkflowNotFoundError: Answer(HTTPStatus.NOT_FOUND, NO_WORKFLOW, TO_ALL),
    RunNotFoundError: Answer(HTTPStatus.NOT_FOUND, NO_RUN),
    BodyTooLargeError: Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    RateLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    EngineUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The run could not be started now, and there is none; send the request again.",
        AGAIN,
    ),
}


def print_error(error: Exception, app: APIGatewayHttpResolver) -> Response[str]:
    """Any exception in Wave's shape. One that is not in the map is a bug: a 500 with an id, its text in the log."""
    answer = find_answer(error, ANSWERS)
    headers = {**answer.headers, **headers_of(error)}
    return json_response(answer.status.value, {"message": _text(error, answer, app)}, headers)


def _text(error: Exception, answer: Answer, app: APIGatewayHttpResolver) -> str:
    if answer is BUG:
        return print_apology(app)
    return " ".join([answer.text or str(error), *_places(getattr(error, "problems", []))])


def _places(problems: Iterable[Problem]) -> Iterable[str]:
    """What is wrong, each with its place in the body: there is no other field that could name it."""
    for problem in problems:
        yield f"{shorten(problem.location)}: {problem.message}" if problem.location else problem.message
