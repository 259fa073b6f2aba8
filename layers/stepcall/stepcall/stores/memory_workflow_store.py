"""Workflows in memory."""

from uuid import UUID

from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import WorkflowNotFoundError


class MemoryWorkflowStore:
    """See WorkflowStore."""

    def __init__(self) -> None:
        self._versions: dict[tuple[UUID, int], WorkflowVersion] = {}

    def put_first(self, version: WorkflowVersion) -> None:
        self._versions[version.workflow_id, version.version] = version

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        numbers = [number for identity, number in self._versions if identity == workflow_id]
        if not numbers:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        latest = self._versions[workflow_id, max(numbers)]
        if latest.tenant != tenant:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        return latest

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        try:
            return self._versions[workflow_id, version]
        except KeyError as exc:
            raise WorkflowNotFoundError(f"The workflow {workflow_id} has no version {version}.") from exc
