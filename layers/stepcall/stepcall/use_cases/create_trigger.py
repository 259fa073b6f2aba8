"""Have a workflow started by the clock, or by events."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.trigger import Trigger
from stepcall.domain.trigger_errors import TriggerQuotaError, TriggerRefusedError
from stepcall.domain.trigger_request import TriggerRequest, find_faults, narrow_to, read_new_source
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.delete_trigger import end_trigger
from stepcall.use_cases.read_trigger import TriggerView, require_workflow, view_trigger
from stepcall.use_cases.settle_trigger import settle_now_or_later, trigger_facts
from stepcall.use_cases.trigger_dependencies import TriggerDependencies


def create_trigger(workflow_id: UUID, said: TriggerRequest, caller: Caller, deps: TriggerDependencies) -> TriggerView:
    """The trigger; while EventBridge cannot be told it is pending, and the sweep sees to it.

    Raises WorkflowNotFoundError, NotGrantedError, TriggerRefusedError, TooManyTriggersError, TriggerQuotaError,
    TriggerIsChangingError; then there is none.
    """
    version = require_workflow(workflow_id, caller, deps)
    if problems := find_faults(said, version.definition, deps.now()):
        raise TriggerRefusedError(problems)
    trigger = _new_trigger(workflow_id, said, caller, deps)
    deps.triggers.put(trigger)
    _require_workflow_still(trigger, deps)
    try:
        settled = settle_now_or_later(trigger, deps)
    except (TriggerRefusedError, TriggerQuotaError):
        end_trigger(trigger, deps)
        raise
    deps.log("trigger_created", principal=caller.principal, **trigger_facts(trigger.key))
    return view_trigger(settled, version)


def _new_trigger(workflow_id: UUID, said: TriggerRequest, caller: Caller, deps: TriggerDependencies) -> Trigger:
    now = deps.now()
    trigger = Trigger(
        tenant=caller.tenant,
        workflow_id=workflow_id,
        trigger_id=deps.new_id(),
        source=read_new_source(said, now),
        input=said.input or {},
        created_at=now,
        enabled=said.enabled is not False,
    )
    return narrow_to(trigger, caller.granted_workflows)


def _require_workflow_still(trigger: Trigger, deps: TriggerDependencies) -> None:
    """Who deletes a workflow deletes the triggers that he finds after it: one that he did not find finds none."""
    try:
        deps.workflows.get_latest_now(trigger.tenant, trigger.workflow_id)
    except WorkflowNotFoundError:
        end_trigger(trigger, deps)
        raise
