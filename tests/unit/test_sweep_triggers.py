"""What the sweep does with triggers that EventBridge was not told of."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from stepcall.domain.errors import Problem
from stepcall.domain.trigger import ScheduleSource, Trigger, TriggerStatus
from stepcall.domain.trigger_errors import TriggerIsChangingError, TriggerQuotaError, TriggerRefusedError
from stepcall.stores.memory_trigger_store import MemoryTriggerStore
from stepcall.use_cases.metrics import Measured, Metric
from stepcall.use_cases.settle_trigger import settle_trigger
from stepcall.use_cases.sweep_triggers import MAX_SETTLED, TriggerSweep, TriggerSweepDependencies, sweep_triggers
from stepcall.use_cases.trigger_sources import SourcesUnavailableError
from tests.clock import Clock, new_ids
from tests.unit.fake_trigger_sources import FakeTriggerSources

REFUSED = TriggerRefusedError([Problem("/expression", "invalid_expression", "This expression is refused.")])
FULL = TriggerQuotaError("There are 300 rules.")
THROTTLED = SourcesUnavailableError("EventBridge throttles.")
JUST_NOW = timedelta(seconds=60)
LONG_AGO = timedelta(seconds=61)


@dataclass
class SomeFail(FakeTriggerSources):
    """EventBridge, for which something is wrong with some."""

    faults: dict[UUID, Exception] = field(default_factory=dict)

    def ensure(self, trigger: Trigger) -> None:
        super().ensure(trigger)
        if fault := self.faults.get(trigger.trigger_id):
            del self.has[trigger.trigger_id]
            raise fault


class SweptTriggers:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryTriggerStore()
        self.sources = SomeFail()
        self.measured: list[Measured] = []
        self.logged: list[str] = []
        self._ids = new_ids(self.clock)
        self.deps = TriggerSweepDependencies(
            triggers=self.store,
            sources=self.sources,
            now=self.clock.now,
            log=self._log,
            metrics=self.measured.append,
            choose=Random(1).sample,
            monotonic=self.clock.monotonic,
        )

    def _log(self, event: str, /, **_: str) -> None:
        self.logged.append(event)

    def put(self, fault: Exception | None = None) -> Trigger:
        """One that EventBridge was not told of."""
        trigger = Trigger(
            tenant="acme",
            workflow_id=self._ids(),
            trigger_id=self._ids(),
            source=ScheduleSource("rate(1 hour)"),
            input={},
            created_at=self.clock.now(),
        )
        self.store.put(trigger)
        if fault:
            self.sources.faults[trigger.trigger_id] = fault
        return trigger

    def sweep(self, *, after: timedelta = LONG_AGO, seconds: float = 10.0) -> TriggerSweep:
        self.clock.time += after
        return sweep_triggers(seconds, self.deps)

    def kept(self, trigger: Trigger) -> Trigger:
        return self.store.get(trigger.tenant, trigger.workflow_id, trigger.trigger_id)

    def waiting(self) -> int:
        return len(self.store.list_unsettled(limit=1000))


def test_what_was_left_unsettled_is_settled_and_counted() -> None:
    world = SweptTriggers()
    made, gone = world.put(), world.put()
    world.sources.has[gone.trigger_id] = gone
    world.store.delete(gone, world.clock.now())
    assert world.sweep() == TriggerSweep(settled=2, given_up=0, faults=())
    assert world.sources.has.keys() == {made.trigger_id}
    assert world.kept(made).status is TriggerStatus.ACTIVE
    assert world.measured == [{Metric.SWEEPER_REPAIRS: [2]}]
    assert world.waiting() == 0


def test_what_was_changed_within_the_minute_is_left_to_who_has_changed_it() -> None:
    world = SweptTriggers()
    world.put()
    assert world.sweep(after=JUST_NOW).settled == 0
    assert world.sweep(after=timedelta(seconds=1)).settled == 1


def test_an_idle_sweep_tells_eventbridge_nothing_and_measures_nothing() -> None:
    world = SweptTriggers()
    settle_trigger(world.put().key, world.deps)
    world.sources.told = 0
    assert world.sweep() == TriggerSweep(0, 0, ())
    assert (world.sources.told, world.measured) == (0, [])


@pytest.mark.parametrize("fault", [THROTTLED, TriggerIsChangingError("Others change it.")])
def test_what_passes_is_tried_again_by_the_next_sweep_and_is_no_fault(fault: Exception) -> None:
    world = SweptTriggers()
    failing, others = world.put(fault), [world.put(), world.put()]
    assert world.sweep() == TriggerSweep(settled=len(others), given_up=0, faults=())
    assert world.waiting() == 1
    world.sources.faults.clear()
    assert world.sweep(after=timedelta(0)).settled == 1
    assert world.kept(failing).is_settled


def test_a_fault_with_one_is_told_and_keeps_none_of_the_others() -> None:
    world = SweptTriggers()
    fault = KeyError("a bug")
    for each in (None, fault, None):
        world.put(each)
    assert world.sweep() == TriggerSweep(settled=2, given_up=0, faults=(fault,))
    assert world.waiting() == 1
    assert "trigger_not_settled" in world.logged


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [(REFUSED, "trigger_refused", "This expression is refused."), (FULL, "trigger_quota", "There are 300 rules.")],
)
def test_what_eventbridge_refuses_is_disabled_says_why_and_is_not_tried_again(
    fault: Exception, code: str, message: str
) -> None:
    world = SweptTriggers()
    refused, other = world.put(fault), world.put()
    assert world.sweep() == TriggerSweep(settled=1, given_up=1, faults=())
    kept = world.kept(refused)
    assert kept.status is TriggerStatus.DISABLED
    assert kept.last_error
    assert (kept.last_error.code, kept.last_error.message) == (code, message)
    assert world.sources.has.keys() == {other.trigger_id}
    world.sources.told = 0
    world.sweep()
    assert world.sources.told == 0
    enabled = world.store.replace(replace(kept, enabled=True), seen=kept, now=world.clock.now())
    assert enabled
    world.sources.faults.clear()
    settle_trigger(enabled.key, world.deps)
    assert world.sources.has[refused.trigger_id].enabled


def test_what_is_given_up_leaves_nothing_of_an_earlier_revision_at_eventbridge() -> None:
    world = SweptTriggers()
    trigger = world.put()
    settle_trigger(trigger.key, world.deps)
    assert world.store.replace(trigger, seen=trigger, now=world.clock.now())
    world.sources.faults[trigger.trigger_id] = REFUSED
    world.sweep()
    assert world.sources.has == {}


def test_an_owner_who_changes_it_while_it_is_given_up_is_right() -> None:
    world = SweptTriggers()
    trigger = world.put(REFUSED)

    def change() -> None:
        seen = world.kept(trigger)
        world.store.replace(replace(seen, enabled=True), seen=seen, now=world.clock.now())

    world.sources.before = [lambda: None, change]  # as the sweep has EventBridge forget it
    world.sweep()
    assert world.kept(trigger).enabled
    assert world.waiting() == 1
    world.sources.faults.clear()
    world.sweep()
    assert world.sources.has[trigger.trigger_id].enabled


def test_a_sweep_ends_with_its_time_and_the_next_goes_on() -> None:
    world = SweptTriggers()
    for _ in range(4):
        world.put()
    world.sources.before = [lambda: world.clock.sleep(3)] * 4
    assert world.sweep(seconds=5).settled == 2
    assert "trigger_sweep_out_of_time" in world.logged
    assert world.sweep().settled == 2


def test_so_many_that_always_fail_keep_none_of_the_others_for_ever() -> None:
    world = SweptTriggers()
    for _ in range(MAX_SETTLED + 50):
        world.put(THROTTLED)
    world.clock.sleep(1)
    good = world.put()
    for _ in range(30):
        world.sweep()
        if world.kept(good).is_settled:
            return
    pytest.fail("The good one was never chosen.")
