"""Lambda in this process: JSON in, JSON out, errors and time limits as Lambda's callers see them.

All functions share one process, so what they would hold apart in theirs (environment variables, module globals) they
share here. A handler that exceeds its time limit cannot be killed: its caller is told, and it goes on unheard.
"""

import base64
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from local.workers import Workers

MAX_RESPONSE_BYTES = 6_291_556
LOG = logging.getLogger(__name__)
Handler = Callable[[Any, "Context"], Any]
Run = Callable[[Handler, str, "Context"], "Invocation"]
"""Runs a handler on a JSON text: `run_handler`, or what a drill puts in its place."""


class ImpatientCallerError(Exception):
    """The caller would not wait as long as the function may take."""


@dataclass(frozen=True)
class Function:
    """What of AWS::Lambda::Function a caller or a handler can notice."""

    logical_id: str
    name: str
    arn: str
    handler: str
    timeout_seconds: float
    memory_mb: int
    variables: Mapping[str, str]
    file: Path | None = None
    """Where the handler is, of a function that is none of the template's."""


@dataclass(frozen=True)
class Invocation:
    """What came of an invocation: JSON text, and whether it describes an error."""

    payload: str
    failed: bool = False

    @classmethod
    def error(cls, kind: str, message: str, **more: Any) -> "Invocation":
        return cls(json.dumps({"errorMessage": message, "errorType": kind, **more}), failed=True)


@dataclass(frozen=True)
class ClientContext:
    """What the caller of an invocation says of itself."""

    custom: Mapping[str, Any]
    env: Mapping[str, Any]
    client: None = None

    @classmethod
    def read(cls, text: str | None) -> "ClientContext | None":
        """From the header of an invocation."""
        said = json.loads(base64.b64decode(text)) if text else None
        return None if said is None else cls(said.get("custom") or {}, said.get("env") or {})


@dataclass(frozen=True)
class Context:
    """The context object of Lambda's Python runtime, as far as it means something here."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    deadline: float
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    log_group_name: str = ""
    log_stream_name: str = "local"
    identity: None = None
    client_context: ClientContext | None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class InProcessLambda:
    """The functions of one stack."""

    def __init__(self, functions: Iterable[Function], run: Run | None = None) -> None:
        self._functions = {key: function for function in functions for key in (function.name, function.arn)}
        self._run = run or run_handler
        self._handlers: dict[str, Handler] = {}
        self._workers = Workers()

    def knows(self, function: str) -> bool:
        return function in self._functions

    def invoke(
        self, function: str, payload: str, patience: float | None = None, client_context: str | None = None
    ) -> Invocation:
        """Run the function of this name or ARN, and wait for it no longer than its time limit.

        Raises ImpatientCallerError after `patience` seconds, if the time limit is longer.
        """
        called = self._functions[function]
        try:
            handler = self._handler(called)
        except Exception as exc:  # whatever an import may raise
            LOG.exception("The handler %s cannot be imported.", called.handler)
            return Invocation.error("Runtime.ImportModuleError", f"Unable to import module '{called.handler}': {exc}")
        context = _context(called, client_context)
        return self._run_with_time_limit(handler, called, payload, patience, context)

    def wait_until_idle(self, seconds: float) -> None:
        """Give handlers that still run this long to end."""
        self._workers.wait_until_idle(seconds)

    def close(self) -> None:
        """Let the threads of handlers end, each when its handler has."""
        self._workers.close()

    def _handler(self, function: Function) -> Handler:
        if function.arn not in self._handlers:
            self._handlers[function.arn] = _load_file(function) if function.file else _load_module(function)
        return self._handlers[function.arn]

    def _run_with_time_limit(
        self, handler: Handler, function: Function, payload: str, patience: float | None, context: Context
    ) -> Invocation:
        done: list[Invocation] = []
        finished = threading.Event()

        def run() -> None:
            done.append(self._run(handler, payload, context))
            finished.set()

        self._workers.start(run)
        if finished.wait(min(function.timeout_seconds, patience or function.timeout_seconds)):
            return done[0]
        if patience is not None and patience < function.timeout_seconds:
            raise ImpatientCallerError(f"{function.name} took longer than {patience} seconds.")
        return _timed_out(function, context)


def _load_module(function: Function) -> Handler:
    module, name = function.handler.rsplit(".", 1)
    handler: Handler = getattr(import_module(module), name)
    return handler


def _load_file(function: Function) -> Handler:
    """Under a name of its own: `function.py` is what many call theirs."""
    module = ModuleType(f"own_function_{function.name}")
    SourceFileLoader(module.__name__, str(function.file)).exec_module(module)
    handler: Handler = getattr(module, function.handler)
    return handler


def run_handler(handler: Handler, payload: str, context: Context) -> Invocation:
    """Lambda's Python runtime: the event parsed, the answer serialised, what is raised described."""
    try:
        answer = handler(json.loads(payload), context)
    except SystemExit as exc:
        message = f"RequestId: {context.aws_request_id} Error: Runtime exited with error: exit status {exc.code}"
        return Invocation.error("Runtime.ExitError", message)
    except BaseException as exc:  # Lambda describes every one to its caller
        LOG.info("%s raised", context.function_name, exc_info=exc)
        return _describe(exc, context)
    return _serialise(answer)


def _serialise(answer: Any) -> Invocation:
    try:
        text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError) as exc:
        return Invocation.error("Runtime.MarshalError", f"Unable to marshal response: {exc}", stackTrace=[])
    if size > MAX_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
        return Invocation.error("Function.ResponseSizeTooLarge", message)
    return Invocation(text)


def _describe(exc: BaseException, context: Context) -> Invocation:
    frames = traceback.format_list(traceback.extract_tb(exc.__traceback__)[1:])
    return Invocation.error(type(exc).__name__, str(exc), requestId=context.aws_request_id, stackTrace=frames)


def _timed_out(function: Function, context: Context) -> Invocation:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = f"{now} {context.aws_request_id} Task timed out after {function.timeout_seconds:.2f} seconds"
    return Invocation.error("Sandbox.Timedout", message)


def _context(function: Function, client_context: str | None) -> Context:
    return Context(
        function_name=function.name,
        invoked_function_arn=function.arn,
        memory_limit_in_mb=str(function.memory_mb),
        deadline=time.monotonic() + function.timeout_seconds,
        log_group_name=f"/aws/lambda/{function.name}",
        client_context=ClientContext.read(client_context),
    )
