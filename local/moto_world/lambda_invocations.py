"""Every invocation that moto would give to Docker goes to the in-process Lambda runtime instead.

`LambdaFunction._invoke_lambda` serves the Invoke API and event source mappings. Task states would reach it through a
boto3 client, signing and moto's own HTTP layer; they ask the runtime directly.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from moto.awslambda.models import LambdaFunction
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from local.moto_world.replacing import replaced


class Invocation(Protocol):
    """What came of an invocation. `payload` is JSON text; `failed` says that it describes an error."""

    @property
    def payload(self) -> str: ...

    @property
    def failed(self) -> bool: ...


class LambdaRuntime(Protocol):
    def knows(self, function: str) -> bool:
        """Whether this name or ARN is one of the stack's functions."""

    def invoke(self, function: str, payload: str, *, client_context: str | None = None) -> Invocation:
        """Run the function of this name or ARN on a JSON text, with what its caller says of itself."""


CLIENT_CONTEXT: ContextVar[str | None] = ContextVar("CLIENT_CONTEXT", default=None)
"""Of the invocation that moto is about: it reads the header, and hands only the payload on."""


@contextmanager
def invocations_go_to(runtime: LambdaRuntime) -> Iterator[None]:
    def invoke_lambda(self: Any, event: Any = None) -> tuple[str, bool, str]:
        # moto has parsed the payload, but for none at all it passes the text "{}"
        text = "{}" if event in (None, "{}") else json.dumps(event)
        done = runtime.invoke(self.function_name, text, client_context=CLIENT_CONTEXT.get())
        return done.payload, done.failed, ""

    def invoke_by_header(self: Any, body: Any, request_headers: Any, response_headers: Any) -> Any:
        token = CLIENT_CONTEXT.set(request_headers.get("X-Amz-Client-Context"))
        try:
            return invoke(self, body, request_headers, response_headers)
        finally:
            CLIENT_CONTEXT.reset(token)

    def invoke_from_task(parameters: dict[str, Any], region: str, state_credentials: Any) -> Any:
        if not runtime.knows(parameters["FunctionName"]):
            return by_client(parameters, region, state_credentials)  # for the error AWS gives
        return _response(runtime.invoke(parameters["FunctionName"], _text(parameters.get("Payload"))))

    invoke = LambdaFunction.invoke
    by_client = lambda_eval_utils._invoke_lambda_function
    with (
        replaced(LambdaFunction, "_invoke_lambda", invoke_lambda),
        replaced(LambdaFunction, "invoke", invoke_by_header),
        replaced(lambda_eval_utils, "_invoke_lambda_function", invoke_from_task),
    ):
        yield


def _text(payload: bytes | str | None) -> str:
    return payload.decode() if isinstance(payload, bytes) else payload or "{}"


def _response(done: Invocation) -> dict[str, Any]:
    """The answer of Lambda's Invoke API, as the interpreter takes it on: with the payload parsed."""
    response = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.loads(done.payload)}
    return response | ({"FunctionError": "Unhandled"} if done.failed else {})
