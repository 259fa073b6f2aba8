"""Each keeps what it gets where a test in the same process finds it, and fails when the test says so."""

from collections import defaultdict
from typing import Any

RECEIVED = defaultdict[str, list[Any]](list)
FAILING = set[str]()


class FailingError(Exception):
    """Raised on demand."""


def tick(event: Any, _context: Any) -> None:
    _receive("tick", event)


def status(event: Any, _context: Any) -> None:
    _receive("status", event)


def bus(event: Any, _context: Any) -> None:
    _receive("bus", event)


def stream(event: Any, _context: Any) -> dict[str, Any]:
    """Fails at records of the partitions that are named in FAILING, and does the others."""
    failures = []
    for record in event["Records"]:
        RECEIVED["stream"].append(record)
        if record["dynamodb"]["Keys"]["pk"]["S"] in FAILING:
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    return {"batchItemFailures": failures}


def _receive(name: str, event: Any) -> None:
    RECEIVED[name].append(event)
    if name in FAILING:
        raise FailingError("as the test says")
