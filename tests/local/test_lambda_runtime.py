"""The Lambda runtime: what callers and handlers see of it."""

import json
import time
from io import BytesIO
from typing import Any

import pytest

from local.gateway import Gateway
from local.lambda_runtime import MAX_RESPONSE_BYTES, Function, ImpatientCallerError, InProcessLambda, Invocation
from tests.local import handlers

ARN = "arn:aws:lambda:us-east-1:123456789012:function:{}"


def function(handler: str, timeout: float = 5) -> Function:
    return Function("Logical", handler, ARN.format(handler), f"tests.local.handlers.{handler}", timeout, 128, {})


def invoke(handler: str, event: Any = None, timeout: float = 5) -> Invocation:
    return InProcessLambda([function(handler, timeout)]).invoke(handler, json.dumps(event))


def error_of(done: Invocation) -> dict[str, Any]:
    assert done.failed
    error: dict[str, Any] = json.loads(done.payload)
    return error


def test_an_event_goes_in_and_an_answer_comes_out_as_json() -> None:
    assert invoke("echo", {"né": [1, None]}) == Invocation('{"né":[1,null]}')


def test_a_function_is_known_by_its_name_and_its_arn() -> None:
    functions = InProcessLambda([function("echo")])
    assert functions.knows("echo")
    assert functions.invoke(ARN.format("echo"), "1").payload == "1"
    assert not functions.knows("other")


def test_a_handler_that_changes_its_event_changes_nobody_elses() -> None:
    event = {"list": ["as sent"]}
    assert json.loads(invoke("change_event", event).payload)["list"] == ["as sent", "changed"]
    assert event == {"list": ["as sent"]}


def test_what_is_raised_is_told_by_its_class_name() -> None:
    error = error_of(invoke("raise_own_error"))
    assert (error["errorType"], error["errorMessage"]) == ("OwnError", "what went wrong")
    assert "raise_own_error" in error["stackTrace"][0]
    assert "lambda_runtime" not in error["stackTrace"][0], "the handler's frames only"


def test_a_handler_that_ends_the_process_has_died() -> None:
    error = error_of(invoke("end_process"))
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("exit status 3")


def test_a_handler_over_its_time_limit_is_given_up_and_goes_on_unheard() -> None:
    handlers.FINISHED.clear()
    error = error_of(invoke("sleep", {"seconds": 0.7}, timeout=0.1))
    assert not handlers.FINISHED.is_set()
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 0.10 seconds")
    assert handlers.FINISHED.wait(2)


def test_an_answer_that_is_not_json_is_an_error() -> None:
    assert error_of(invoke("answer_a_set"))["errorType"] == "Runtime.MarshalError"


def test_an_answer_may_be_as_long_as_lambdas() -> None:
    assert not invoke("answer_bytes", MAX_RESPONSE_BYTES - 2).failed
    assert error_of(invoke("answer_bytes", MAX_RESPONSE_BYTES))["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_handler_that_cannot_be_imported_fails_every_invocation_and_no_other_function() -> None:
    functions = InProcessLambda([function("missing"), function("echo")])
    for _ in range(2):
        assert error_of(functions.invoke("missing", "1"))["errorType"] == "Runtime.ImportModuleError"
    assert functions.invoke("echo", "1").payload == "1"


def test_a_caller_may_have_less_patience_than_the_function_has_time() -> None:
    functions = InProcessLambda([function("sleep")])
    with pytest.raises(ImpatientCallerError):
        functions.invoke("sleep", '{"seconds": 0.2}', patience=0.05)
    functions.wait_until_idle(2)


@pytest.mark.parametrize(
    ("functions_seconds", "gateways_seconds", "status", "message"),
    [
        (5, 0.1, "503 Service Unavailable", "Service Unavailable"),
        (0.1, 5, "500 Internal Server Error", "Internal Server Error"),
    ],
)
def test_a_function_that_takes_too_long_is_given_up_by_the_gateway_or_by_lambda(
    functions_seconds: float, gateways_seconds: float, status: str, message: str
) -> None:
    slow = function("sleep_a_while", functions_seconds)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{slow.arn}/invocations"
    body = {
        "paths": {"/$default": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"uri": uri}}}}
    }
    functions, said = InProcessLambda([slow]), list[str]()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": BytesIO()}
    gateway = Gateway("api", body, functions, integration_seconds=gateways_seconds)
    answer = b"".join(gateway(environ, lambda line, _headers: said.append(line)))
    assert (said, json.loads(answer)) == ([status], {"message": message})
    functions.wait_until_idle(2)


def test_waiting_for_idle_waits_no_longer_than_it_may() -> None:
    functions = InProcessLambda([function("sleep", timeout=1)])
    with pytest.raises(ImpatientCallerError):
        functions.invoke("sleep", '{"seconds": 0.4}', patience=0.01)
    began = time.monotonic()
    functions.wait_until_idle(0.05)
    assert time.monotonic() - began < 0.3
    functions.wait_until_idle(5)
    assert 0.35 < time.monotonic() - began < 2
