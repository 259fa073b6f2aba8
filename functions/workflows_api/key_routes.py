"""Routes of API keys.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.ids import read_api_key_id, spell_api_key
from stepcall.runtime.http import caller, json_response, read_body, read_model
from stepcall.runtime.wiring import face_dependencies
from workflows_api.face import app
from workflows_api.requests import read_next_token


@app.post("/api-keys")
def post_api_key() -> Response[str]:
    from stepcall.use_cases.create_api_key import create_api_key  # noqa: PLC0415
    from workflows_api.key_answers import NEVER_KEPT, print_new_key  # noqa: PLC0415
    from workflows_api.key_requests import read_new_key  # noqa: PLC0415

    command = read_new_key(read_body(app), face_dependencies().now())
    key, text = create_api_key(command, caller(app), face_dependencies())
    sent = {"Location": f"/api-keys/{spell_api_key(key.key_id)}", **NEVER_KEPT}
    return json_response(201, print_new_key(key, text), sent)


@app.get("/api-keys")
def get_api_keys() -> Response[str]:
    from stepcall.use_cases.list_api_keys import list_api_keys  # noqa: PLC0415
    from workflows_api.key_answers import print_keys  # noqa: PLC0415
    from workflows_api.key_requests import KeysQuery  # noqa: PLC0415

    query = read_model(dict(app.current_event.query_string_parameters), KeysQuery)
    after = read_next_token(query.next_token, read_api_key_id)
    page = list_api_keys(caller(app), face_dependencies(), limit=query.limit, after=after)
    return json_response(200, print_keys(page))


@app.get("/api-keys/<key_id>")
def get_api_key(key_id: str) -> Response[str]:
    from stepcall.use_cases.list_api_keys import read_api_key  # noqa: PLC0415
    from workflows_api.key_answers import print_key  # noqa: PLC0415

    return json_response(200, print_key(read_api_key(read_api_key_id(key_id), caller(app), face_dependencies())))


@app.delete("/api-keys/<key_id>")
def delete_api_key_by_id(key_id: str) -> Response[str]:
    from stepcall.use_cases.delete_api_key import delete_api_key  # noqa: PLC0415

    delete_api_key(read_api_key_id(key_id), caller(app), face_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)
