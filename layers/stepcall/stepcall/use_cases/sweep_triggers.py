"""Sweep triggers, every minute: EventBridge is told what it was not told when a trigger was changed or deleted.

Whoever changes a trigger tells EventBridge at once, and may die before. docs/decisions/2026-11-21-triggers.md.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from stepcall.domain.trigger import LastError, Trigger, TriggerKey
from stepcall.domain.trigger_errors import (
    TriggerIsChangingError,
    TriggerNotFoundError,
    TriggerQuotaError,
    TriggerRefusedError,
)
from stepcall.use_cases.metrics import Metric, Metrics
from stepcall.use_cases.settle_trigger import settle_trigger, trigger_facts
from stepcall.use_cases.sweep_runs import Choose
from stepcall.use_cases.trigger_dependencies import SettleDependencies
from stepcall.use_cases.trigger_sources import SourcesUnavailableError

SETTLED_WITHIN = timedelta(seconds=60)
"""Longer than any call goes on that changes a trigger."""
MAX_SETTLED = 200
"""Of one sweep: EventBridge takes 50 changes of rules a second, and others in the account make some, too."""
REFUSED = "trigger_refused"
QUOTA = "trigger_quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSweepDependencies(SettleDependencies):
    """For the sweep."""

    metrics: Metrics
    choose: Choose
    """None is passed over for ever."""
    monotonic: Callable[[], float]


class TriggerSweep(NamedTuple):
    """What a sweep has done."""

    settled: int
    given_up: int
    """EventBridge has refused them: they are disabled, and say why."""
    faults: tuple[Exception, ...]
    """Met with single triggers: the log says which."""


def sweep_triggers(seconds: float, deps: TriggerSweepDependencies) -> TriggerSweep:
    """Take no more than about that time. What goes wrong with one trigger stops none of the others."""
    end = deps.monotonic() + seconds
    settled = given_up = 0
    faults: list[Exception] = []
    waiting = _find_waiting(deps)
    for number, key in enumerate(waiting):
        if deps.monotonic() >= end:
            deps.log("trigger_sweep_out_of_time", waiting=str(len(waiting) - number))
            break
        try:
            was_taken = _settle(key, deps)
        except (SourcesUnavailableError, TriggerIsChangingError) as exc:
            deps.log("trigger_not_settled", **trigger_facts(key), error=str(exc))
        except Exception as exc:  # whatever it is: the others have done nothing wrong
            deps.log("trigger_not_settled", **trigger_facts(key), error=traceback.format_exc())
            faults.append(exc)
        else:
            settled, given_up = settled + was_taken, given_up + (not was_taken)
    if settled or given_up:
        deps.metrics({Metric.SWEEPER_REPAIRS: [settled + given_up]})
    return TriggerSweep(settled, given_up, tuple(faults))


def _find_waiting(deps: TriggerSweepDependencies) -> Sequence[TriggerKey]:
    """In any order, as those that always fail may be the oldest."""
    now = deps.now()
    listed = deps.triggers.list_unsettled(limit=MAX_SETTLED * 5)
    due = [each.key for each in listed if now - each.changed_at > SETTLED_WITHIN]
    return deps.choose(due, min(len(due), MAX_SETTLED))


def _settle(key: TriggerKey, deps: TriggerSweepDependencies) -> bool:
    """Whether EventBridge has taken it."""
    try:
        settle_trigger(key, deps)
    except TriggerRefusedError as exc:
        _give_up(key, REFUSED, " ".join(problem.message for problem in exc.problems), deps)
        return False
    except TriggerQuotaError as exc:
        _give_up(key, QUOTA, str(exc), deps)
        return False
    deps.log("sweeper_repair", kind="trigger_settled", **trigger_facts(key))
    return True


def _give_up(key: TriggerKey, code: str, message: str, deps: TriggerSweepDependencies) -> None:
    """Have it disabled, and EventBridge have nothing of it: what is refused today would be in a minute, too.

    Its owner sees why, and may change or enable it again. Breaks off as settling does: the next sweep begins anew.
    """
    deps.triggers.record_error(key, LastError(deps.now(), code, message))
    disabled = _disable(key, deps)
    deps.sources.remove(key)
    if not deps.triggers.settle(key, disabled.revision):
        raise TriggerIsChangingError("Its owner has changed or deleted it meanwhile.")
    deps.log("sweeper_repair", kind="trigger_disabled", code=code, **trigger_facts(key))


def _disable(key: TriggerKey, deps: TriggerSweepDependencies) -> Trigger:
    """Raises TriggerIsChangingError, also when it is gone."""
    try:
        seen = deps.triggers.get(key.tenant, key.workflow_id, key.trigger_id)
        if not seen.enabled:
            return seen
        disabled = deps.triggers.replace(replace(seen, enabled=False), seen=seen, now=deps.now())
    except TriggerNotFoundError as exc:
        raise TriggerIsChangingError("Its owner has deleted it meanwhile.") from exc
    if disabled is None:
        raise TriggerIsChangingError("Its owner has changed it meanwhile.")
    return disabled
