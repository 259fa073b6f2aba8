"""Functions that a deployer might have: the stack of the tests lets tasks invoke them."""

import time
from typing import Any


def echo(event: Any, _context: Any) -> Any:
    return event


def whose(_event: Any, context: Any) -> Any:
    return dict(context.client_context.custom)


def fail(event: Any, _context: Any) -> Any:
    raise LookupError(event["why"])


def grow(event: Any, _context: Any) -> Any:
    return "x" * event["bytes"]


def hold(_event: Any, _context: Any) -> Any:
    time.sleep(2)
