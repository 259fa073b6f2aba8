"""API Gateway's HTTP API as a WSGI application: routes, CORS, limits, and the functions behind it."""

import base64
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.cors import CORS_KEY, Cors
from local.gateway_event import Request, build_event
from local.gateway_response import MalformedAnswerError, Response, message_response, read_answer
from local.lambda_runtime import ImpatientCallerError, InProcessLambda, Invocation
from local.routes import RouteTable, read_routes

MAX_BODY_BYTES = 10 * 1024 * 1024
INTEGRATION_SECONDS = 30.0
LOG = logging.getLogger(__name__)
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Gateway:
    """One HTTP API. Source of its limits: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

    def __init__(
        self,
        api_id: str,
        body: Mapping[str, Any],
        functions: InProcessLambda,
        integration_seconds: float = INTEGRATION_SECONDS,
    ) -> None:
        self._integration_seconds = integration_seconds
        self._api_id = api_id.lower()
        self._routes = RouteTable(read_routes(body))
        self._cors = Cors(body.get(CORS_KEY))
        self._functions = functions

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request_id = base64.b64encode(os.urandom(11)).decode()
        response = self._answer(environ, request_id)
        headers = [*response.headers, ("apigw-requestid", request_id), ("content-length", str(len(response.body)))]
        start_response(response.status_line, headers)
        return [response.body]

    def _answer(self, environ: Mapping[str, Any], request_id: str) -> Response:
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            return message_response(413, "Request Too Long")
        request = Request.read(environ)
        allowed = self._cors.preflight(request.method, request.headers)
        if allowed is not None:
            return Response(204, tuple(allowed), b"")
        response = self._invoke(request, request_id)
        return response.with_headers(self._cors.on_answer(response.headers, request.headers.get("origin")))

    def _invoke(self, request: Request, request_id: str) -> Response:
        match = self._routes.match(request.method, request.path)
        if match is None:
            return message_response(404, "Not Found")
        event = build_event(request, match, self._api_id, request_id, datetime.now(UTC))
        try:
            done = self._functions.invoke(match.route.function, json.dumps(event), patience=self._integration_seconds)
            return _read(done)
        except ImpatientCallerError:
            return message_response(503, "Service Unavailable")
        except MalformedAnswerError as exc:
            LOG.error("%s %s: %s", request.method, request.path, exc)  # noqa: TRY400 - its traceback says nothing
            return message_response(500, "Internal Server Error")


def _read(done: Invocation) -> Response:
    if done.failed:
        raise MalformedAnswerError(f"the function failed: {done.payload}")
    return read_answer(done.payload)
