"""Routes of connections, their datasets, and uploads.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from stepcall.runtime.http import caller, json_response, read_body
from stepcall.runtime.wiring import face_dependencies
from stepcall.stores.connection_store import read_connection_name
from workflows_api.face import app


@app.post("/connections")
def post_connection() -> Response[str]:
    from stepcall.use_cases.create_connection import create_connection  # noqa: PLC0415
    from workflows_api.connection_answers import print_connection  # noqa: PLC0415
    from workflows_api.connection_requests import read_new_connection  # noqa: PLC0415

    found = create_connection(read_new_connection(read_body(app)), caller(app), face_dependencies())
    return json_response(201, print_connection(found), {"Location": f"/connections/{found.connection.name}"})


@app.get("/connections")
def get_connections() -> Response[str]:
    from stepcall.use_cases.list_connections import list_connections  # noqa: PLC0415
    from workflows_api.connection_answers import print_connections  # noqa: PLC0415

    return json_response(200, print_connections(list_connections(caller(app), face_dependencies())))


@app.get("/connections/<connection>")
def get_connection(connection: str) -> Response[str]:
    from stepcall.use_cases.list_connections import read_connection  # noqa: PLC0415
    from workflows_api.connection_answers import print_connection  # noqa: PLC0415

    found = read_connection(read_connection_name(connection), caller(app), face_dependencies())
    return json_response(200, print_connection(found))


@app.delete("/connections/<connection>")
def delete_connection_by_name(connection: str) -> Response[str]:
    from stepcall.use_cases.delete_connection import delete_connection  # noqa: PLC0415

    delete_connection(read_connection_name(connection), caller(app), face_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)


@app.put("/connections/<connection>/datasets/<dataset>")
def put_dataset_by_name(connection: str, dataset: str) -> Response[str]:
    from stepcall.use_cases.put_dataset import put_dataset  # noqa: PLC0415
    from workflows_api.connection_answers import print_dataset  # noqa: PLC0415
    from workflows_api.connection_requests import read_put_dataset  # noqa: PLC0415

    stored = put_dataset(read_put_dataset(app, connection, dataset), caller(app), face_dependencies())
    return json_response(201 if stored.is_new else 200, print_dataset(stored.dataset))


@app.delete("/connections/<connection>/datasets/<dataset>")
def delete_dataset_by_name(connection: str, dataset: str) -> Response[str]:
    from stepcall.use_cases.delete_dataset import delete_dataset  # noqa: PLC0415
    from workflows_api.connection_requests import read_dataset_name  # noqa: PLC0415

    of_connection = read_connection_name(connection)
    delete_dataset(of_connection, read_dataset_name(dataset), caller(app), face_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)


@app.post("/uploads")
def post_upload() -> Response[str]:
    from stepcall.use_cases.open_upload import open_upload  # noqa: PLC0415
    from workflows_api.connection_answers import print_upload  # noqa: PLC0415

    return json_response(201, print_upload(open_upload(caller(app), face_dependencies())))
