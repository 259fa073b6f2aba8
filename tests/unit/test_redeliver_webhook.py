"""What was delivered of a run is shown to whom the run is, and sent once more, each time it has ended."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit
from stepcall.domain.delivery import Delivery, DeliveryStatus
from stepcall.domain.delivery_errors import DeliveryNotFoundError, DeliveryPendingError
from stepcall.domain.ids import spell_delivery
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import RunStatus
from stepcall.domain.webhook_errors import WebhookDisabledError, WebhookNotFoundError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.delivery_store import DeliveryPlace
from stepcall.stores.run_store import RunNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.deliver_webhook import Outcome
from stepcall.use_cases.redeliver_webhook import (
    Redeliverer,
    ToldDeliveries,
    ToldRun,
    list_deliveries,
    redeliver_webhook,
)
from tests.unit.delivery_world import NO, OK, RUN, WEBHOOK, CrashError, DeliveryWorld, event
from tests.unit.run_world import RunWorld
from tests.unit.test_cached_workflow_store import DEFINITION

OWNER = Caller(RUN.tenant, "ci", "key_1")
WORKFLOW = WorkflowVersion(RUN.workflow_id, 1, RUN.tenant, DEFINITION, RUN.created_at)
TOLD = ToldRun(RUN.workflow_id, RUN.run_id)


class Redelivery(DeliveryWorld):
    """With what a face works with, and the run of which is told."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.face = RunWorld(clock=self.clock).deps
        self.face.runs.put(replace(RUN, status=RunStatus.PENDING, started_at=None))
        self.face.workflows.put_first(WORKFLOW)
        self.webhooks.put(WEBHOOK)
        self.tell(event())

    def redeliver(self, delivery_id: UUID | None = None, caller: Caller = OWNER) -> Delivery:
        asked = delivery_id or self.only().delivery_id
        return self.redeliver_of(TOLD, asked, caller)

    def redeliver_of(self, told: ToldRun, delivery_id: UUID, caller: Caller = OWNER) -> Delivery:
        sender = Redeliverer(self.deliveries, self.webhooks, self.executions)
        return redeliver_webhook(delivery_id, told, caller, self.face, sender)

    def listed(self, told: ToldRun = TOLD, caller: Caller = OWNER, **how: Any) -> ToldDeliveries:
        return list_deliveries(told, caller, self.face, self.deliveries, **{"limit": 50, **how})


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


def test_while_an_attempt_is_under_way_it_is_not_sent_again() -> None:
    world = Redelivery(answers=[NO])
    with pytest.raises(DeliveryPendingError, match="under way"):
        world.redeliver()
    world.clock.sleep(world.attempt(world.only()).wait_seconds)  # the second is begun at this moment
    with pytest.raises(DeliveryPendingError, match="under way"):
        world.redeliver()
    assert len(world.all_executions.started) == 1


def test_a_receiver_that_was_mended_need_not_wait_for_the_next_attempt() -> None:
    world = Redelivery(answers=[NO, OK])
    first = world.only()
    world.attempt(first)
    assert world.redeliver().round == 2
    assert world.attempt(first, 2).outcome is Outcome.SUPERSEDED  # who waited wakes up
    world.finished.add(first.execution_name)
    world.play()
    assert world.only().status is DeliveryStatus.DELIVERED
    assert [(attempt.round, attempt.number) for attempt in world.only().attempts] == [(1, 1), (2, 1)]
    assert {headers["webhook-id"] for _, headers, _ in world.posted} == {str(first.event_id)}


def test_an_attempt_that_begins_as_it_is_sent_again_counts_for_nothing() -> None:
    world = Redelivery(answers=[NO, NO, OK])
    first = world.only()
    world.clock.sleep(world.attempt(first).wait_seconds - 1)
    world.points = 0
    world.cuts[3] = lambda: void(world.redeliver(first.delivery_id))  # before the second's write
    world.attempt(first, 2)
    assert (world.only().round, world.only().is_open) == (2, True)
    world.play()
    assert world.only().status is DeliveryStatus.DELIVERED


def test_a_list_says_what_waits_for_which_on_whichever_page_that_is() -> None:
    world = Redelivery(answers=[NO])
    world.webhooks.put(replace(WEBHOOK, webhook_id=UUID(int=2)))
    world.tell(event(), event(RunStatus.COMPLETED))
    seen: list[tuple[UUID | None, int, int]] = []
    after: DeliveryPlace | None = None
    while after or not seen:
        told = world.listed(limit=1, after=after)
        [delivery] = told.page.deliveries
        seen.append((delivery.webhook_id, delivery.sequence, told.first_open[delivery.target].sequence))
        after = told.page.next_place
    assert seen == [(hook, number, 1) for hook in (UUID(int=2), WEBHOOK.webhook_id) for number in (1, 2)]
    assert {first.sequence for first in world.listed().first_open.values()} == {1}


def test_to_a_webhook_that_is_disabled_or_deleted_nothing_is_sent_again() -> None:
    world = Redelivery()
    world.play()
    world.webhooks.replace(replace(WEBHOOK, enabled=False), seen=WEBHOOK)
    with pytest.raises(WebhookDisabledError, match="enable it first"):
        world.redeliver()
    world.webhooks.delete(RUN.tenant, RUN.workflow_id, WEBHOOK.webhook_id)
    with pytest.raises(WebhookNotFoundError):
        world.redeliver()
    assert world.only().round == 1


def test_of_a_deleted_workflow_nothing_is_sent_again_and_its_deliveries_are_shown() -> None:
    world = Redelivery()
    world.play()
    world.face.workflows.delete(WORKFLOW, world.clock.now())
    with pytest.raises(WorkflowNotFoundError):
        world.redeliver()
    assert world.listed().page.deliveries == world.all()


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
    with pytest.raises(DeliveryPendingError, match=f"waits for {spell_delivery(first.delivery_id)}"):
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
    assert world.listed().page.deliveries == world.all()
    with pytest.raises(refusal):
        world.listed(told, caller)
    with pytest.raises(refusal):
        world.redeliver_of(told, world.only().delivery_id, caller)


def test_what_is_no_delivery_of_the_run_is_not_found() -> None:
    with pytest.raises(DeliveryNotFoundError):
        Redelivery().redeliver(UUID(int=1))


def void(_: object) -> None:
    """What a cut comes to is nobody's."""


def die() -> None:
    raise CrashError
