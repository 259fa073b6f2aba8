"""The Wave face, deprecated: workflows executed with a flat map of parameters, and their runs. Contract: wave.md."""
# ruff: noqa: E402

import gc

gc.disable()  # until all is loaded: docs/benchmarks.md

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.domain.access import Scope
from stepcall.runtime.http import caller, json_response, read_body, resolver, without_final_slash
from stepcall.runtime.idempotency import read_start_once, replay_headers
from stepcall.runtime.observability import logs_invocation, name_in_log
from stepcall.runtime.wiring import face_dependencies
from stepcall.stores.workflow_store import summary_of
from stepcall.use_cases.list_workflows import list_workflows
from stepcall.use_cases.read_run import read_run, view_new_run
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.start_once import start_once
from stepcall.use_cases.start_run import StartRun, start_run
from wave_api.answers import polling_headers, print_run, print_start, print_workflow, print_workflows
from wave_api.deprecation import SUCCESSOR, deprecation_headers, link_header, successor_of_run
from wave_api.problems import print_error
from wave_api.requests import read_after, read_asked_run, read_asked_workflow, read_parameters

MAX_LISTED = 1000

ACCESS: Mapping[str, Scope | None] = {
    "GET /wave/workflows": Scope.WORKFLOWS_READ,
    "GET /wave/workflows/<workflow_id>": Scope.WORKFLOWS_READ,
    "POST /wave/workflows/<workflow_id>/execute": Scope.RUNS_START,
    "GET /wave/runs/<run_id>": Scope.RUNS_READ,
}
"""Which scope each route needs. What is not here is closed."""

app = resolver(print_error, ACCESS, face_headers=deprecation_headers)


@app.get("/wave/workflows")
def get_workflows() -> Response[str]:
    after = read_after(app.current_event.query_string_parameters)
    page = list_workflows(caller(app), face_dependencies(), name=None, limit=MAX_LISTED, after=after)
    workflows, last = print_workflows(page, caller(app).tenant)
    next_page = f"/wave/workflows?after={last}" if last else None
    return json_response(200, workflows, link_header(SUCCESSOR, next_page))


@app.get("/wave/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    version = read_workflow(read_asked_workflow(workflow_id), caller(app), face_dependencies())
    return json_response(200, print_workflow(summary_of(version), version.tenant))


@app.post("/wave/workflows/<workflow_id>/execute")
def post_execute(workflow_id: str) -> Response[str]:
    parameters = read_parameters(read_body(app, default={}))
    command = StartRun(read_asked_workflow(workflow_id), parameters, pointer="", once=read_start_once(app))
    started = start_once(start_run, command, caller(app), face_dependencies())
    view = view_new_run(started.run, parameters, face_dependencies())
    printed = print_run(view) if Scope.RUNS_READ in caller(app).scopes else print_start(view)
    return json_response(200, printed, {**polling_headers(view), **replay_headers(is_replayed=started.is_replayed)})


@app.get("/wave/runs/<run_id>")
def get_run(run_id: str) -> Response[str]:
    view = read_run(read_asked_run(run_id), caller(app), face_dependencies())
    return json_response(200, print_run(view), {**link_header(successor_of_run(view.run)), **polling_headers(view)})


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    name_in_log(correlation_id=event["requestContext"]["requestId"])
    return app.resolve(without_final_slash(event), context)


gc.freeze()  # nor will it be: docs/benchmarks.md
gc.enable()
