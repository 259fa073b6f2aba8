"""The CARTO face's errors: `{"error": "…", "status": 400}` for every one, one map from what was raised."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from carto_api.call_statement import CallSyntaxError
from stepcall.domain.access import MissingScopeError, NotGrantedError
from stepcall.domain.ids import MalformedIdError, spell_job
from stepcall.domain.json_text import MalformedJsonError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.runtime.authentication import TokensUnavailableError, UnauthenticatedError
from stepcall.runtime.http import (
    BodyTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    RouteNotFoundError,
    carried,
    json_response,
    log_fault,
)
from stepcall.runtime.observability import log_fact
from stepcall.sql.faults import SqlError
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.stores.procedure_store import ProcedureNotFoundError
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError
from stepcall.use_cases.call_procedure import TableBusyError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.output_tables import TableNotCompleteError, TableNotFoundError
from stepcall.use_cases.query_table import JobFailedError, JobNotEndedError
from stepcall.use_cases.sql_worker import ResultTooLargeError, SqlRefusedError, SqlTimeoutError

NOT_DEFINED = "Token not defined"
NOT_VALID = "Invalid token: it is unknown, or has expired"
NOT_GRANTED = "403 You don't have permissions to read this resource"
TOO_LARGE = (
    "The rows have more than 5 MB, which one answer cannot hold. Read less of the table: name the columns, and page "
    "by ORDER BY, LIMIT and OFFSET."
)
AGAIN: Mapping[str, str] = {"Retry-After": "2"}


class Answer(NamedTuple):
    """How one kind of error is answered; without a `text` the error speaks for itself."""

    status: HTTPStatus
    text: str | None = None
    headers: Mapping[str, str] = {}  # never changed


NO_JOB = Answer(HTTPStatus.NOT_FOUND, "There is no such job on this connection.")
BAD = Answer(HTTPStatus.BAD_REQUEST)
ANSWERS: Mapping[type[Exception], Answer] = {
    CallSyntaxError: BAD,
    SqlError: BAD,
    SqlRefusedError: BAD,
    InvalidRequestError: BAD,
    MalformedJsonError: BAD,
    JobFailedError: BAD,
    TableNotCompleteError: BAD,
    ResultTooLargeError: Answer(HTTPStatus.BAD_REQUEST, TOO_LARGE),
    RunHasEndedError: Answer(HTTPStatus.BAD_REQUEST, "The job has already ended."),
    UnauthenticatedError: Answer(HTTPStatus.UNAUTHORIZED, NOT_VALID, {"WWW-Authenticate": "Bearer"}),
    MissingScopeError: Answer(HTTPStatus.FORBIDDEN, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
    NotGrantedError: Answer(HTTPStatus.FORBIDDEN, NOT_GRANTED),
    ConnectionNotFoundError: Answer(HTTPStatus.NOT_FOUND, "There is no such connection."),
    ProcedureNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "There is no such procedure on this connection, or its workflow's API access is disabled."
    ),
    TableNotFoundError: Answer(HTTPStatus.NOT_FOUND),
    RunNotFoundError: NO_JOB,
    MalformedIdError: NO_JOB,
    RouteNotFoundError: Answer(HTTPStatus.NOT_FOUND, "There is no such route."),
    MethodNotAllowedError: Answer(HTTPStatus.METHOD_NOT_ALLOWED),
    JobNotEndedError: Answer(HTTPStatus.REQUEST_TIMEOUT),
    SqlTimeoutError: Answer(
        HTTPStatus.REQUEST_TIMEOUT, "The query took longer than a request may. Read less of the table."
    ),
    BodyTooLargeError: Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    RateLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    TableBusyError: Answer(HTTPStatus.SERVICE_UNAVAILABLE, headers=AGAIN),
    TokensUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "Tokens cannot be checked now; send the request again.", AGAIN
    ),
    EngineUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This cannot be done now, as AWS does not take the call; send the request again.",
        AGAIN,
    ),
}
BUG = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)


def print_error(error: Exception, app: APIGatewayHttpResolver) -> Response[str]:
    """Any exception in CARTO's shape. One that is not in the map is a bug: a 500 with an id, its text in the log."""
    answer = ANSWERS.get(type(error), BUG)
    if answer is BUG:
        log_fault(error)
    elif answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log_fact("request_refused", status=str(answer.status.value), error=str(error))
    body = {"error": _text(error, answer, app), "status": answer.status.value}
    return json_response(answer.status.value, body, {**answer.headers, **_own_headers(error)})


def _text(error: Exception, answer: Answer, app: APIGatewayHttpResolver) -> str:
    if answer is BUG:
        request_id = app.current_event.request_context.request_id
        return f"Something went wrong on our side. Say the id {request_id} when you report it."
    if isinstance(error, UnauthenticatedError) and not carried(app):
        return NOT_DEFINED
    if isinstance(error, JobNotEndedError):
        return f"The job {spell_job(error.run.run_id)} goes on: ask for its status, and then for its table's rows."
    problems = [problem.message for problem in getattr(error, "problems", [])]
    return answer.text or " ".join([str(error), *problems])


def _own_headers(error: Exception) -> dict[str, str]:
    """The headers that say what this one error knows."""
    if isinstance(error, MethodNotAllowedError):
        return {"Allow": ", ".join(error.allowed)}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, RateLimitedError) else {}
