"""Routes of task types: those that every tenant has, and the tenant's own.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from stepcall.runtime.http import caller, json_response, read_body
from stepcall.runtime.wiring import face_dependencies
from workflows_api.face import app


@app.get("/task-types")
def get_task_types() -> Response[str]:
    from stepcall.use_cases.task_types import catalog_for  # noqa: PLC0415
    from workflows_api.task_type_answers import print_task_types  # noqa: PLC0415

    deps = face_dependencies()
    return json_response(200, print_task_types(catalog_for(caller(app), deps), deps.functions))


@app.get("/task-types/<name>")
def get_task_type(name: str) -> Response[str]:
    from stepcall.use_cases.task_types import read_task_type  # noqa: PLC0415
    from workflows_api.task_type_answers import print_task_type  # noqa: PLC0415

    deps = face_dependencies()
    return json_response(200, print_task_type(read_task_type(name, caller(app), deps), deps.functions))


@app.put("/task-types/<name>")
def put_task_type_by_name(name: str) -> Response[str]:
    from stepcall.domain.custom_type import CustomContract  # noqa: PLC0415
    from stepcall.use_cases.task_types import put_task_type  # noqa: PLC0415
    from workflows_api.task_type_answers import print_task_type  # noqa: PLC0415
    from workflows_api.task_type_requests import read_put_task_type  # noqa: PLC0415

    command, deps = read_put_task_type(name, read_body(app)), face_dependencies()
    made, is_new = put_task_type(command, caller(app), deps)
    return json_response(201 if is_new else 200, print_task_type(CustomContract.of(made), deps.functions))


@app.delete("/task-types/<name>")
def delete_task_type_by_name(name: str) -> Response[str]:
    from stepcall.use_cases.task_types import delete_task_type  # noqa: PLC0415

    delete_task_type(name, caller(app), face_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)
