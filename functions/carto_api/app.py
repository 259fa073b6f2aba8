"""The CARTO face: workflows as procedures, their executions as jobs. Contract: CARTO's SQL API v3."""
# ruff: noqa: E402

import gc

gc.disable()  # until all is loaded: docs/benchmarks.md

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from carto_api.answers import answer_rows, print_created, print_end, print_job, print_jobs
from carto_api.call_statement import is_call
from carto_api.problems import print_error
from carto_api.requests import (
    JOB_KEY,
    QUERY_KEY,
    SqlRequest,
    read_command,
    read_page,
    read_sql_body,
    read_sql_url,
)
from stepcall.domain.access import Scope
from stepcall.domain.ids import read_run_id
from stepcall.runtime.authentication import TokensUnavailableError
from stepcall.runtime.http import (
    caller,
    carried,
    json_response,
    patience,
    read_body,
    resolver,
    without_final_slash,
)
from stepcall.runtime.idempotency import read_start_once, replay_headers
from stepcall.runtime.observability import log_fact, logs_invocation, name_in_log
from stepcall.runtime.wiring import face_dependencies, tokens
from stepcall.stores.connection_store import read_connection_name
from stepcall.use_cases.call_procedure import call_procedure
from stepcall.use_cases.query_table import Query, call_and_wait, select_rows
from stepcall.use_cases.read_job import Job, cancel_job, list_jobs, read_job
from stepcall.use_cases.start_once import start_once

MAX_WAIT_SECONDS = 25  # for a job and its rows: API Gateway gives an answer up after 29

ACCESS: Mapping[str, Scope | None] = {
    "POST /v3/sql/<connection>/job": Scope.RUNS_START,
    "GET /v3/sql/<connection>/job": Scope.RUNS_START,
    "GET /v3/sql/<connection>/job/<external_id>": Scope.RUNS_READ,
    "DELETE /v3/sql/<connection>/job/<external_id>": Scope.RUNS_CANCEL,
    "GET /v3/sql/jobs": Scope.RUNS_READ,
    "GET /v3/sql/<connection>/query": Scope.RUNS_READ,
    "POST /v3/sql/<connection>/query": Scope.RUNS_READ,
}
"""Which scope each route needs. What is not here is closed. A CALL by `/query` needs `runs:start` besides."""

app = resolver(print_error, ACCESS)


@app.post("/v3/sql/<connection>/job")
def post_job(connection: str) -> Response[str]:
    return _create_job(connection, read_sql_body(read_body(app), JOB_KEY))


@app.get("/v3/sql/<connection>/job")
def get_new_job(connection: str) -> Response[str]:
    return _create_job(connection, read_sql_url(_raw_query(), JOB_KEY))


@app.get("/v3/sql/<connection>/job/<external_id>")
def get_job(connection: str, external_id: str) -> Response[str]:
    name = read_connection_name(connection)
    job = read_job(read_run_id(external_id), name, caller(app), face_dependencies())
    return json_response(200, print_job(job, _token_for(job.run.run_id)))


@app.delete("/v3/sql/<connection>/job/<external_id>")
def delete_job(connection: str, external_id: str) -> Response[str]:
    name = read_connection_name(connection)
    job = cancel_job(read_run_id(external_id), name, caller(app), face_dependencies())
    if Scope.RUNS_READ not in caller(app).scopes:
        return json_response(200, print_end(job))
    return json_response(200, print_job(job, _token_for(job.run.run_id)))


@app.get("/v3/sql/jobs")
def get_jobs() -> Response[str]:
    number, size = read_page(_raw_query())
    page = list_jobs(caller(app), face_dependencies(), page=number, size=size)
    return json_response(200, print_jobs(page, number=number, size=size))


@app.get("/v3/sql/<connection>/query")
def get_query(connection: str) -> Response[str]:
    return _query(connection, read_sql_url(_raw_query(), QUERY_KEY))


@app.post("/v3/sql/<connection>/query")
def post_query(connection: str) -> Response[str]:
    return _query(connection, read_sql_body(read_body(app), QUERY_KEY))


def _create_job(connection: str, request: SqlRequest) -> Response[str]:
    command = read_command(read_connection_name(connection), request)._replace(once=read_start_once(app))
    started = start_once(call_procedure, command, caller(app), face_dependencies())
    created = print_created(Job(started.run, started.run.call), _token_for(started.run.run_id))
    return json_response(200, created, replay_headers(is_replayed=started.is_replayed))


def _query(connection: str, request: SqlRequest) -> Response[str]:
    name, deps = read_connection_name(connection), face_dependencies()
    if not is_call(request.statement):
        return answer_rows(select_rows(Query(name, request.statement, request.parameters), caller(app), deps))
    caller(app).require(Scope.RUNS_START)
    command = read_command(name, request)._replace(once=read_start_once(app))
    return answer_rows(call_and_wait(command, caller(app), deps, seconds=patience(app, MAX_WAIT_SECONDS)))


def _token_for(run_id: UUID) -> str | None:
    """A token that reads this job: the caller's own when it is one; None for who may start jobs and not read any."""
    from stepcall.use_cases.issue_token import share_run  # noqa: PLC0415 - pulls in what most requests need not

    if caller(app).run_id is not None:
        return carried(app)
    if Scope.RUNS_READ not in caller(app).scopes:
        return None
    try:
        return share_run(run_id, caller(app), face_dependencies(), tokens()).text
    except TokensUnavailableError as exc:
        log_fact("job_token_not_issued", run_id=str(run_id), error=str(exc))  # the job is there all the same
        return None


def _raw_query() -> str:
    sent: str = app.current_event.get("rawQueryString") or ""
    return sent


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    name_in_log(correlation_id=event["requestContext"]["requestId"])
    return app.resolve(without_final_slash(event), context)


gc.freeze()  # nor will it be: docs/benchmarks.md
gc.enable()
