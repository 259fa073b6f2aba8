"""Lambda.Invoke, with a Lambda that says what the test wants."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from run_lambda_task.invoke import MARGIN_SECONDS, MAX_PAYLOAD_BYTES, Invoker
from stepcall.aws.invocations import Invocation
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.task_contract import TaskContext
from stepcall.tasks.invoke import LAMBDA_INVOKE, InvokeInput, InvokeOutput

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:price"


@dataclass
class FakeLambda:
    """Answers every invocation alike, and remembers them."""

    text: bytes = b"{}"
    has_failed: bool = False
    invoked: list[tuple[str, bytes, Mapping[str, Any], float]] = field(default_factory=list)

    def invoke(self, arn: str, event: bytes, about: Mapping[str, Any], seconds: float) -> Invocation:
        self.invoked.append((arn, event, about, seconds))
        return Invocation(self.text, self.has_failed, 200, "7")


def context(attempt: int = 0, seconds: float = 300) -> TaskContext:
    return TaskContext(UUID(int=5), "acme", "quote", attempt, lambda: seconds)


def invoke(aws: FakeLambda, function: str = "price", payload: Any = None, **more: Any) -> InvokeOutput:
    asked = InvokeInput(function=function, payload=payload)
    return Invoker(InvokableFunctions([ARN]), aws).invoke(asked, context(**more))


def failure(text: bytes) -> PermanentTaskError:
    with pytest.raises(PermanentTaskError) as failed:
        invoke(FakeLambda(text, has_failed=True))
    return failed.value


@pytest.mark.parametrize("payload", [None, 7, "text", [1, "é"], {"a": {"b": None}}])
def test_a_function_gets_the_payload_and_its_answer_is_the_output(payload: Any) -> None:
    aws = FakeLambda('{"said": "ök"}'.encode())
    assert invoke(aws, payload=payload) == InvokeOutput(payload={"said": "ök"}, status_code=200, executed_version="7")
    [(arn, event, _, seconds)] = aws.invoked
    assert (arn, json.loads(event), seconds) == (ARN, payload, 300 - MARGIN_SECONDS)


def test_every_attempt_of_a_task_tells_the_function_the_same_key() -> None:
    aws = FakeLambda()
    for attempt in range(2):
        invoke(aws, attempt=attempt)
    first, second = (about for _, _, about, _ in aws.invoked)
    assert {**second, "attempt": 0} == first
    assert (first["run_id"], first["ref"], UUID(first["idempotency_key"]).version) == (str(UUID(int=5)), "quote", 5)


@pytest.mark.parametrize(("text", "value"), [(b"", None), (b"null", None), (b"[]", []), (b'"x"', "x")])
def test_an_answer_is_any_json_and_nothing_is_null(text: bytes, value: Any) -> None:
    assert invoke(FakeLambda(text)).payload == value


@pytest.mark.parametrize("text", [b"<html>", b'{"a": NaN}', b'"\\ud800"', b"\xff", b"[" * 10_000])
def test_an_answer_that_is_no_json_fails_the_task(text: bytes) -> None:
    with pytest.raises(PermanentTaskError, match="The function's answer cannot be read") as failed:
        invoke(FakeLambda(text))
    assert failed.value.reason is ErrorReason.INVALID


def test_a_payload_that_lambda_does_not_take_is_not_sent() -> None:
    aws = FakeLambda()
    invoke(aws, payload="x" * (MAX_PAYLOAD_BYTES - 2))
    with pytest.raises(PermanentTaskError, match="6,291,456 at most") as failed:
        invoke(aws, payload="x" * (MAX_PAYLOAD_BYTES - 1))
    assert failed.value.reason is ErrorReason.RESOURCES_EXCEEDED
    with pytest.raises(PermanentTaskError, match="what JSON cannot say"):
        invoke(aws, payload="\ud800")
    assert len(aws.invoked) == 1


@pytest.mark.parametrize("function", ["other", "price:live", ARN.replace("123", "999")])
def test_a_function_that_is_listed_no_more_is_not_invoked(function: str) -> None:
    aws = FakeLambda()
    with pytest.raises(PermanentTaskError, match="InvokableFunctionArns") as failed:
        invoke(aws, function=function)
    assert (failed.value.reason, aws.invoked) == (ErrorReason.ACCESS_DENIED, [])
    assert "arn:" not in failed.value.message


def test_without_time_for_an_answer_nothing_is_invoked() -> None:
    aws = FakeLambda()
    with pytest.raises(RetryableTaskError, match="no time left"):
        invoke(aws, seconds=MARGIN_SECONDS)
    assert aws.invoked == []


def test_a_function_that_raises_fails_the_task_for_good_in_its_own_words() -> None:
    told = failure(b'{"errorType": "KeyError", "errorMessage": "no\\nprice", "stackTrace": ["secret.py"]}')
    assert (told.reason, told.message) == (ErrorReason.INVALID, "The function failed. KeyError: no price")


@pytest.mark.parametrize(
    "text", [b"", b"x", b"[]", b'{"errorType": 7, "errorMessage": {}}', b"[" * 100_000, b'{"errorMessage": null}']
)
def test_whatever_a_failed_function_says_is_told_as_far_as_it_says_something(text: bytes) -> None:
    assert failure(text).message.startswith("The function failed.")


def test_half_a_surrogate_pair_in_an_error_is_shown_as_what_it_is() -> None:
    told = failure(json.dumps({"errorType": "E\ud800", "errorMessage": "\udc00" + "x" * 5000}).encode())
    assert told.message.encode()
    assert (len(told.message) < 1200, "\N{REPLACEMENT CHARACTER}" in told.message) == (True, True)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "too big"}, ErrorReason.RESOURCES_EXCEEDED),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "x"}, ErrorReason.TIMEOUT),
        ({"errorMessage": "2026-11-22 1-2 Task timed out after 3.00 seconds"}, ErrorReason.TIMEOUT),
        ({"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}, ErrorReason.INVALID),
    ],
)
def test_what_lambda_says_of_a_stopped_function_has_its_own_reason(told: Any, reason: ErrorReason) -> None:
    assert failure(json.dumps(told).encode()).reason is reason


def test_the_times_that_are_documented_are_those_that_count() -> None:
    told = (Path(__file__).parents[2] / "docs" / "workflows.md").read_text()
    assert f"An attempt has {LAMBDA_INVOKE.timeout_seconds} seconds, which `GET /task-types` says" in told
    assert f"the worker has 300 of them, and the function {300 - MARGIN_SECONDS:.0f}:" in told
