"""Which workflows there are, and which versions of one."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.stores.workflow_store import VersionPage, WorkflowPage
from stepcall.use_cases.dependencies import FaceDependencies


def list_workflows(
    caller: Caller, deps: FaceDependencies, *, name: str | None, limit: int, after: UUID | None
) -> WorkflowPage:
    """The workflows that the caller sees, newest first; those with `name` in their name, in upper or lower case."""
    page = deps.workflows.list_by_tenant(caller.tenant, name=name, limit=limit, after=after)
    # those that are left out count: what a grant names is few, and a token goes on from here
    return page._replace(workflows=[workflow for workflow in page.workflows if caller.sees(workflow.workflow_id)])


def list_versions(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, limit: int, after: int | None
) -> VersionPage:
    """Versions of a workflow, newest first. Raises WorkflowNotFoundError, NotGrantedError."""
    deps.workflows.get_latest(caller.tenant, workflow_id)
    caller.require_workflow(workflow_id)
    return deps.workflows.list_versions(workflow_id, limit=limit, after=after)
