"""A workflow as its author wrote it."""

from uuid import UUID

from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.dependencies import Caller, FaceDependencies


def read_workflow(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, number: int | None = None
) -> WorkflowVersion:
    """That version, by default the newest. Raises WorkflowNotFoundError, also for another tenant's."""
    if number is None:
        return deps.workflows.get_latest(caller.tenant, workflow_id)
    version = deps.workflows.get_version(workflow_id, number)
    if version.tenant != caller.tenant:
        raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
    return version
