"""The port to Step Functions."""

from enum import StrEnum
from typing import Any, Protocol

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.errors import StepcallError


class EngineUnavailableError(StepcallError):
    """Step Functions did not take the call now, for no fault of the caller's."""


class ExecutionStatus(StrEnum):
    """Step Functions' own words, and one for an execution that it does not know, or no longer."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    MISSING = "MISSING"


class StateMachines(Protocol):
    """Executions are named by `Run.execution_name`."""

    def start(self, name: str, compiled: CompiledWorkflow, execution_input: dict[str, Any]) -> None:
        """Start an execution of that name, creating the machine if need be; started already is fine.

        Raises EngineUnavailableError.
        """

    def stop(self, name: str, content_hash: str, cause: str) -> None:
        """Stop the execution of that name; one that has ended or never was is fine. Raises EngineUnavailableError."""

    def describe(self, name: str, content_hash: str) -> ExecutionStatus:
        """How the execution of that name is; what was just started may be missing. Raises EngineUnavailableError.

        AWS takes 15 such calls a second from a whole account: no request of a user's makes one.
        """


class AwaitingMachines(Protocol):
    """Executions that wait until somebody tells them, with a token of theirs, that a task has ended."""

    def succeed_task(self, token: str) -> None:
        """Let the execution go on that waits with this token; one that waits no more is fine.

        Raises EngineUnavailableError.
        """

    def fail_task(self, token: str, error: str, cause: str) -> None:
        """Let that execution's state end with this error, likewise."""
