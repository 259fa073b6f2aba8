"""Delete a workflow: nothing of it is shown or started any more, but for the executions that there were."""

from collections.abc import Callable, Set
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.procedure import procedure_name
from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.change_workflow import change_newest, wait_out_lease
from stepcall.use_cases.dependencies import FaceDependencies


def delete_workflow(
    workflow_id: UUID,
    caller: Caller,
    deps: FaceDependencies,
    *,
    end_triggers: Callable[[str, UUID], None] = lambda _tenant, _workflow_id: None,
    expected: Set[int] | None = None,
) -> None:
    """Executions that are under way go on, and stay readable with the others.

    `end_triggers` ends those of a tenant's workflow. Raises what `change_newest` raises, and what that raises.
    """
    name = procedure_name(caller.tenant, workflow_id)

    def delete(newest: WorkflowVersion) -> None:
        end_triggers(caller.tenant, workflow_id)  # first: what they start is there
        deps.procedures.delete(caller.tenant, name)  # first: what is called by name is there
        deps.workflows.delete(newest, deps.now())

    change_newest(workflow_id, caller, deps, expected, delete)
    end_triggers(caller.tenant, workflow_id)  # who makes one from here on asks after that whether the workflow is there
    deps.procedures.delete(caller.tenant, name)  # who enabled it in between has read it before it was deleted
    deps.log("workflow_deleted", workflow_id=str(workflow_id), tenant=caller.tenant, principal=caller.principal)
    wait_out_lease(deps)
