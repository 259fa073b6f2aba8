"""Which workflows there are, and which versions of one."""

from contextlib import suppress
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import (
    VersionPage,
    WorkflowNotFoundError,
    WorkflowPage,
    WorkflowSummary,
    searchable,
)
from stepcall.use_cases.dependencies import FaceDependencies


def list_workflows(
    caller: Caller, deps: FaceDependencies, *, name: str | None, limit: int, after: UUID | None
) -> WorkflowPage:
    """The workflows that the caller sees, newest first; those with `name` in their name, in upper or lower case."""
    if caller.grants is None and caller.run_id is None:
        return deps.workflows.list_by_tenant(caller.tenant, name=name, limit=limit, after=after)
    # one by one: a page of all, with some left out, would tell by its token what lies outside the grants
    workflows = caller.grants.workflows if caller.grants else frozenset[UUID]()
    granted = sorted((each for each in workflows if after is None or each < after), reverse=True)
    found: list[WorkflowSummary] = []
    for workflow_id in granted:
        with suppress(WorkflowNotFoundError):
            summary = _summary_of(deps.workflows.get_latest(caller.tenant, workflow_id))
            found += [summary] if searchable(name or "") in searchable(summary.name) else []
        if len(found) > limit:
            break
    return WorkflowPage(found[:limit], found[limit - 1].workflow_id if len(found) > limit else None)


def _summary_of(newest: WorkflowVersion) -> WorkflowSummary:
    return WorkflowSummary(
        workflow_id=newest.workflow_id,
        latest_version=newest.version,
        name=newest.definition.name,
        description=newest.definition.description,
        created_at=newest.workflow_created_at,
        updated_at=newest.created_at,
    )


def list_versions(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, limit: int, after: int | None
) -> VersionPage:
    """Versions of a workflow, newest first. Raises WorkflowNotFoundError, NotGrantedError."""
    deps.workflows.get_latest(caller.tenant, workflow_id)
    caller.require_workflow(workflow_id)
    return deps.workflows.list_versions(workflow_id, limit=limit, after=after)
