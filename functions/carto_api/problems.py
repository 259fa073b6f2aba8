"""The CARTO face's errors: `{"error": "…", "status": 400}` for every one, one map from what was raised."""

from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from carto_api.call_statement import CallSyntaxError
from stepcall.domain.access import NotGrantedError
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.ids import MalformedIdError, spell_job
from stepcall.domain.json_text import MalformedJsonError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import CALL_LOCATION, Run
from stepcall.runtime.authentication import UnauthenticatedError
from stepcall.runtime.http import (
    AnswerTooLargeError,
    BodyTooLargeError,
    InvalidRequestError,
    carried,
    headers_of,
    json_response,
)
from stepcall.runtime.refusals import AGAIN, BAD, BUG, IN_EVERY_FACE, Answer, find_answer, print_apology
from stepcall.sql.faults import SqlError
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.stores.procedure_store import ProcedureNotFoundError
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError
from stepcall.use_cases.call_procedure import TableBusyError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.output_tables import TableNotCompleteError, TableNotFoundError
from stepcall.use_cases.query_table import JobFailedError, JobNotEndedError, TableTimeoutError, TableTooLargeError
from stepcall.use_cases.sql_worker import ResultTooLargeError, SqlRefusedError, SqlTimeoutError, SqlWorkerBusyError

NOT_DEFINED = "Token not defined"
NOT_VALID = "Invalid token: it is unknown, or has expired"
NOT_GRANTED = "403 You don't have permissions to read this resource"
TOO_LARGE = (
    "The rows do not fit into one answer, which holds 5 MB of them at most. Read less of the table: name the columns, "
    "and page by ORDER BY, LIMIT and OFFSET."
)
TOO_SLOW = "The query took longer than a request may. Read less of the table."
BUSY = "The query has not begun, for too many others are at work. Send it again."
NO_JOB = Answer(HTTPStatus.NOT_FOUND, "There is no such job on this connection.")
ANSWERS: Mapping[type[Exception], Answer] = {
    **IN_EVERY_FACE,
    CallSyntaxError: BAD,
    SqlError: BAD,
    SqlRefusedError: BAD,
    InvalidRequestError: BAD,
    MalformedJsonError: BAD,
    InvalidDefinitionError: BAD,
    JobFailedError: BAD,
    TableNotCompleteError: BAD,
    TableTooLargeError: BAD,
    AnswerTooLargeError: BAD,
    ResultTooLargeError: Answer(HTTPStatus.BAD_REQUEST, TOO_LARGE),
    RunHasEndedError: Answer(HTTPStatus.BAD_REQUEST, "The job has already ended."),
    UnauthenticatedError: Answer(HTTPStatus.UNAUTHORIZED, NOT_VALID, {"WWW-Authenticate": "Bearer"}),
    NotGrantedError: Answer(HTTPStatus.FORBIDDEN, NOT_GRANTED),
    ConnectionNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "There is no such connection. `GET /connections` lists those there are."
    ),
    ProcedureNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "There is no such procedure on this connection, or its workflow's API access is disabled."
    ),
    TableNotFoundError: Answer(HTTPStatus.NOT_FOUND),
    RunNotFoundError: NO_JOB,
    MalformedIdError: NO_JOB,
    JobNotEndedError: Answer(HTTPStatus.REQUEST_TIMEOUT, headers=AGAIN),
    SqlTimeoutError: Answer(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW, AGAIN),
    TableTimeoutError: Answer(HTTPStatus.REQUEST_TIMEOUT, headers=AGAIN),
    BodyTooLargeError: Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    RateLimitedError: Answer(HTTPStatus.TOO_MANY_REQUESTS),
    TableBusyError: Answer(HTTPStatus.SERVICE_UNAVAILABLE, headers=AGAIN),
    SqlWorkerBusyError: Answer(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, AGAIN),
    EngineUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This cannot be done now, as AWS does not take the call; send the request again.",
        AGAIN,
    ),
}


def print_error(error: Exception, app: APIGatewayHttpResolver) -> Response[str]:
    """Any exception in CARTO's shape. One that is not in the map is a bug: a 500 with an id, its text in the log."""
    answer = find_answer(error, ANSWERS)
    body = {"error": _text(error, answer, app), "status": answer.status.value}
    return json_response(answer.status.value, body, {**answer.headers, **headers_of(error)})


def _text(error: Exception, answer: Answer, app: APIGatewayHttpResolver) -> str:
    if answer is BUG:
        return print_apology(app)
    if isinstance(error, UnauthenticatedError) and not carried(app):
        return NOT_DEFINED
    if isinstance(error, JobNotEndedError):
        return f"The job {spell_job(error.run.run_id)} goes on: ask for its status, and then for its table's rows."
    if isinstance(error, JobFailedError):
        return f"{error} ({_place_of(error.run)})"
    if isinstance(error, TableTooLargeError | TableTimeoutError):
        return f"{TOO_LARGE if isinstance(error, TableTooLargeError) else TOO_SLOW} The rows are in `{error.table}`."
    problems = [problem.message for problem in getattr(error, "problems", [])]
    return answer.text or " ".join([str(error), *problems])


def _place_of(run: Run) -> str:
    """The job, and what of it has failed."""
    job = f"job {spell_job(run.run_id)}"
    if run.error is None or run.error.location == CALL_LOCATION:
        return job
    return f"in `{run.error.location}` of {job}"
