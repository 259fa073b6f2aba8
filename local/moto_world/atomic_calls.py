"""DynamoDB and Step Functions each do one call at a time: moto reads, decides and writes without a lock.

Of 500 concurrent `ADD 1` 455 arrived without this, and a conditional put had several winners.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from moto.dynamodb.responses import DynamoHandler
from moto.stepfunctions.responses import StepFunctionResponse

from local.moto_world.replacing import replaced

STATE_MACHINES = threading.RLock()
"""Held by every call to Step Functions, and by whoever else changes its executions."""


@contextmanager
def atomic_calls() -> Iterator[None]:
    tables = threading.RLock()
    with (
        replaced(DynamoHandler, "call_action", _under(tables, DynamoHandler.call_action)),
        replaced(StepFunctionResponse, "call_action", _under(STATE_MACHINES, StepFunctionResponse.call_action)),
    ):
        yield


def _under(lock: AbstractContextManager[Any], call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call_under_lock(self: Any) -> Any:
        with lock:
            return call(self)

    return call_under_lock
