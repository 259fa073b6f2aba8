"""The status changes of executions, which moto tells nobody: Step Functions puts each on the default bus.

Source: docs.aws.amazon.com/step-functions, "Automating Step Functions event delivery with EventBridge".
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from local.moto_world.atomic_calls import STATE_MACHINES
from local.moto_world.replacing import replaced

MAX_PAYLOAD_BYTES = 248 * 1024
Detail = dict[str, Any]
Tell = Callable[[Detail], None]
"""Told the `detail` of the event, in the order of the changes of an execution, and must not wait for anything."""


@contextmanager
def status_changes_go_to(tell: Tell) -> Iterator[None]:
    communication = BaseExecutionWorkerCommunication
    with (
        replaced(Execution, "start", _telling(Execution.start, lambda execution: execution, tell)),
        replaced(Execution, "stop", _telling(Execution.stop, lambda execution: execution, tell)),
        replaced(communication, "terminated", _telling(communication.terminated, lambda its: its.execution, tell)),
    ):
        yield


def _telling(change: Callable[..., None], execution_of: Callable[[Any], Any], tell: Tell) -> Callable[..., None]:
    def change_and_tell(self: Any, *args: Any, **kwargs: Any) -> None:
        execution = execution_of(self)
        with STATE_MACHINES:  # so that an execution that is stopped as it ends ends once
            before = execution.exec_status
            change(self, *args, **kwargs)
            if execution.exec_status is not before:
                tell(describe(execution))

    return change_and_tell


def describe(execution: Any) -> Detail:
    status: ExecutionStatus = execution.exec_status
    output = to_json_str(execution.output, separators=(",", ":")) if status is ExecutionStatus.SUCCEEDED else None
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": status.value,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": None if execution.stop_date is None else _milliseconds(execution.stop_date),
        "redriveCount": 0,
        "redriveDate": None,
        **_payloads(execution.execution_input, output),
        "error": execution.error,
        "cause": execution.cause,
    }


def _payloads(given: str, output: str | None) -> Detail:
    """Input and output, as far as they find room in an event."""
    output_bytes = len((output or "").encode())
    with_output = output is not None and output_bytes <= MAX_PAYLOAD_BYTES
    with_input = len(given.encode()) + (output_bytes if with_output else 0) <= MAX_PAYLOAD_BYTES
    return {
        "input": given if with_input else None,
        "inputDetails": {"included": with_input},
        "output": output if with_output else None,
        "outputDetails": None if output is None else {"included": with_output},
    }


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
