"""Have EventBridge be as a trigger's record says: after each change of it, and by the sweep for what broke off."""

from stepcall.domain.trigger import Trigger, TriggerKey
from stepcall.domain.trigger_errors import TriggerIsChangingError, TriggerNotFoundError
from stepcall.use_cases.trigger_dependencies import SettleDependencies

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
            return trigger
    raise TriggerIsChangingError("Others change this trigger at this moment.")


def _find(key: TriggerKey, deps: SettleDependencies) -> Trigger | None:
    try:
        return deps.triggers.get(key.tenant, key.workflow_id, key.trigger_id)
    except TriggerNotFoundError:
        return None
