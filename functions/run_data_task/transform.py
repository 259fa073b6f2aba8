"""Data.Transform."""

import signal
from typing import Any

from run_data_task.evaluator import Limits
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.json_text import MalformedJsonError, NotJsonError, read_json, write_json
from stepcall.domain.task_contract import TaskContext
from stepcall.runtime.kept_processes import ProcessEndedError, ProcessesBusyError, ProcessPool
from stepcall.tasks.data import TransformInput, TransformOutput


class Transformer:
    def __init__(self, evaluators: ProcessPool, limits: Limits) -> None:
        self._evaluators = evaluators
        self._limits = limits

    def transform(self, task_input: TransformInput, context: TaskContext) -> TransformOutput:
        """Numbers that pass through stay as they came, integers exact; computed ones are doubles, as in JSONata."""
        try:
            request = write_json({"expression": task_input.expression, "data": task_input.data})
        except NotJsonError as exc:
            raise PermanentTaskError(ErrorReason.INVALID, f"The data cannot be evaluated. {exc}") from exc
        answer = _read_answer(self._ask(request.encode(), context))
        if "reason" in answer:
            raise PermanentTaskError(ErrorReason(answer["reason"]), answer["message"])
        return TransformOutput(result=answer["result"])

    def _ask(self, request: bytes, context: TaskContext) -> bytes:
        try:
            with self._evaluators.process(context.remaining_seconds()) as evaluator:
                return evaluator.ask(request)
        except ProcessesBusyError as exc:
            message = "Too many expressions are being evaluated at once."
            raise RetryableTaskError(ErrorReason.TIMEOUT, message) from exc
        except ProcessEndedError as exc:
            raise _over_limits(exc.exit_code, self._limits) from exc


def _over_limits(exit_code: int, limits: Limits) -> PermanentTaskError:
    if exit_code == -signal.SIGALRM:
        message = f"The expression takes more than the {limits.seconds:g} seconds it may take."
        return PermanentTaskError(ErrorReason.TIMEOUT, message)
    message = f"The expression takes more than the {limits.memory_bytes >> 20} MB of memory it may take."
    return PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)


def _read_answer(line: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = read_json(line)
    except MalformedJsonError as exc:
        # written by json.dumps: only its depth can be wrong
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, "The result is nested too deeply.") from exc
    return answer
