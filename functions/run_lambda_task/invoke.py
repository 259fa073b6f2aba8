"""Lambda.Invoke, and tasks of tenants' own types: a function gets an event, and its answer is the task's output."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from uuid import uuid5

from run_lambda_task.function_errors import error_of_function
from stepcall.domain.custom_type import CustomInput, CustomOutput
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.invokable_functions import FunctionNotInvokableError, InvokableFunctions
from stepcall.domain.json_text import MalformedJsonError, NotJsonError, read_json, write_json
from stepcall.domain.task_contract import TaskContext
from stepcall.tasks.invoke import InvokeInput, InvokeOutput

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""Of a synchronous invocation's event, and of its answer: Lambda's quota."""
MARGIN_SECONDS = 10.0
"""Kept for storing the task's output."""


class Invocation(Protocol):
    """What came of an invocation. With `has_failed`, `text` describes what the function raised."""

    @property
    def text(self) -> bytes: ...

    @property
    def has_failed(self) -> bool: ...

    @property
    def status_code(self) -> int: ...

    @property
    def executed_version(self) -> str | None: ...


class Invocations(Protocol):
    def invoke(self, arn: str, event: bytes, about: Mapping[str, Any], seconds: float) -> Invocation:
        """Raises TaskError where the function was not run, or its answer not heard."""


class Answer(NamedTuple):
    """What a function has answered."""

    value: Any
    status_code: int
    executed_version: str | None


class Invoker:
    """Invokes the functions of the list, and no other."""

    def __init__(self, functions: InvokableFunctions, invocations: Invocations) -> None:
        self._functions = functions
        self._invocations = invocations

    def invoke(self, task_input: InvokeInput, context: TaskContext) -> InvokeOutput:
        """Raises TaskError for all but an answer that is JSON."""
        answer = self.call(task_input.function, task_input.payload, context)
        return InvokeOutput(
            payload=answer.value, status_code=answer.status_code, executed_version=answer.executed_version
        )

    def do_custom(self, task_input: CustomInput, context: TaskContext) -> CustomOutput:
        """A task of a tenant's own type. Raises TaskError likewise."""
        return CustomOutput(answer=self.call(task_input.function_arn, task_input.payload, context).value)

    def call(self, function: str, payload: Any, context: TaskContext) -> Answer:
        """Raises TaskError."""
        try:
            arn = self._functions.find(function)
        except FunctionNotInvokableError as exc:
            raise PermanentTaskError(ErrorReason.ACCESS_DENIED, str(exc)) from exc
        event, seconds = _write(payload), context.remaining_seconds() - MARGIN_SECONDS
        if seconds <= 0:
            raise RetryableTaskError(ErrorReason.TIMEOUT, "The worker had no time left to invoke the function.")
        done = self._invocations.invoke(arn, event, about(context), seconds)
        if done.has_failed:
            raise error_of_function(done.text)
        return Answer(_read(done.text), done.status_code, done.executed_version)


def about(context: TaskContext) -> dict[str, Any]:
    """What the function is told besides: whose work it does, and the key by which it can do it once."""
    return {
        "run_id": str(context.run_id),
        "ref": context.ref,
        "attempt": context.attempt,
        "idempotency_key": str(uuid5(context.run_id, context.ref)),
    }


def _write(payload: Any) -> bytes:
    try:
        event = write_json(payload).encode()
    except NotJsonError as exc:
        raise PermanentTaskError(ErrorReason.INVALID, "The payload holds what JSON cannot say.") from exc
    if len(event) > MAX_PAYLOAD_BYTES:
        message = f"The payload has {len(event):,} bytes, and a function takes {MAX_PAYLOAD_BYTES:,} at most."
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)
    return event


def _read(text: bytes) -> Any:
    try:
        return read_json(text) if text else None
    except MalformedJsonError as exc:
        raise PermanentTaskError(ErrorReason.INVALID, f"The function's answer cannot be read. {exc}") from exc
