"""The native face: define, execute, follow and cancel workflows. Contract: the Data Flow Platform's API."""
# ruff: noqa: E402

import gc

gc.disable()  # until all is loaded: none of it is garbage, and looking for some takes a fourteenth of a cold start

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.domain.ids import read_run_id, read_workflow_id, spell_execution, spell_workflow
from stepcall.domain.run import RunSummary
from stepcall.runtime.http import caller, headers, json_response, read_body, read_model, resolver
from stepcall.runtime.observability import logger
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.define_workflow import define_workflow
from stepcall.use_cases.read_run import list_runs, read_run, wait_for_end
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.start_run import StartRun, start_run
from workflows_api.answers import (
    print_created,
    print_execution,
    print_job,
    print_page,
    print_started,
    print_workflow,
)
from workflows_api.problems import print_error
from workflows_api.requests import ExecuteRequest, ListQuery, VersionQuery, read_next_token, read_wait

SECONDS_TO_ANSWER = 3

app = resolver(print_error, public=frozenset({"GET /health"}))


@app.get("/health")
def get_health() -> Response[str]:
    return json_response(200, {"status": "ok"})


@app.post("/workflows")
def post_workflow() -> Response[str]:
    version = define_workflow(read_body(app), caller(app), face_dependencies())
    return json_response(201, print_created(version), {"Location": f"/workflows/{spell_workflow(version.workflow_id)}"})


@app.get("/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    query = read_model(dict(app.current_event.query_string_parameters), VersionQuery)
    version = read_workflow(read_workflow_id(workflow_id), caller(app), face_dependencies(), number=query.version)
    return json_response(200, print_workflow(version))


@app.post("/workflows/<workflow_id>/execute")
def post_execute(workflow_id: str) -> Response[str]:
    request = read_model(read_body(app, default={}), ExecuteRequest)
    run = start_run(StartRun(read_workflow_id(workflow_id), request.input), caller(app), face_dependencies())
    sent = {"Location": _location(run)}
    if not (seconds := read_wait(headers(app))):
        return json_response(202, print_started(run), sent)
    sent["Preference-Applied"] = f"wait={seconds}"
    view = wait_for_end(run.run_id, caller(app), face_dependencies(), seconds=_patience(seconds))
    if view.run.status.has_ended:
        return json_response(200, print_execution(view), sent)
    return json_response(202, print_started(view.run), sent)


@app.get("/workflows/<workflow_id>/executions")
def get_executions(workflow_id: str) -> Response[str]:
    query = read_model(dict(app.current_event.query_string_parameters), ListQuery)
    page = list_runs(
        read_workflow_id(workflow_id),
        caller(app),
        face_dependencies(),
        status=query.status,
        limit=query.limit,
        after=read_next_token(query.next_token),
    )
    return json_response(200, print_page(page))


@app.get("/workflows/<workflow_id>/executions/<execution_id>")
def get_execution(workflow_id: str, execution_id: str) -> Response[str]:
    view = read_run(
        read_run_id(execution_id), caller(app), face_dependencies(), workflow_id=read_workflow_id(workflow_id)
    )
    return json_response(200, print_execution(view))


@app.post("/workflows/<workflow_id>/executions/<execution_id>/cancel")
def post_cancel(workflow_id: str, execution_id: str) -> Response[str]:
    view = cancel_run(
        read_run_id(execution_id), caller(app), face_dependencies(), workflow_id=read_workflow_id(workflow_id)
    )
    return json_response(202, print_execution(view))


@app.get("/jobs/<external_id>")
def get_job(external_id: str) -> Response[str]:
    return json_response(200, print_job(read_run(read_run_id(external_id), caller(app), face_dependencies())))


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    # not by `correlation_id_path`: a search by JMESPath for one key takes a tenth of the time of a request
    logger.set_correlation_id(event["requestContext"]["requestId"])
    return app.resolve(event, context)


def _location(run: RunSummary) -> str:
    return f"/workflows/{spell_workflow(run.workflow_id)}/executions/{spell_execution(run.run_id)}"


def _patience(seconds: int) -> float:
    """How long to wait at most: a start that took long leaves less of the time that the gateway gives."""
    left: float = app.lambda_context.get_remaining_time_in_millis() / 1000
    return min(seconds, left - SECONDS_TO_ANSWER)


gc.freeze()  # nor will it be: docs/benchmarks.md
gc.enable()
