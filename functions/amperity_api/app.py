"""The Amperity face: runs of workflows started, followed, listed and stopped. Contract: Amperity's API, 2024-04-01."""
# ruff: noqa: E402

import gc

gc.disable()  # until all is loaded: docs/benchmarks.md

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from amperity_api.admission import LIMIT, VERSION_FIELD, admit, require_version
from amperity_api.answers import print_overview, print_page, print_runs, print_started, print_whole
from amperity_api.fields import read_body_fields
from amperity_api.problems import print_error
from amperity_api.requests import START_FIELDS, ListRequest, read_is_verbose, read_list, read_start
from amperity_api.settings import AmperitySettings
from stepcall.domain.access import Scope
from stepcall.domain.ids import read_run_id
from stepcall.runtime.http import (
    caller,
    headers,
    json_response,
    patience,
    read_bytes,
    resolver,
    without_final_slash,
)
from stepcall.runtime.idempotency import read_start_once, replay_headers
from stepcall.runtime.observability import logs_invocation, name_in_log
from stepcall.runtime.wiring import face_dependencies, page_tokens
from stepcall.use_cases.list_tenant_runs import count_tenant_runs, list_tenant_runs
from stepcall.use_cases.read_run import find_run
from stepcall.use_cases.start_configured_run import start_configured_run
from stepcall.use_cases.start_once import start_once
from stepcall.use_cases.whole_run import read_whole_run, stop_whole_run, view_started_run

MAX_COUNT_SECONDS = 20

ACCESS: Mapping[str, Scope | None] = {
    "POST /api/v0/oauth2/token": None,
    "GET /api/openapi.json": None,
    "POST /api/workflow/runs": Scope.RUNS_START,
    "GET /api/workflow/runs": Scope.RUNS_READ,
    "GET /api/workflow/runs/<run_id>": Scope.RUNS_READ,
    "POST /api/workflow/runs/<run_id>/stop": Scope.RUNS_CANCEL,
}
"""Which scope each route needs; None for everybody. What is not here is closed."""


def name_request(event: Mapping[str, Any]) -> Mapping[str, str]:
    """The header by which whoever reports a request names it."""
    return {"amperity-request-id": event["requestContext"]["requestId"]}


app = resolver(print_error, ACCESS, face_headers=name_request, admit=admit, limit=LIMIT)
settings = cache(AmperitySettings.from_env)


@app.post("/api/v0/oauth2/token")
def post_token() -> Response[str]:
    from stepcall.runtime.token_requests import answer_token_route  # noqa: PLC0415 - pulls in what others need not

    return answer_token_route(app)


@app.get("/api/openapi.json")
def get_openapi() -> Response[str]:
    from amperity_api.describe import answer_openapi  # noqa: PLC0415

    return answer_openapi()


@app.post("/api/workflow/runs")
def post_run() -> Response[str]:
    status = settings().start_status  # first: what it fails at has started nothing
    command = read_start(_body_fields(START_FIELDS))._replace(once=read_start_once(app))
    started = start_once(start_configured_run, command, caller(app), face_dependencies())
    if Scope.RUNS_READ not in caller(app).scopes:
        return json_response(status, print_overview(started.run), replay_headers(is_replayed=started.is_replayed))
    whole = view_started_run(started.run, face_dependencies())
    return json_response(status, print_started(whole), replay_headers(is_replayed=started.is_replayed))


@app.get("/api/workflow/runs")
def get_runs() -> Response[str]:
    asked = read_list(_raw_query())
    name = asked.name_of_list(caller(app).tenant)
    after = None if asked.next_token is None else page_tokens().read(asked.next_token, name)
    page = list_tenant_runs(caller(app), face_dependencies(), only=asked.only, limit=asked.limit, after=after)
    printed, last = print_runs(page)
    next_token = page_tokens().write(last, name) if last else None
    return json_response(200, print_page(printed, next_token, _total(asked)))


@app.get("/api/workflow/runs/<run_id>")
def get_run(run_id: str) -> Response[str]:
    if read_is_verbose(_raw_query()):
        whole = read_whole_run(read_run_id(run_id), caller(app), face_dependencies())
        return json_response(200, print_whole(whole, face_dependencies().catalog))
    return json_response(200, print_overview(find_run(read_run_id(run_id), caller(app), face_dependencies(), None).run))


@app.post("/api/workflow/runs/<run_id>/stop")
def post_stop(run_id: str) -> Response[str]:
    _body_fields([VERSION_FIELD])
    whole = stop_whole_run(read_run_id(run_id), caller(app), face_dependencies())
    if Scope.RUNS_READ not in caller(app).scopes:
        return json_response(200, print_overview(whole.run))
    return json_response(200, print_whole(whole, face_dependencies().catalog))


def _body_fields(known: Sequence[str]) -> dict[str, str]:
    """Raises InvalidRequestError, MalformedJsonError, BodyTooLargeError."""
    fields = read_body_fields(read_bytes(app), known)
    require_version(headers(app), app.current_event.query_string_parameters, fields)
    return fields


def _total(asked: ListRequest) -> int | None:
    """None where nobody has asked for it. Raises TooManyRunsError."""
    if not asked.with_total:
        return None
    seconds = patience(app, MAX_COUNT_SECONDS)
    return count_tenant_runs(caller(app), face_dependencies(), only=asked.only, seconds=seconds)


def _raw_query() -> str:
    sent: str = app.current_event.get("rawQueryString") or ""
    return sent


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    name_in_log(correlation_id=event["requestContext"]["requestId"])
    return app.resolve(without_final_slash(event), context)


gc.freeze()  # nor will it be: docs/benchmarks.md
gc.enable()
