"""Delete a workflow: nothing of it is shown or started any more, but for the executions that there were."""

from collections.abc import Set
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.use_cases.change_workflow import change_newest, wait_out_lease
from stepcall.use_cases.dependencies import FaceDependencies


def delete_workflow(
    workflow_id: UUID, caller: Caller, deps: FaceDependencies, *, expected: Set[int] | None = None
) -> None:
    """Executions that are under way go on, and stay readable with the others. Raises what `change_newest` raises."""
    change_newest(workflow_id, caller, deps, expected, lambda newest: deps.workflows.delete(newest, deps.now()))
    deps.log("workflow_deleted", workflow_id=str(workflow_id), tenant=caller.tenant, principal=caller.principal)
    wait_out_lease(deps)
