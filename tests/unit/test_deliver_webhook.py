"""One attempt: what is sent, what its answer comes to, and what is left when it is asked for twice or dies."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Verifier

from stepcall.domain.delivery import ATTEMPTS_KEPT, Delivery, DeliveryStatus
from stepcall.domain.run import RunStatus
from stepcall.domain.webhook_answer import Answered, NotAnswered
from stepcall.domain.webhook_signature import spell_secret
from stepcall.runtime.webhook_secrets import WebhookSecrets
from stepcall.use_cases.deliver_webhook import Outcome, Told
from stepcall.use_cases.metrics import Metric
from tests.unit.delivery_world import NO, OK, RUN, WEBHOOK, CrashError, DeliveryWorld, event

SECRETS = WebhookSecrets(lambda: "s" * 64)


def world_with(*answers: Answered | NotAnswered) -> tuple[DeliveryWorld, Delivery]:
    world = DeliveryWorld(answers=list(answers))
    world.webhooks.put(WEBHOOK)
    world.tell(event(RunStatus.COMPLETED))
    return world, world.only()


def test_what_is_sent_is_what_was_stored_and_the_standards_library_verifies_it() -> None:
    world, delivery = world_with(OK)
    world.clock.time = event().time.now(event().time.tzinfo)  # the library compares with the clock on the wall
    assert world.attempt(delivery) == Told(Outcome.DELIVERED)
    [(url, headers, body)] = world.posted
    assert (url, body.decode()) == (WEBHOOK.url, delivery.body)
    [secret] = SECRETS.of_webhook(WEBHOOK, world.clock.now())
    assert Verifier(spell_secret(secret)).verify(body, headers)["type"] == "execution.completed"
    assert headers["webhook-id"] == str(delivery.event_id)


def test_an_attempt_is_recorded_with_its_time_its_duration_and_its_answer() -> None:
    world, delivery = world_with(OK)
    at = world.clock.now()
    world.attempt(delivery)
    [attempt] = world.only().attempts
    assert (attempt.at, attempt.duration_ms, attempt.status_code, attempt.error) == (at, 250, 204, None)
    assert (world.only().status, world.only().next_attempt_at) == (DeliveryStatus.DELIVERED, None)


@pytest.mark.parametrize(
    "answer", [NO, Answered(404), Answered(301), Answered(100), Answered(600), NotAnswered("No connection.")]
)
def test_whatever_is_no_success_is_tried_again(answer: Answered | NotAnswered) -> None:
    world, delivery = world_with(answer)
    assert world.attempt(delivery) == Told(Outcome.RETRY, 5)
    assert world.only().next_attempt_at == world.clock.now() + timedelta(seconds=5)
    assert world.only().attempts[0].error


def test_after_the_last_attempt_nothing_is_waited_for_and_the_delivery_is_given_up() -> None:
    world, delivery = world_with(NO)
    world.attempt(delivery, 1)
    world.attempt(delivery, 2)
    assert world.attempt(delivery, 3) == Told(Outcome.RETRY, 0)
    assert (world.only().status, world.only().next_attempt_at) == (DeliveryStatus.PENDING, None)
    assert world.give_up(delivery) == Told(Outcome.FAILED)
    assert world.give_up(delivery) == Told(Outcome.FAILED)
    assert world.only().status is DeliveryStatus.FAILED
    assert world.logged.count("webhook_exhausted") == 1


def test_an_attempt_that_is_asked_for_twice_is_made_once() -> None:
    world, delivery = world_with(NO, OK)
    first = world.attempt(delivery)
    world.clock.sleep(2)
    assert (first, world.attempt(delivery)) == (Told(Outcome.RETRY, 5), Told(Outcome.RETRY, 3))
    world.clock.sleep(60)
    assert world.attempt(delivery) == Told(Outcome.RETRY, 1)
    assert len(world.posted) == 1


def test_of_one_attempt_made_twice_at_once_one_is_recorded() -> None:
    world, delivery = world_with(NO, OK)
    told: list[Told] = []
    world.points = 0
    world.cuts[3] = lambda: told.append(world.attempt(delivery))  # before the first one's write
    told.append(world.attempt(delivery))
    assert told == [Told(Outcome.DELIVERED)] * 2
    assert (len(world.posted), len(world.only().attempts)) == (2, 1)
    assert world.only().attempts[0].status_code == 204


def test_who_dies_after_sending_sends_again_with_the_same_id() -> None:
    world, delivery = world_with(OK)
    world.points = 0
    world.cuts[3] = die
    with pytest.raises(CrashError):
        world.attempt(delivery)
    assert world.attempt(delivery) == Told(Outcome.DELIVERED)
    assert len({headers["webhook-id"] for _, headers, _ in world.posted}) == 1
    assert len(world.posted) == 2


def test_an_attempt_that_never_was_recorded_does_not_hold_up_the_next() -> None:
    world, delivery = world_with(OK)
    assert world.attempt(delivery, 2) == Told(Outcome.DELIVERED)  # Lambda could not make the first
    assert [attempt.number for attempt in world.only().attempts] == [2]


def test_a_410_stops_the_webhook_and_ends_the_delivery() -> None:
    world, delivery = world_with(Answered(410))
    assert world.attempt(delivery) == Told(Outcome.FAILED)
    [webhook] = world.webhooks.list_by_workflow(RUN.tenant, RUN.workflow_id)
    assert (webhook.enabled, webhook.stopped_reason) == (False, "The receiver answered 410 Gone.")
    assert world.only().attempts[0].status_code == 410


def test_a_410_of_a_url_that_the_webhook_has_left_does_not_stop_it() -> None:
    world, delivery = world_with(Answered(410))
    moved = replace(WEBHOOK, url="https://example.com/new")
    post = world.post

    def post_and_move(*sent: object) -> Answered | NotAnswered:
        world.webhooks.replace(moved, seen=WEBHOOK)
        return post(*sent)  # type: ignore[arg-type]

    world.post = post_and_move  # type: ignore[method-assign, assignment]
    assert world.attempt(delivery) == Told(Outcome.FAILED)
    assert world.webhooks.list_by_workflow(RUN.tenant, RUN.workflow_id) == [moved]


def test_a_410_and_a_rotation_at_once_leave_it_stopped_and_rotated() -> None:
    world, delivery = world_with(Answered(410))
    rotated = replace(WEBHOOK, secret_version=2)
    get, seen = world.webhooks.get, []

    def get_and_rotate(*key: object) -> object:
        found = get(*key)
        seen.append(found)
        if len(seen) == 2:  # the first is before the attempt
            world.webhooks.replace(rotated, seen=WEBHOOK)
        return found

    world.webhooks.get = get_and_rotate
    world.attempt(delivery)
    [webhook] = world.webhooks.list_by_workflow(RUN.tenant, RUN.workflow_id)
    assert (webhook.enabled, webhook.secret_version) == (False, 2)


def test_a_runs_own_url_that_is_gone_ends_its_delivery() -> None:
    world = DeliveryWorld(answers=[Answered(410)])
    world.tell(event(RunStatus.COMPLETED, replace(RUN, webhook_url="https://example.com/back")))
    assert world.attempt(world.only()) == Told(Outcome.FAILED)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"enabled": False, "stopped_reason": "The receiver answered 410 Gone."}, "disabled. The receiver answered"),
        ({"enabled": False}, "Not sent: the webhook is disabled."),
        (None, "Not sent: the webhook is deleted."),
    ],
)
def test_to_a_webhook_that_is_not_there_or_disabled_nothing_is_sent(change: dict[str, object], said: str) -> None:
    world, delivery = world_with(OK)
    if change:
        world.webhooks.replace(replace(WEBHOOK, **change), seen=WEBHOOK)  # type: ignore[arg-type]
    else:
        world.webhooks.delete(RUN.tenant, RUN.workflow_id, WEBHOOK.webhook_id)
    assert world.attempt(delivery) == Told(Outcome.FAILED)
    assert world.posted == []
    assert said in str(world.only().attempts[0].error)


def test_it_is_sent_to_where_the_webhook_is_now_and_signed_by_the_secrets_of_now() -> None:
    world, delivery = world_with(NO, OK)
    world.attempt(delivery)
    until = world.clock.now() + timedelta(hours=1)
    moved = replace(WEBHOOK, url="https://example.com/new", secret_version=2, previous_secret_until=until)
    world.webhooks.replace(moved, seen=WEBHOOK)
    world.attempt(delivery, 2)
    assert [url for url, _, _ in world.posted] == [WEBHOOK.url, moved.url]
    assert [len(headers["webhook-signature"].split()) for _, headers, _ in world.posted] == [1, 2]
    assert world.only().url == moved.url


def test_what_is_in_another_round_or_kept_no_longer_is_nothing_to_do() -> None:
    world, delivery = world_with(OK)
    assert world.attempt(replace(delivery, round=2)) == Told(Outcome.SUPERSEDED)
    assert world.attempt(replace(delivery, run_id=UUID(int=1))) == Told(Outcome.SUPERSEDED)
    assert world.give_up(replace(delivery, run_id=UUID(int=1))) == Told(Outcome.SUPERSEDED)
    assert world.posted == []


def test_of_many_rounds_the_last_attempts_are_kept() -> None:
    world, delivery = world_with(OK)
    for _ in range(ATTEMPTS_KEPT + 5):
        world.attempt(delivery)
        again = world.only().in_another_round(world.clock.now())
        world.deliveries.replace(again, seen=world.only())
        delivery = again
    attempts = world.only().attempts
    assert (len(attempts), attempts[-1].round) == (ATTEMPTS_KEPT, ATTEMPTS_KEPT + 5)


def die() -> None:
    raise CrashError


def test_each_attempt_that_failed_is_counted_once_and_a_success_is_not() -> None:
    world, delivery = world_with(NO)
    world.attempt(delivery, 1)
    world.attempt(delivery, 1)  # asked for twice, made once
    assert world.measured == [{Metric.WEBHOOK_FAILURES: [1]}]
    world, delivery = world_with(OK)
    world.attempt(delivery)
    assert world.measured == []
