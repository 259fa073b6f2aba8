"""What was delivered of a run is shown to whom the run is, and sent once more, each time it has ended."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit
from stepcall.domain.delivery import Delivery, DeliveryStatus
from stepcall.domain.delivery_errors import DeliveryNotFoundError, DeliveryPendingError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import RunStatus
from stepcall.stores.run_store import RunNotFoundError
from stepcall.use_cases.redeliver_webhook import ToldRun, list_deliveries, redeliver_webhook
from tests.unit.delivery_world import NO, OK, RUN, WEBHOOK, CrashError, DeliveryWorld, event
from tests.unit.run_world import RunWorld

OWNER = Caller(RUN.tenant, "ci", "key_1")
TOLD = ToldRun(RUN.workflow_id, RUN.run_id)


class Redelivery(DeliveryWorld):
    """With what a face works with, and the run of which is told."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.face = RunWorld(clock=self.clock).deps
        self.face.runs.put(replace(RUN, status=RunStatus.PENDING, started_at=None))
        self.webhooks.put(WEBHOOK)
        self.tell(event())

    def redeliver(self, delivery_id: UUID | None = None, caller: Caller = OWNER) -> Delivery:
        asked = delivery_id or self.only().delivery_id
        return redeliver_webhook(asked, TOLD, caller, self.face, (self.deliveries, self.executions))


def test_what_has_ended_either_way_is_sent_again_under_the_same_id() -> None:
    world = Redelivery(answers=[NO, NO, NO, OK])
    world.play()
    assert world.only().status is DeliveryStatus.FAILED
    for _ in range(2):
        assert world.redeliver().is_open
        world.play()
        assert world.only().status is DeliveryStatus.DELIVERED
    assert [attempt.round for attempt in world.only().attempts] == [1, 1, 1, 2, 3]
    assert {headers["webhook-id"] for _, headers, _ in world.posted} == {str(event().event_id)}


def test_what_has_not_ended_is_not_sent_again() -> None:
    world = Redelivery(answers=[NO])
    with pytest.raises(DeliveryPendingError):
        world.redeliver()
    world.attempt(world.only())
    with pytest.raises(DeliveryPendingError):
        world.redeliver()
    assert len(world.all_executions.started) == 1


def test_who_dies_before_the_start_asks_again_and_it_starts() -> None:
    world = Redelivery()
    world.play()
    delivery_id = world.only().delivery_id
    world.points = 0
    world.cuts[5] = die  # behind the list and the write
    with pytest.raises(CrashError):
        world.redeliver(delivery_id)
    assert (world.only().round, len(world.all_executions.started)) == (2, 1)
    assert world.redeliver().round == 2
    world.play()
    assert world.only().status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("made", [0, 1, 2])
def test_what_nobody_attempts_any_more_is_sent_again_an_hour_after_it_was_due(made: int) -> None:
    world = Redelivery(answers=[NO])
    world.clock.time = max(world.clock.time, world.only().created_at)
    for number in range(1, made + 1):  # then its execution is stopped
        world.clock.sleep(world.attempt(world.only(), number).wait_seconds)
    world.clock.time = world.only().due_at + timedelta(hours=1)
    with pytest.raises(DeliveryPendingError):
        world.redeliver()
    world.clock.sleep(1)
    world.answers = [OK]
    assert world.redeliver().round == 2
    assert world.redeliver().round == 2
    world.play()
    assert world.only().status is DeliveryStatus.DELIVERED
    assert [attempt.round for attempt in world.only().attempts] == [1] * made + [2]


def test_what_waits_for_an_earlier_event_is_not_sent_again_however_long_it_waits() -> None:
    world = Redelivery(answers=[NO])
    world.tell(event(RunStatus.COMPLETED))
    first, second = world.all()
    world.clock.sleep(24 * 3600)
    with pytest.raises(DeliveryPendingError):
        world.redeliver(second.delivery_id)
    world.attempt(first, 3)  # it has been its turn for no longer than this
    world.give_up(first)
    with pytest.raises(DeliveryPendingError):
        world.redeliver(second.delivery_id)


def test_two_at_once_open_one_round() -> None:
    world = Redelivery()
    world.play()
    delivery_id = world.only().delivery_id
    world.points = 0
    world.cuts[3] = lambda: void(world.redeliver(delivery_id))  # before the write
    assert world.redeliver(delivery_id).round == 2
    assert (world.only().round, len(world.all_executions.started)) == (2, 2)


def test_a_storm_of_redeliveries_is_limited_as_starts_are() -> None:
    world, caller = Redelivery(), replace(OWNER, rate_limit=RateLimit(per_second=1, burst=3))
    for _ in range(3):
        world.play()
        world.redeliver(caller=caller)
    world.play()
    with pytest.raises(RateLimitedError):
        world.redeliver(caller=caller)
    assert world.only().round == 4


def test_a_redelivery_waits_for_an_earlier_event_that_is_sent_again() -> None:
    world = Redelivery()
    world.tell(event(RunStatus.COMPLETED))
    world.play()
    first, second = world.all()
    world.redeliver(first.delivery_id)
    world.redeliver(second.delivery_id)
    assert [each.sequence for each in world.all_executions.started.values() if each.round == 2] == [1]
    world.posted.clear()
    world.play()
    assert [headers["webhook-id"] for _, headers, _ in world.posted] == [str(first.event_id), str(second.event_id)]


@pytest.mark.parametrize(
    ("told", "caller", "refusal"),
    [
        (TOLD, replace(OWNER, tenant="other"), RunNotFoundError),
        (ToldRun(UUID(int=1), RUN.run_id), OWNER, RunNotFoundError),
        (ToldRun(RUN.workflow_id, UUID(int=1)), OWNER, RunNotFoundError),
        (TOLD, replace(OWNER, run_id=RUN.run_id), NotGrantedError),
        (TOLD, replace(OWNER, grants=Grants(frozenset({UUID(int=1)}))), NotGrantedError),
    ],
)
def test_deliveries_are_shown_to_whom_the_run_is(told: ToldRun, caller: Caller, refusal: type[Exception]) -> None:
    world = Redelivery()
    assert list_deliveries(TOLD, OWNER, world.face, world.deliveries) == world.all()
    with pytest.raises(refusal):
        list_deliveries(told, caller, world.face, world.deliveries)


def test_what_is_no_delivery_of_the_run_is_not_found() -> None:
    with pytest.raises(DeliveryNotFoundError):
        Redelivery().redeliver(UUID(int=1))


def void(_: object) -> None:
    """What a cut comes to is nobody's."""


def die() -> None:
    raise CrashError
