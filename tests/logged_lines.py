"""The log as CloudWatch gets it: each line of it as the object that it is."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stepcall.runtime.observability import logger


@contextmanager
def logged_lines() -> Iterator[list[dict[str, Any]]]:
    """Lines of the service at INFO and above, as its own formatter writes them in the thread that logs."""
    lines: list[dict[str, Any]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(logger.registered_formatter.format(record)))

    own = logging.getLogger("stepcall")
    before, listener = own.level, Listener()
    own.addHandler(listener)
    own.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        own.removeHandler(listener)
        own.setLevel(before)
