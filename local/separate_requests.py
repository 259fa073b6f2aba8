"""Requests handled at the same time in one process, each with its own event.

On Lambda a process handles one event at a time, so Powertools' resolvers keep the current event, the context and the
middleware's notes on the class and the instance. Here threads share them: they are kept per invocation instead.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver

from local.moto_world.replacing import placed, replaced

FIELDS = ("current_event", "lambda_context", "context", "processed_stack_frames")
POWERTOOLS_RESOLVE = ApiGatewayResolver.resolve
_INVOCATION: ContextVar[dict[int, dict[str, Any]] | None] = ContextVar("invocation", default=None)


class PerInvocation:
    """A resolver's attribute with a value of its own in each invocation; outside of one, the instance's."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, resolver: Any, owner: type) -> Any:
        if resolver is None:
            return self
        try:
            return _fields(resolver)[self._name]
        except KeyError as exc:
            raise AttributeError(self._name) from exc

    def __set__(self, resolver: Any, value: Any) -> None:
        _fields(resolver)[self._name] = value


def _fields(resolver: Any) -> dict[str, Any]:
    fields: dict[str, Any] = (_INVOCATION.get() or {}).get(id(resolver), vars(resolver))
    return fields


def resolve(self: Any, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What ApiGatewayResolver.resolve does, less the notes on the class."""
    fields = {
        "current_event": self._to_proxy_event(event),
        "lambda_context": context,
        "context": dict(self.context),
        "processed_stack_frames": [],
    }
    token = _INVOCATION.set({**(_INVOCATION.get() or {}), id(self): fields})
    try:
        answer: dict[str, Any] = self._build_response(self._resolve())
        return answer
    finally:
        _INVOCATION.reset(token)


@contextmanager
def separate_requests() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(replaced(ApiGatewayResolver, "resolve", resolve))
        for name in FIELDS:
            stack.enter_context(placed(ApiGatewayResolver, name, PerInvocation(name)))
        yield
