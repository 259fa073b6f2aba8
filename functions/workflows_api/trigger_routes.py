"""Routes of triggers: what starts a workflow without a caller.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.ids import read_trigger_id, read_workflow_id
from stepcall.runtime.http import caller, json_response, read_body
from workflows_api.face import app


@app.post("/workflows/<workflow_id>/triggers")
def post_trigger(workflow_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.create_trigger import create_trigger  # noqa: PLC0415
    from workflows_api.trigger_answers import location_of, print_trigger  # noqa: PLC0415
    from workflows_api.trigger_requests import read_new_trigger  # noqa: PLC0415

    deps, said = trigger_dependencies(), read_new_trigger(read_body(app))
    view = create_trigger(read_workflow_id(workflow_id), said, caller(app), deps)
    return json_response(201, print_trigger(view, deps.now()), {"Location": location_of(view.trigger)})


@app.get("/workflows/<workflow_id>/triggers")
def get_triggers(workflow_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.read_trigger import list_triggers  # noqa: PLC0415
    from workflows_api.trigger_answers import print_triggers  # noqa: PLC0415

    deps = trigger_dependencies()
    found = list_triggers(read_workflow_id(workflow_id), caller(app), deps)
    return json_response(200, print_triggers(found, deps.now()))


@app.get("/workflows/<workflow_id>/triggers/<trigger_id>")
def get_trigger(workflow_id: str, trigger_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.read_trigger import read_trigger  # noqa: PLC0415
    from workflows_api.trigger_answers import print_trigger  # noqa: PLC0415

    deps = trigger_dependencies()
    found = read_trigger(read_workflow_id(workflow_id), read_trigger_id(trigger_id), caller(app), deps)
    return json_response(200, print_trigger(found, deps.now()))


@app.patch("/workflows/<workflow_id>/triggers/<trigger_id>")
def patch_trigger(workflow_id: str, trigger_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.update_trigger import update_trigger  # noqa: PLC0415
    from workflows_api.trigger_answers import print_trigger  # noqa: PLC0415
    from workflows_api.trigger_requests import read_trigger_update  # noqa: PLC0415

    deps = trigger_dependencies()
    command = read_trigger_update(read_workflow_id(workflow_id), read_trigger_id(trigger_id), read_body(app))
    return json_response(200, print_trigger(update_trigger(command, caller(app), deps), deps.now()))


@app.delete("/workflows/<workflow_id>/triggers/<trigger_id>")
def delete_trigger_by_id(workflow_id: str, trigger_id: str) -> Response[str]:
    from stepcall.runtime.trigger_wiring import trigger_dependencies  # noqa: PLC0415
    from stepcall.use_cases.delete_trigger import delete_trigger  # noqa: PLC0415

    delete_trigger(read_workflow_id(workflow_id), read_trigger_id(trigger_id), caller(app), trigger_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)
