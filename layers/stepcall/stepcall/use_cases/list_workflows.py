"""Which workflows there are, and which versions of one."""

from contextlib import suppress
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.procedure import procedure_name
from stepcall.stores.workflow_store import (
    VersionPage,
    WorkflowNotFoundError,
    WorkflowPage,
    WorkflowSummary,
    searchable,
    summary_of,
)
from stepcall.use_cases.dependencies import FaceDependencies


def list_workflows(
    caller: Caller, deps: FaceDependencies, *, name: str | None, limit: int, after: UUID | None
) -> WorkflowPage:
    """The workflows that the caller sees, newest first; those with `name` in their name, in upper or lower case."""
    page = _find_page(caller, deps, name=name, limit=limit, after=after)
    if not page.workflows:
        return page
    enabled = {procedure.name for procedure in deps.procedures.list_by_tenant(caller.tenant)}
    told = [
        each._replace(api_access=procedure_name(caller.tenant, each.workflow_id) in enabled) for each in page.workflows
    ]
    return page._replace(workflows=told)


def _find_page(
    caller: Caller, deps: FaceDependencies, *, name: str | None, limit: int, after: UUID | None
) -> WorkflowPage:
    if not caller.is_narrowed:
        return deps.workflows.list_by_tenant(caller.tenant, name=name, limit=limit, after=after)
    # one by one: a page of all, with some left out, would tell by its token what lies outside the grants
    workflows = caller.grants.workflows if caller.grants else frozenset[UUID]()
    granted = sorted((each for each in workflows if after is None or each < after), reverse=True)
    found: list[WorkflowSummary] = []
    for workflow_id in granted:
        with suppress(WorkflowNotFoundError):
            summary = summary_of(deps.workflows.get_latest(caller.tenant, workflow_id))
            found += [summary] if searchable(name or "") in searchable(summary.name) else []
        if len(found) > limit:
            break
    return WorkflowPage(found[:limit], found[limit - 1].workflow_id if len(found) > limit else None)


def list_versions(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, limit: int, after: int | None
) -> VersionPage:
    """Versions of a workflow, newest first. Raises WorkflowNotFoundError, NotGrantedError."""
    deps.workflows.get_latest(caller.tenant, workflow_id)
    caller.require_workflow(workflow_id)
    return deps.workflows.list_versions(workflow_id, limit=limit, after=after)
