"""The native face: define, change, execute, follow and cancel workflows. Contract: the Data Flow Platform's API."""
# ruff: noqa: E402

import gc

gc.disable()  # until all is loaded: none of it is garbage, and looking for some takes a fourteenth of a cold start

from functools import partial
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.domain.access import Scope
from stepcall.domain.generation import DOCUMENT_WORDS, Generation
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_workflow
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.http import caller, headers, json_response, patience, read_body, read_model
from stepcall.runtime.idempotency import read_start_once, replay_headers
from stepcall.runtime.observability import logs_invocation, name_in_log
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.read_run import list_runs, read_run, wait_for_end
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.start_once import start_once
from stepcall.use_cases.start_run import StartRun, start_run
from workflows_api import (  # noqa: F401 - they add theirs to `app`
    access_routes,
    connection_routes,
    delivery_routes,
    execution_routes,
    key_routes,
    task_type_routes,
    trigger_routes,
    webhook_routes,
)
from workflows_api.answers import (
    locate_execution,
    print_execution,
    print_job,
    print_page,
    print_run_secret,
    print_started,
    print_stored,
    print_tag,
    print_versions,
    print_workflow,
    print_workflows,
)
from workflows_api.face import ACCESS, app
from workflows_api.requests import (
    ListQuery,
    VersionQuery,
    WorkflowsQuery,
    generation_asked,
    read_definition,
    read_execute_request,
    read_if_match,
    read_next_token,
    read_provider_key,
    read_version_number,
    read_wait,
)

__all__ = ["ACCESS", "app", "lambda_handler"]


@app.get("/health")
def get_health() -> Response[str]:
    return json_response(200, {"status": "ok"})


# What is seldom asked for is imported when it is, as what describes the API: a cold start has no time for it.


@app.get("/openapi.json")
def get_openapi() -> Response[str]:
    from workflows_api.describe.api import answer_openapi  # noqa: PLC0415

    return answer_openapi()


@app.get("/docs")
def get_docs() -> Response[str]:
    from workflows_api.describe.page import answer_page  # noqa: PLC0415

    return answer_page()


@app.get("/docs/<file_name>", compress=True)
def get_docs_file(file_name: str) -> Response[str]:
    from workflows_api.describe.page import answer_file  # noqa: PLC0415

    return answer_file(file_name)


@app.post("/oauth/token")
def post_token() -> Response[str]:
    from stepcall.runtime.token_requests import answer_token_route  # noqa: PLC0415

    return answer_token_route(app)


@app.post("/workflows/validate")
def post_validate() -> Response[str]:
    from stepcall.use_cases.validate_workflow import validate_workflow  # noqa: PLC0415
    from workflows_api.views import print_validation  # noqa: PLC0415

    validation = validate_workflow(read_definition(read_body(app)), caller(app), face_dependencies())
    return json_response(200, print_validation(validation))


@app.get("/workflows/<workflow_id>/definition")
def get_definition(workflow_id: str) -> Response[str]:
    from workflows_api.views import MachineQuery, answer_machine  # noqa: PLC0415

    query = read_model(dict(app.current_event.query_string_parameters), MachineQuery)
    version = read_workflow(read_workflow_id(workflow_id), caller(app), face_dependencies(), number=query.version)
    return answer_machine(face_dependencies().compile(version, query.run_mode))


@app.get("/workflows/<workflow_id>/graph")
def get_graph(workflow_id: str) -> Response[str]:
    from workflows_api.views import GraphQuery, answer_graph  # noqa: PLC0415

    query = read_model(dict(app.current_event.query_string_parameters), GraphQuery)
    version = read_workflow(read_workflow_id(workflow_id), caller(app), face_dependencies(), number=query.version)
    return answer_graph(version, query, headers(app))


@app.get("/workflows/<workflow_id>/openapi.json")
def get_workflow_openapi(workflow_id: str) -> Response[str]:
    from workflows_api.describe.one_workflow import describe_workflow  # noqa: PLC0415

    version = _version_asked_for(workflow_id)
    return json_response(200, describe_workflow(version))


@app.post("/workflows")
def post_workflow() -> Response[str]:
    from stepcall.use_cases.define_workflow import define_workflow  # noqa: PLC0415

    version, warnings = define_workflow(read_definition(read_body(app)), caller(app), face_dependencies())
    location = f"/workflows/{spell_workflow(version.workflow_id)}"
    return json_response(201, print_stored(version, warnings), {"Location": location, **print_tag(version)})


@app.get("/workflows")
def get_workflows() -> Response[str]:
    from stepcall.use_cases.list_workflows import list_workflows  # noqa: PLC0415

    query = read_model(dict(app.current_event.query_string_parameters), WorkflowsQuery)
    after = read_next_token(query.next_token, read_workflow_id)
    page = list_workflows(caller(app), face_dependencies(), name=query.name, limit=query.limit, after=after)
    return json_response(200, print_workflows(page))


@app.get("/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    version = _version_asked_for(workflow_id)
    return json_response(200, print_workflow(version), print_tag(version))


@app.put("/workflows/<workflow_id>")
def put_workflow(workflow_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.read_trigger import warn_of_triggers  # noqa: PLC0415
    from stepcall.use_cases.update_workflow import update_workflow  # noqa: PLC0415

    version, warnings = update_workflow(
        read_workflow_id(workflow_id),
        read_definition(read_body(app)),
        caller(app),
        face_dependencies(),
        expected=read_if_match(headers(app)),
    )
    told = [*warnings, *warn_of_triggers(version, trigger_dependencies())]
    return json_response(200, print_stored(version, told), print_tag(version))


@app.delete("/workflows/<workflow_id>")
def delete_workflow_by_id(workflow_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.delete_trigger import end_triggers  # noqa: PLC0415
    from stepcall.use_cases.delete_workflow import delete_workflow  # noqa: PLC0415

    delete_workflow(
        read_workflow_id(workflow_id),
        caller(app),
        face_dependencies(),
        end_triggers=partial(end_triggers, deps=trigger_dependencies()),
        expected=read_if_match(headers(app)),
    )
    return Response(HTTPStatus.NO_CONTENT.value)


@app.get("/workflows/<workflow_id>/versions")
def get_versions(workflow_id: str) -> Response[str]:
    from stepcall.use_cases.list_workflows import list_versions  # noqa: PLC0415

    query = read_model(dict(app.current_event.query_string_parameters), WorkflowsQuery)
    after = read_next_token(query.next_token, read_version_number)
    page = list_versions(
        read_workflow_id(workflow_id), caller(app), face_dependencies(), limit=query.limit, after=after
    )
    return json_response(200, print_versions(page))


@app.post("/workflows/<workflow_id>/execute")
def post_execute(workflow_id: str) -> Response[str]:
    return _execute(workflow_id, Generation.FIRST)


@app.post("/workflows/<workflow_id>/executions")
def post_execution(workflow_id: str) -> Response[str]:
    return _execute(workflow_id, Generation.LATER)


def _execute(workflow_id: str, generation: Generation) -> Response[str]:
    request = read_execute_request(read_body(app, default={}), generation)
    pointer, key = f"/{DOCUMENT_WORDS[generation]['input']}", read_provider_key(headers(app))
    command = StartRun(
        workflow_id=read_workflow_id(workflow_id),
        parameters=request.input,
        pointer=pointer,
        provider_key=key,
        once=read_start_once(app),
        webhook_url=request.webhook_url,
    )
    started = start_once(start_run, command, caller(app), face_dependencies())
    run = started.run
    sent = {"Location": locate_execution(run, generation), **replay_headers(is_replayed=started.is_replayed)}
    secret = print_run_secret(run)
    may_read = Scope.RUNS_READ in caller(app).scopes  # who may only start is told of the start
    if not may_read or not (seconds := read_wait(headers(app))):
        return json_response(202, print_started(run, generation) | secret, sent)
    sent["Preference-Applied"] = f"wait={seconds}"
    view = wait_for_end(run.run_id, caller(app), face_dependencies(), seconds=patience(app, seconds))
    if view.run.status.has_ended:
        return json_response(200, print_execution(view, generation, caller(app)) | secret, sent)
    return json_response(202, print_started(view.run, generation) | secret, sent)


@app.get("/workflows/<workflow_id>/executions")
def get_executions(workflow_id: str) -> Response[str]:
    query = read_model(dict(app.current_event.query_string_parameters), ListQuery)
    page = list_runs(
        read_workflow_id(workflow_id),
        caller(app),
        face_dependencies(),
        status=query.status,
        limit=query.limit,
        after=read_next_token(query.next_token, read_run_id),
    )
    return json_response(200, print_page(page))


@app.get("/workflows/<workflow_id>/executions/<execution_id>")
def get_execution(workflow_id: str, execution_id: str) -> Response[str]:
    view = read_run(
        read_run_id(execution_id), caller(app), face_dependencies(), workflow_id=read_workflow_id(workflow_id)
    )
    return json_response(200, print_execution(view, generation_asked(execution_id), caller(app)))


@app.get("/jobs/<external_id>")
def get_job(external_id: str) -> Response[str]:
    return json_response(200, print_job(read_run(read_run_id(external_id), caller(app), face_dependencies())))


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    # not by `correlation_id_path`: a search by JMESPath for one key takes a tenth of the time of a request
    name_in_log(correlation_id=event["requestContext"]["requestId"])
    return app.resolve(event, context)


def _version_asked_for(workflow_id: str) -> WorkflowVersion:
    query = read_model(dict(app.current_event.query_string_parameters), VersionQuery)
    return read_workflow(read_workflow_id(workflow_id), caller(app), face_dependencies(), number=query.version)


gc.freeze()  # nor will it be: docs/benchmarks.md
gc.enable()
