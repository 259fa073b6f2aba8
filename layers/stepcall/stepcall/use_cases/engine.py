"""The port to Step Functions."""

from typing import Any, Protocol
from uuid import UUID

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.errors import StepcallError


class EngineUnavailableError(StepcallError):
    """Step Functions did not take the call now, for no fault of the caller's."""


class StateMachines(Protocol):
    def start(self, run_id: UUID, compiled: CompiledWorkflow, execution_input: dict[str, Any]) -> None:
        """Start an execution of that name, creating the machine if need be; started already is fine.

        Raises EngineUnavailableError.
        """

    def stop(self, run_id: UUID, content_hash: str, cause: str) -> None:
        """Stop the execution of that name; one that has ended or never was is fine. Raises EngineUnavailableError."""
