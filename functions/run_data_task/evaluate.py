"""The child process that evaluates JSONata: one request a line on stdin, one answer a line on stdout, both JSON.

`python -m run_data_task.evaluate SECONDS BYTES`, started as `run_data_task.evaluator` says.
Request: `{"expression", "data"}`. Answer: `{"result"}` or `{"reason", "message"}`.

The kernel holds the limits, because those of the library bind neither a regular expression nor memory: an evaluation
that takes too long ends this process by SIGALRM, one that takes too much memory by an exit.
"""

import json
import os
import resource
import signal
import sys
from functools import lru_cache
from typing import Any

from jsonata import JException, Jsonata, Utils

OUT_OF_MEMORY = 77  # exit code
MAX_DEPTH = 10_000  # Python frames: some 800 levels of a JSONata function that calls itself
KEPT_EXPRESSIONS = 32
MAX_KEPT_LENGTH = 2000  # parsed, an expression takes about 850 bytes for each character
MAX_MESSAGE_LENGTH = 500
INVALID, INVALID_QUERY, RESOURCES_EXCEEDED = "invalid", "invalidQuery", "resourcesExceeded"  # values of ErrorReason


class RefusedError(Exception):
    """The expression has no result; `reason` is a value of ErrorReason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def main(seconds: float, memory_bytes: int) -> None:
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that prints may write between the answers
    _confine(memory_bytes)
    answers.write(b"ready\n")
    answers.flush()
    for request in requests:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer = answer_line(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            answers.write(answer)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # the worker is gone, and so is who would read a traceback


def answer_line(request: bytes) -> bytes:
    """The line that answers a request line."""
    try:
        answer = f'{{"result":{evaluate(**json.loads(request))}}}'
    except RefusedError as error:
        answer = json.dumps({"reason": error.reason, "message": str(error)[:MAX_MESSAGE_LENGTH]})
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    return answer.encode() + b"\n"


def evaluate(expression: str, data: Any) -> str:
    """The result as JSON text. Raises RefusedError, or MemoryError."""
    compiled = _compile_kept(expression) if len(expression) <= MAX_KEPT_LENGTH else _compile(expression)
    # The library takes $now and what $eval sees from the expression that was made last in this thread.
    Jsonata.CURRENT.jsonata = compiled
    try:
        result = compiled.evaluate(data, {})  # given bindings, even none, `$x := 1` does not outlive the evaluation
    except Exception as exc:
        raise _refusal(exc) from exc
    return _write(result)


def _compile(expression: str) -> Jsonata:
    try:
        # one more character, because the library looks for it after a comment
        compiled = Jsonata(f"{expression} " if expression.endswith("*/") else expression)
    except JException as exc:
        raise RefusedError(INVALID_QUERY, _describe(exc)) from exc
    except RecursionError as exc:
        raise RefusedError(RESOURCES_EXCEEDED, "The expression is nested too deeply.") from exc
    except MemoryError:
        raise
    except Exception as exc:  # such as re.error of a regular expression
        raise RefusedError(INVALID_QUERY, f"The expression cannot be read: {exc}") from exc
    compiled.set_validate_input(False)  # it comes from JSON
    compiled.set_output_convert_nulls(False)  # _plain does it on the way
    return compiled


_compile_kept = lru_cache(KEPT_EXPRESSIONS)(_compile)


def _write(result: Any) -> str:
    try:
        text = json.dumps(result, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except RecursionError as exc:
        raise RefusedError(RESOURCES_EXCEEDED, "The result is nested too deeply.") from exc
    except ValueError as exc:
        raise RefusedError(INVALID, f"The result cannot be said in JSON: {exc}") from exc
    return text


def _plain(value: Any) -> None:
    """What a result may hold besides JSON: JSONata's null, and functions."""
    if value is not Utils.NULL_VALUE:
        raise RefusedError(INVALID, "The result holds a function. Call it, or leave it out.")


def _refusal(exc: Exception) -> Exception:
    """What to raise for an error of the library, which may hide the first error of a chain behind its own."""
    chain: list[BaseException] = [exc]
    while cause := chain[-1].__context__:
        chain.append(cause)
    if any(isinstance(each, MemoryError) for each in chain):
        return MemoryError()
    if any(isinstance(each, RecursionError) for each in chain):
        return RefusedError(
            RESOURCES_EXCEEDED, "The evaluation is nested too deeply. Does a function call itself without an end?"
        )
    if isinstance(exc, JException):
        return RefusedError(INVALID, _describe(exc))
    if isinstance(exc, ArithmeticError):
        return RefusedError(INVALID, "A number is out of range, or divided by zero.")
    return RefusedError(INVALID, f"The expression does not fit the data: {exc}")


def _describe(exc: JException) -> str:
    place = f" at character {exc.location}" if exc.location > 0 else ""
    return f"{exc}{place} (JSONata {exc.error})."


def _confine(memory_bytes: int) -> None:
    sys.setrecursionlimit(MAX_DEPTH)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends the process, whatever it is doing
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # JSONata opens nothing; neither shall a fault of its library
    if sys.platform == "linux":  # macOS does not hold this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
