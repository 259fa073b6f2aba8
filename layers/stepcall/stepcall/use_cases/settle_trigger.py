"""Have EventBridge be as a trigger's record says: after each change of it, and by the sweep for what broke off."""

from dataclasses import replace

from stepcall.domain.ids import spell_trigger
from stepcall.domain.trigger import Trigger, TriggerKey
from stepcall.domain.trigger_errors import TriggerIsChangingError, TriggerNotFoundError
from stepcall.use_cases.trigger_dependencies import SettleDependencies
from stepcall.use_cases.trigger_sources import SourcesUnavailableError

ATTEMPTS = 5


def settle_trigger(key: TriggerKey, deps: SettleDependencies) -> Trigger | None:
    """The trigger as EventBridge has it now; None when there is none any more, and nothing of it at EventBridge.

    Raises what TriggerSources raise, and TriggerIsChangingError when others change it all the time: it stays unsettled.
    """
    for _ in range(ATTEMPTS):
        trigger = _find(key, deps)
        if trigger is None:
            deps.sources.remove(key)
        else:
            deps.sources.ensure(trigger)
        # who has changed it meanwhile may have told EventBridge before we did: then what it has now is old
        if deps.triggers.settle(key, trigger.revision if trigger else None):
            return replace(trigger, is_settled=True) if trigger else None
    raise TriggerIsChangingError("Others change this trigger at this moment.")


def _find(key: TriggerKey, deps: SettleDependencies) -> Trigger | None:
    try:
        return deps.triggers.get(key.tenant, key.workflow_id, key.trigger_id)
    except TriggerNotFoundError:
        return None


def settle_now_or_later(trigger: Trigger, deps: SettleDependencies) -> Trigger:
    """The trigger as EventBridge has it, or, where it cannot be told now, as it is kept: the sweep tells it later.

    Raises TriggerRefusedError and TriggerQuotaError.
    """
    try:
        return settle_trigger(trigger.key, deps) or trigger
    except (SourcesUnavailableError, TriggerIsChangingError) as exc:
        deps.log("trigger_left_unsettled", error=type(exc).__name__, **trigger_facts(trigger.key))
        return trigger


def trigger_facts(key: TriggerKey) -> dict[str, str]:
    """For the log."""
    return {"trigger_id": spell_trigger(key.trigger_id), "workflow_id": str(key.workflow_id), "tenant": key.tenant}
