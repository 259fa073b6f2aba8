"""Routes that make a workflow callable by name.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.ids import read_workflow_id
from stepcall.runtime.http import caller, headers, json_response, read_body, read_model
from stepcall.runtime.wiring import face_dependencies
from workflows_api.face import app


@app.post("/workflows/<workflow_id>/api-access")
def post_api_access(workflow_id: str) -> Response[str]:
    from stepcall.use_cases.enable_api_access import EnableApiAccess, enable_api_access  # noqa: PLC0415
    from workflows_api.api_access import NewApiAccess, origin_of, print_access  # noqa: PLC0415

    said = read_model(read_body(app, default={}), NewApiAccess)
    command = EnableApiAccess(read_workflow_id(workflow_id), said.connection, said.cache)
    access, is_new = enable_api_access(command, caller(app), face_dependencies())
    return json_response(201 if is_new else 200, print_access(access, origin_of(headers(app))))


@app.get("/workflows/<workflow_id>/api-access")
def get_api_access(workflow_id: str) -> Response[str]:
    from stepcall.use_cases.enable_api_access import read_api_access  # noqa: PLC0415
    from workflows_api.api_access import origin_of, print_access, print_no_access  # noqa: PLC0415

    access = read_api_access(read_workflow_id(workflow_id), caller(app), face_dependencies())
    return json_response(200, print_access(access, origin_of(headers(app))) if access else print_no_access())


@app.put("/workflows/<workflow_id>/api-access")
def put_api_access(workflow_id: str) -> Response[str]:
    from stepcall.use_cases.enable_api_access import update_api_access  # noqa: PLC0415
    from workflows_api.api_access import ApiAccessUpdate, origin_of, print_access  # noqa: PLC0415

    said = read_model(read_body(app, default={}), ApiAccessUpdate)
    access = update_api_access(read_workflow_id(workflow_id), caller(app), face_dependencies(), cache=said.cache)
    return json_response(200, print_access(access, origin_of(headers(app))))


@app.delete("/workflows/<workflow_id>/api-access")
def delete_api_access(workflow_id: str) -> Response[str]:
    from stepcall.use_cases.enable_api_access import disable_api_access  # noqa: PLC0415

    disable_api_access(read_workflow_id(workflow_id), caller(app), face_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)
