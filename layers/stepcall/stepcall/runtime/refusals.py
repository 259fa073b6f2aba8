"""How a face answers what was raised: a map from errors to answers, and what such maps have in common."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from stepcall.domain.access import MissingScopeError
from stepcall.domain.idempotency import IdempotencyKeyReusedError
from stepcall.runtime.authentication import TokensUnavailableError
from stepcall.runtime.http import AwsUnavailableError, MethodNotAllowedError, RouteNotFoundError, log_refusal
from stepcall.stores.run_store import StartedOnceError

AGAIN: Mapping[str, str] = {"Retry-After": "2"}
START_IN_PROGRESS = "The same request is being handled at this moment; send it again with the same `Idempotency-Key`."


class Answer(NamedTuple):
    """How one kind of error is answered; without a `text` the error speaks for itself."""

    status: HTTPStatus
    text: str | None = None
    headers: Mapping[str, str] = {}  # never changed


BAD = Answer(HTTPStatus.BAD_REQUEST)
BUG = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
IN_EVERY_FACE: Mapping[type[Exception], Answer] = {
    MissingScopeError: Answer(HTTPStatus.FORBIDDEN, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
    RouteNotFoundError: Answer(HTTPStatus.NOT_FOUND, "There is no such route."),
    MethodNotAllowedError: Answer(HTTPStatus.METHOD_NOT_ALLOWED),
    IdempotencyKeyReusedError: Answer(HTTPStatus.UNPROCESSABLE_ENTITY),
    StartedOnceError: Answer(HTTPStatus.CONFLICT, START_IN_PROGRESS, AGAIN),
    AwsUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "AWS does not take a call that this needs; send the request again.", AGAIN
    ),
    TokensUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "Tokens cannot be checked now; send the request again.", AGAIN
    ),
}
"""For a face to begin its own map with; the native one has types and titles besides."""


def find_answer(error: Exception, answers: Mapping[type[Exception], Answer]) -> Answer:
    """The answer to any exception, which is logged as it deserves. One that is not in the map is a bug."""
    answer = answers.get(type(error), BUG)
    log_refusal(error, answer.status, is_bug=answer is BUG)
    return answer


def print_apology(app: APIGatewayHttpResolver) -> str:
    """All that a caller is told of a bug: its text is in the log."""
    request_id = app.current_event.request_context.request_id
    return f"Something went wrong on our side. Say the id {request_id} when you report it."
