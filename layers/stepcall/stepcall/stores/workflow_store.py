"""The port to workflows and their immutable versions."""

from typing import Protocol
from uuid import UUID

from stepcall.domain.errors import StepcallError
from stepcall.domain.workflow import WorkflowVersion


class WorkflowNotFoundError(StepcallError):
    """There is no such workflow or version, or it is another tenant's: readers cannot tell which."""


class WorkflowTooLargeError(StepcallError):
    """The definition does not fit into one record, even compressed."""


class WorkflowStore(Protocol):
    def put_first(self, version: WorkflowVersion) -> None:
        """Store a new workflow with its version 1, both or neither."""

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        """The newest version of a tenant's workflow. Raises WorkflowNotFoundError."""

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        """One version, whoever owns it: for workers, and for readers that compare the tenant. Raises as above."""
