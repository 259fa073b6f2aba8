"""What AWS's client answers and raises, as the worker of functions takes it."""

import base64
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from run_lambda_task.app import implementations
from stepcall.aws.invocations import Invocation, LambdaInvocations
from stepcall.domain.custom_type import CUSTOM
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import Worker
from stepcall.runtime.invocation_wiring import open_client
from stepcall.tasks.catalog import CATALOG

ARN = "arn:aws:lambda:eu-west-3:123456789012:function:price:live"


class FakeClient:
    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self._answer = answer
        self.sent: dict[str, Any] = {}

    def invoke(self, **sent: Any) -> dict[str, Any]:
        self.sent = sent
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def refused(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"{ARN} is secret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Invoke")


def error_of(raised: Exception) -> TaskError:
    client: Any = FakeClient(raised)
    with pytest.raises(TaskError) as error:
        LambdaInvocations(lambda _region, _seconds: client).invoke(ARN, b"{}", {}, 7)
    assert "arn:" not in error.value.message
    return error.value


@pytest.mark.parametrize("failed", [False, True])
def test_a_function_is_invoked_in_its_own_region_with_what_it_is_told_besides(failed: bool) -> None:
    answer = {"Payload": io.BytesIO(b"[1]"), "StatusCode": 200} | ({"FunctionError": "Unhandled"} if failed else {})
    client: Any = FakeClient(answer | {"ExecutedVersion": "3"})
    opened: list[tuple[str, float]] = []

    def open_fake(region: str, seconds: float) -> Any:
        opened.append((region, seconds))
        return client

    invocations = LambdaInvocations(open_fake)
    assert invocations.invoke(ARN, b"{}", {"ref": "é"}, 7) == Invocation(b"[1]", failed, 200, "3")
    assert (opened, client.sent["FunctionName"], client.sent["Payload"]) == ([("eu-west-3", 7)], ARN, b"{}")
    assert json.loads(base64.b64decode(client.sent["ClientContext"])) == {"custom": {"ref": "é"}}


@pytest.mark.parametrize(
    ("code", "status", "kind", "reason"),
    [
        ("TooManyRequestsException", 429, RetryableTaskError, ErrorReason.RATE_LIMIT_EXCEEDED),
        ("ServiceException", 500, RetryableTaskError, ErrorReason.BACKEND_ERROR),
        ("EC2ThrottledException", 502, RetryableTaskError, ErrorReason.BACKEND_ERROR),
        ("ResourceConflictException", 409, RetryableTaskError, ErrorReason.BACKEND_ERROR),
        ("SnapStartNotReadyException", 409, RetryableTaskError, ErrorReason.BACKEND_ERROR),
        ("BrandNewException", 503, RetryableTaskError, ErrorReason.BACKEND_ERROR),
        ("ResourceNotFoundException", 404, PermanentTaskError, ErrorReason.NOT_FOUND),
        ("AccessDeniedException", 403, PermanentTaskError, ErrorReason.ACCESS_DENIED),
        ("RequestTooLargeException", 413, PermanentTaskError, ErrorReason.RESOURCES_EXCEEDED),
        ("KMSDisabledException", 502, PermanentTaskError, ErrorReason.BACKEND_ERROR),
        ("InvalidRuntimeException", 502, PermanentTaskError, ErrorReason.BACKEND_ERROR),
        ("BrandNewException", 400, PermanentTaskError, ErrorReason.BACKEND_ERROR),
    ],
)
def test_what_lambda_refuses_may_pass_or_not(
    code: str, status: int, kind: type[TaskError], reason: ErrorReason
) -> None:
    error = error_of(refused(code, status))
    assert (type(error), error.reason) == (kind, reason)


def test_an_answer_that_is_not_heard_is_a_timeout_and_a_lost_connection_none() -> None:
    assert error_of(ReadTimeoutError(endpoint_url="x")).reason is ErrorReason.TIMEOUT
    for lost in (ConnectTimeoutError(endpoint_url="x"), EndpointConnectionError(endpoint_url="x")):
        error = error_of(lost)
        assert (error.retryable, error.reason) == (True, ErrorReason.BACKEND_ERROR)


def test_a_client_asks_once_in_the_functions_region_and_waits_as_long_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config: Any = open_client("eu-west-3", 123.5).meta.config
    assert (config.region_name, config.read_timeout, config.retries["total_max_attempts"]) == ("eu-west-3", 123.5, 1)


def test_the_worker_does_every_task_that_the_catalog_gives_it_and_no_other() -> None:
    built_in = {name for name, contract in CATALOG.items() if contract.worker is Worker.LAMBDA}
    assert set(implementations()) == {*built_in, CUSTOM}
