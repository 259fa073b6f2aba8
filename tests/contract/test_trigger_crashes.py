"""Whoever changes a trigger may die before or after any of its AWS calls: a sweep later, records and EventBridge agree.

The real use cases, store and adapter; DynamoDB, Scheduler and EventBridge are moto's.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from stepcall.aws.trigger_names import rule_name, schedule_name
from stepcall.domain.errors import Problem
from stepcall.domain.trigger import ScheduleSource, Trigger, TriggerType
from stepcall.domain.trigger_errors import TriggerRefusedError
from stepcall.domain.trigger_request import TriggerRequest
from stepcall.stores.dynamo_trigger_store import DynamoTriggerStore
from stepcall.use_cases.create_trigger import create_trigger
from stepcall.use_cases.delete_trigger import delete_trigger
from stepcall.use_cases.sweep_triggers import TriggerSweepDependencies, sweep_triggers
from stepcall.use_cases.trigger_sources import SourcesUnavailableError, TriggerSources
from stepcall.use_cases.update_trigger import UpdateTrigger, update_trigger
from tests.trigger_world import BUS, STACK, EventBridge
from tests.unit.run_world import CALLER
from tests.unit.trigger_world import HOURLY, ON_ORDER, TriggerWorld

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KINDS: dict[str, dict[str, Any]] = {
    "schedule": HOURLY,
    "own event": ON_ORDER,
    "event of AWS": {"type": TriggerType.EVENT, "pattern": {"source": ["aws.s3"]}},
}
A_SWEEP_LATER = timedelta(seconds=61)


class DeathError(BaseException):
    """The process died here. No `except Exception` sees it."""


class Deaths:
    """Counts the calls of clients, and dies at one of their ends: call 1 begins at 0 and ends at 1, the next at 2…"""

    def __init__(self, *clients: Any) -> None:
        self.ends = 0
        self.at: int | None = None
        for client in clients:
            client.meta.events.register("before-call", self._pass)
            client.meta.events.register("after-call", self._pass)

    def watch(self, at: int | None) -> None:
        self.ends, self.at = 0, at

    def _pass(self, **_: Any) -> None:
        self.ends += 1
        if self.at == self.ends - 1:
            raise DeathError


@dataclass
class Refusing:
    """EventBridge, but for what it is told of any trigger."""

    sources: TriggerSources
    fault: Exception

    def ensure(self, trigger: Trigger) -> None:
        raise self.fault

    def remove(self, key: Any) -> None:
        self.sources.remove(key)


class CrashWorld:
    def __init__(self, dynamodb: "DynamoDBClient", kind: str) -> None:
        self.eventbridge = EventBridge()
        self.eventbridge.set_up()
        own_client = boto3.client("dynamodb", config=self.eventbridge.config)
        self.deaths = Deaths(own_client, self.eventbridge.scheduler, self.eventbridge.events)
        self.said = TriggerRequest(**KINDS[kind])
        self.world = TriggerWorld()
        self.store = DynamoTriggerStore(own_client, "WorkflowsTable")
        sources = self.eventbridge.sources(self.world.runs.clock)
        self.deps = replace(self.world.deps, triggers=self.store, sources=sources)

    def swept_by(self, sources: TriggerSources | None = None) -> TriggerSweepDependencies:
        return TriggerSweepDependencies(
            triggers=self.store,
            sources=sources or self.deps.sources,
            now=self.world.now,
            log=self.world.deps.log,
            metrics=lambda _: None,
            choose=Random(1).sample,
            monotonic=self.world.runs.clock.monotonic,
        )

    def create(self) -> None:
        create_trigger(self.world.workflow_id, self.said, CALLER, self.deps)

    def update(self) -> None:
        said = TriggerRequest(enabled=False)
        update_trigger(UpdateTrigger(self.world.workflow_id, self.only().trigger_id, said), CALLER, self.deps)

    def delete(self) -> None:
        delete_trigger(self.world.workflow_id, self.only().trigger_id, CALLER, self.deps)

    def sweep(self, sources: TriggerSources | None = None) -> None:
        sweep_triggers(30, self.swept_by(sources))

    def only(self) -> Trigger:
        [trigger] = self.records()
        return trigger

    def records(self) -> list[Trigger]:
        return list(self.store.list_by_workflow(CALLER.tenant, self.world.workflow_id))

    def leave_unsettled(self) -> None:
        outage = Refusing(self.deps.sources, SourcesUnavailableError("Throttled."))
        create_trigger(self.world.workflow_id, self.said, CALLER, replace(self.deps, sources=outage))
        self.pass_time()

    def pass_time(self) -> None:
        self.world.runs.clock.time += A_SWEEP_LATER

    def forget(self) -> None:
        for _ in self.records():
            self.delete()
        assert self.eventbridge.holds_nothing()

    def held(self) -> dict[str, tuple[str, int]]:
        """What EventBridge has, by name: whether it is enabled, and which revision it sends."""
        schedules = {each["Name"]: (each["State"], each["Target"]["Input"]) for each in self.eventbridge.schedules()}
        rules = {
            rule["Name"]: (rule["State"], rule["Targets"][0]["InputTransformer"]["InputTemplate"])
            for bus in (BUS, "default")
            for rule in self.eventbridge.rules(bus)
        }
        return {name: (state, revision_in(sent)) for name, (state, sent) in {**schedules, **rules}.items()}

    def assert_all_agree(self, at: int | None = None) -> None:
        records = self.records()
        said = {name_of(each): ("ENABLED" if each.enabled else "DISABLED", each.revision) for each in records}
        assert self.held() == said, at
        assert all(each.is_settled for each in records), at
        assert list(self.store.list_unsettled(limit=10)) == [], at


def name_of(trigger: Trigger) -> str:
    is_schedule = isinstance(trigger.source, ScheduleSource)
    return schedule_name(trigger.trigger_id) if is_schedule else rule_name(trigger.key, STACK)


def revision_in(sent: str) -> int:
    revision: int = json.JSONDecoder().raw_decode(sent.removeprefix('{"trigger":'))[0]["revision"]
    return revision


def nothing(_: CrashWorld) -> None:
    """There is no trigger before."""


ACTS: dict[str, tuple[Callable[[CrashWorld], None], Callable[[CrashWorld], None]]] = {
    "create": (nothing, CrashWorld.create),
    "update": (CrashWorld.create, CrashWorld.update),
    "delete": (CrashWorld.create, CrashWorld.delete),
    "sweep": (CrashWorld.leave_unsettled, CrashWorld.sweep),
}


@pytest.fixture(params=sorted(KINDS))
def world(request: pytest.FixtureRequest, dynamodb: "DynamoDBClient") -> Iterator[CrashWorld]:
    crash_world = CrashWorld(dynamodb, request.param)
    yield crash_world
    crash_world.eventbridge.tear_down()


def ends_of(world: CrashWorld, before: Callable[[CrashWorld], None], act: Callable[[CrashWorld], None]) -> int:
    before(world)
    world.deaths.watch(None)
    act(world)
    ends = world.deaths.ends
    world.assert_all_agree()
    world.forget()
    return ends


@pytest.mark.parametrize("name", sorted(ACTS))
def test_who_dies_before_or_after_any_call_leaves_what_a_sweep_mends(world: CrashWorld, name: str) -> None:
    before, act = ACTS[name]
    ends = ends_of(world, before, act)
    assert ends >= 8
    for at in range(ends):
        before(world)
        world.deaths.watch(at)
        with pytest.raises(DeathError):
            act(world)
        world.deaths.watch(None)
        world.pass_time()
        world.sweep()
        world.assert_all_agree(at)
        world.forget()


def test_a_sweep_that_dies_while_it_gives_a_trigger_up_is_followed_by_one_that_does_it(world: CrashWorld) -> None:
    refusing = Refusing(world.deps.sources, TriggerRefusedError([Problem("/expression", "invalid", "It is refused.")]))
    give_up = partial(world.sweep, refusing)
    world.leave_unsettled()
    world.deaths.watch(None)
    give_up()
    ends = world.deaths.ends
    world.forget()
    for at in range(ends):
        world.leave_unsettled()
        world.deaths.watch(at)
        with pytest.raises(DeathError):
            give_up()
        world.deaths.watch(None)
        world.pass_time()
        give_up()
        trigger = world.only()
        assert (trigger.enabled, trigger.is_settled) == (False, True), at
        assert trigger.last_error
        assert trigger.last_error.message == "It is refused."
        assert world.eventbridge.holds_nothing()
        world.forget()


def test_an_idle_sweep_is_one_call(world: CrashWorld) -> None:
    world.create()
    world.pass_time()
    world.deaths.watch(None)
    world.sweep()
    assert world.deaths.ends == 2, "the beginning and the end of a Query"
    world.forget()


def test_what_was_changed_just_now_is_left_to_who_has_changed_it(world: CrashWorld) -> None:
    world.leave_unsettled()
    world.world.runs.clock.time -= timedelta(seconds=1)
    world.sweep()
    assert world.eventbridge.holds_nothing()
    world.forget()
