"""Take triggers away: at once from who looks, and from EventBridge now or by the sweep."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.trigger import Trigger
from stepcall.use_cases.read_trigger import require_workflow
from stepcall.use_cases.settle_trigger import settle_now_or_later, trigger_facts
from stepcall.use_cases.trigger_dependencies import SettleDependencies, TriggerDependencies


def delete_trigger(workflow_id: UUID, trigger_id: UUID, caller: Caller, deps: TriggerDependencies) -> None:
    """Raises WorkflowNotFoundError, NotGrantedError, TriggerNotFoundError, TriggerIsChangingError."""
    require_workflow(workflow_id, caller, deps)
    trigger = deps.triggers.get(caller.tenant, workflow_id, trigger_id)
    end_trigger(trigger, deps)
    deps.log("trigger_deleted", principal=caller.principal, **trigger_facts(trigger.key))


def end_triggers(tenant: str, workflow_id: UUID, deps: SettleDependencies) -> None:
    """All of a workflow that is being deleted. Raises TriggerIsChangingError."""
    for trigger in deps.triggers.list_by_workflow(tenant, workflow_id):
        end_trigger(trigger, deps)
        deps.log("trigger_deleted", **trigger_facts(trigger.key))


def end_trigger(trigger: Trigger, deps: SettleDependencies) -> None:
    """Raises TriggerIsChangingError; then it is as it was."""
    deps.triggers.delete(trigger, deps.now())
    settle_now_or_later(trigger, deps)
