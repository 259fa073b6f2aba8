"""Which workflows there are, and which versions of one."""

from uuid import UUID

from stepcall.stores.workflow_store import VersionPage, WorkflowPage
from stepcall.use_cases.dependencies import Caller, FaceDependencies


def list_workflows(
    caller: Caller, deps: FaceDependencies, *, name: str | None, limit: int, after: UUID | None
) -> WorkflowPage:
    """The caller's workflows, newest first; those with `name` in their name, in upper or lower case."""
    return deps.workflows.list_by_tenant(caller.tenant, name=name, limit=limit, after=after)


def list_versions(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, limit: int, after: int | None
) -> VersionPage:
    """Versions of a workflow, newest first. Raises WorkflowNotFoundError."""
    deps.workflows.get_latest(caller.tenant, workflow_id)
    return deps.workflows.list_versions(workflow_id, limit=limit, after=after)
