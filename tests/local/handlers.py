"""Handlers for tests of the Lambda runtime, by name."""

import sys
import threading
import time
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

FINISHED = threading.Event()
TOGETHER = threading.Barrier(2)

app = APIGatewayHttpResolver()


class OwnError(Exception):
    """Raised by a handler."""


def echo(event: Any, _context: Any) -> Any:
    return event


def change_event(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    event["list"].append("changed")
    return event


def raise_own_error(_event: Any, _context: Any) -> None:
    raise OwnError("what went wrong")


def end_process(_event: Any, _context: Any) -> None:
    sys.exit(3)


def sleep(event: dict[str, float], _context: Any) -> str:
    time.sleep(event["seconds"])
    FINISHED.set()
    return "slept"


def sleep_a_while(_event: Any, _context: Any) -> None:
    time.sleep(0.3)


def answer_a_set(_event: Any, _context: Any) -> Any:
    return {1, 2}


def answer_bytes(event: int, _context: Any) -> str:
    return "é" * (event // 2)


@app.get("/words/<word>")
def get_word(word: str) -> dict[str, Any]:
    """What is asked for, read again when another request has come in since."""
    app.context["word"] = word
    TOGETHER.wait(5)
    query = app.current_event.query_string_parameters or {}
    return {
        "path": word,
        "query": query["word"],
        "context": app.context["word"],
        "id": app.lambda_context.aws_request_id,
    }


def resolve(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
