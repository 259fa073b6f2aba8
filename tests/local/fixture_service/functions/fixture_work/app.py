"""A worker of state machines: does what its event's `do` says."""

import sys
import threading
import time
from typing import Any

RELEASED = threading.Event()


class NotTodayError(Exception):
    """Raised on demand."""


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    match event.get("do"):
        case "raise":
            raise NotTodayError("not today")
        case "raise at first" if event["attempt"] < 1:
            raise NotTodayError("not yet")
        case "die":
            sys.exit(3)
        case "hang":
            RELEASED.wait(1.6)
        case "sleep":
            time.sleep(event["seconds"])
        case "answer too much":
            return {"text": "x" * 7_000_000}
    return event
