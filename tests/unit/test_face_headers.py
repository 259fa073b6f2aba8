"""A face's own headers, which every answer of it has: made before the request is looked at."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.http import FaceHeaders, json_response, resolver
from stepcall.runtime.settings import SettingsError

PATHS = ("/fine", "/own", "/broken", "/nothing")


def print_error(error: Exception, _app: APIGatewayHttpResolver) -> Response[str]:
    return json_response(500, {"error": type(error).__name__})


def face(headers: FaceHeaders | None, done: list[str]) -> APIGatewayHttpResolver:
    """With a route that answers, one that has its own word for the header, and one that fails."""
    app = resolver(print_error, dict.fromkeys(["GET /fine", "GET /own", "GET /broken"]), face_headers=headers)

    @app.get("/fine")
    def get_fine() -> Response[str]:
        done.append("fine")
        return json_response(200, {})

    @app.get("/own")
    def get_own() -> Response[str]:
        return json_response(200, {}, {"Link": "its own"})

    @app.get("/broken")
    def get_broken() -> Response[str]:
        raise ZeroDivisionError

    return app


def ask(app: APIGatewayHttpResolver, path: str) -> dict[str, Any]:
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""}
    event = {"version": "2.0", "rawPath": path, "requestContext": {"http": http, "stage": "$default"}, "headers": {}}
    answer: dict[str, Any] = app.resolve(event, LambdaContext())
    return answer


def test_every_answer_has_them_refusals_and_faults_too() -> None:
    app = face(lambda event: {"Link": f"for {event['rawPath']}"}, [])
    told = {path: ask(app, path)["headers"]["Link"] for path in PATHS}
    assert told == {path: f"for {path}" for path in PATHS} | {"/own": "its own"}


def test_a_face_without_any_has_those_of_every_answer() -> None:
    headers: Mapping[str, str] = ask(face(None, []), "/fine")["headers"]
    assert headers.keys() == {"Content-Type", "X-Content-Type-Options", "Cache-Control"}


def test_what_cannot_be_said_on_the_answer_stops_the_request_before_it_does_anything() -> None:
    def fail(_: Mapping[str, Any]) -> Mapping[str, str]:
        raise SettingsError("WAVE_SUNSET is 'soon'.")

    done: list[str] = []
    with pytest.raises(SettingsError):
        ask(face(fail, done), "/fine")
    assert done == []
