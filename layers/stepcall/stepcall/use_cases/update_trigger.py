"""Change a trigger: when, by which events, with what input, and whether."""

from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.trigger import Trigger
from stepcall.domain.trigger_errors import (
    TriggerIsChangingError,
    TriggerNotFoundError,
    TriggerQuotaError,
    TriggerRefusedError,
)
from stepcall.domain.trigger_request import TriggerRequest, change_trigger, find_faults_of_change, narrow_to
from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.read_trigger import TriggerView, require_workflow, view_trigger
from stepcall.use_cases.settle_trigger import settle_now_or_later, trigger_facts
from stepcall.use_cases.trigger_dependencies import TriggerDependencies

CHANGE_ATTEMPTS = 10


class UpdateTrigger(NamedTuple):
    """What `said` does not say stays as it is."""

    workflow_id: UUID
    trigger_id: UUID
    said: TriggerRequest


def update_trigger(command: UpdateTrigger, caller: Caller, deps: TriggerDependencies) -> TriggerView:
    """The trigger as it is now; while EventBridge cannot be told it is pending, and the sweep sees to it.

    Raises WorkflowNotFoundError, NotGrantedError, TriggerNotFoundError, TriggerRefusedError, TriggerQuotaError,
    TriggerIsChangingError; then it is as it was.
    """
    version = require_workflow(command.workflow_id, caller, deps)
    for _ in range(CHANGE_ATTEMPTS):
        seen = deps.triggers.get(caller.tenant, command.workflow_id, command.trigger_id)
        changed = _change(command.said, seen, version, caller, deps)
        if changed == seen:
            return view_trigger(seen if seen.is_settled else settle_now_or_later(seen, deps), version)
        if stored := deps.triggers.replace(changed, seen=seen, now=deps.now()):
            settled = _settle_or_take_back(stored, seen, deps)
            deps.log("trigger_updated", principal=caller.principal, **trigger_facts(stored.key))
            return view_trigger(settled, version)
    raise TriggerIsChangingError("Others change this trigger at this moment.")


def _change(
    said: TriggerRequest, seen: Trigger, version: WorkflowVersion, caller: Caller, deps: TriggerDependencies
) -> Trigger:
    """Raises TriggerRefusedError."""
    if problems := find_faults_of_change(said, seen, version.definition, deps.now()):
        raise TriggerRefusedError(problems)
    changed = change_trigger(said, seen, deps.now())
    is_as_it_was = (changed.source, changed.input) == (seen.source, seen.input)
    return changed if is_as_it_was else narrow_to(changed, caller.granted_workflows)


def _settle_or_take_back(stored: Trigger, former: Trigger, deps: TriggerDependencies) -> Trigger:
    """Raises TriggerRefusedError, TriggerQuotaError; then it is as it was before, unless another has changed it."""
    try:
        return settle_now_or_later(stored, deps)
    except (TriggerRefusedError, TriggerQuotaError):
        with suppress(TriggerNotFoundError):
            if taken_back := deps.triggers.replace(former, seen=stored, now=deps.now()):
                settle_now_or_later(taken_back, deps)
        raise
