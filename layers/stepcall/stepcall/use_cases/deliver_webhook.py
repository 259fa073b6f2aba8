"""One attempt to deliver a webhook: sign what was made once, send it, write down what came of it.

It may be asked for the same attempt twice, as Lambda and Step Functions deliver at least once: what is recorded is not
done again, and of two that do it at once one is recorded.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.delivery import Attempt, Delivery, DeliveryStatus
from stepcall.domain.errors import StepcallError
from stepcall.domain.ids import spell_delivery
from stepcall.domain.webhook import Secrets, Webhook
from stepcall.domain.webhook_answer import (
    Answered,
    NotAnswered,
    Verdict,
    describe_failure,
    judge,
    wait_before_next,
)
from stepcall.domain.webhook_signature import sign
from stepcall.stores.delivery_store import DeliveryNotFoundError, DeliveryStore
from stepcall.stores.webhook_store import WebhookNotFoundError, WebhookStore
from stepcall.use_cases.delivery_executions import DeliveryExecutions, start_next
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.metrics import Metric, Metrics

CHANGE_ATTEMPTS = 10
GONE_REASON = "The receiver answered 410 Gone."
Post = Callable[[str, Mapping[str, str], bytes], Answered | NotAnswered]
"""Sends a body with these headers to a URL. Raises nothing for what the receiver does."""


class SigningSecrets(Protocol):
    def of_webhook(self, webhook: Webhook, now: datetime) -> Secrets: ...

    def of_run(self, run_id: UUID) -> Secrets: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDependencies:
    deliveries: DeliveryStore
    webhooks: WebhookStore
    executions: DeliveryExecutions
    secrets: SigningSecrets
    post: Post
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    """From 0 to 1."""
    log: Log
    metrics: Metrics


class WantedAttempt(NamedTuple):
    """What the state machine asks for. `wait_seconds`: what its schedule has planned behind it, 0 for no more."""

    run_id: UUID
    target: str
    sequence: int
    round: int
    number: int
    wait_seconds: int


class Outcome(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"
    RETRY = "retry"
    SUPERSEDED = "superseded"
    """The delivery is in another round, or is kept no longer."""


class Told(NamedTuple):
    """What the state machine goes on by. After `retry`: `wait_seconds`, 0 where no attempt is left."""

    outcome: Outcome
    wait_seconds: int = 0


class ChangedMeanwhileError(StepcallError):
    """Others change it all the time; the state machine asks again."""


class NotSentError(StepcallError):
    """There is nobody to send it to any more; the message says why."""


def deliver_webhook(wanted: WantedAttempt, deps: DeliveryDependencies) -> Told:
    delivery = _find(wanted, deps)
    if delivery is None:
        return Told(Outcome.SUPERSEDED)
    if delivery.is_open and not delivery.has_made(wanted.number):
        delivery = _attempt(delivery, wanted, deps)
    return _tell(delivery, deps)


def give_up(wanted: WantedAttempt, deps: DeliveryDependencies) -> Told:
    """After the last attempt."""
    delivery = _find(wanted, deps)
    if delivery is None:
        return Told(Outcome.SUPERSEDED)
    if delivery.is_open:
        given_up = delivery.given_up()
        if not deps.deliveries.replace(given_up, seen=delivery):
            raise ChangedMeanwhileError("The delivery has changed at this moment.")
        deps.log("webhook_exhausted", **_facts(delivery))
        delivery = given_up
    return _tell(delivery, deps)


def _find(wanted: WantedAttempt, deps: DeliveryDependencies) -> Delivery | None:
    """The delivery in the round that is asked for."""
    try:
        delivery = deps.deliveries.get(wanted.run_id, wanted.target, wanted.sequence)
    except DeliveryNotFoundError:
        return None
    return delivery if delivery.round == wanted.round else None


def _tell(delivery: Delivery, deps: DeliveryDependencies) -> Told:
    if delivery.is_open:
        if delivery.next_attempt_at is None:
            return Told(Outcome.RETRY)
        left = (delivery.next_attempt_at - deps.now()).total_seconds()
        return Told(Outcome.RETRY, max(1, math.ceil(left)))
    start_next(delivery, deps.deliveries, deps.executions)
    return Told(Outcome.DELIVERED if delivery.status is DeliveryStatus.DELIVERED else Outcome.FAILED)


def _attempt(delivery: Delivery, wanted: WantedAttempt, deps: DeliveryDependencies) -> Delivery:
    """The delivery with the attempt, by whomever it was made."""
    at, started = deps.now(), deps.monotonic()
    try:
        delivery, secrets = _receiver_of(delivery, at, deps)
        answer = deps.post(delivery.url, _headers(delivery, secrets, at), delivery.body.encode())
    except NotSentError as exc:
        answer = NotAnswered(str(exc), is_final=True)
    attempt = Attempt(
        round=wanted.round,
        number=wanted.number,
        at=at,
        duration_ms=round((deps.monotonic() - started) * 1000),
        status_code=answer.status_code if isinstance(answer, Answered) else None,
        error=describe_failure(answer),
    )
    after = _after(delivery, attempt, answer, wanted, deps)
    if not deps.deliveries.replace(after, seen=delivery):
        return _find(wanted, deps) or after.given_up()
    if after.status is not DeliveryStatus.DELIVERED:
        deps.metrics({Metric.WEBHOOK_FAILURES: [1]})
    deps.log("webhook_attempted", status=after.status, status_code=str(attempt.status_code), **_facts(after))
    return after


def _after(
    delivery: Delivery,
    attempt: Attempt,
    answer: Answered | NotAnswered,
    wanted: WantedAttempt,
    deps: DeliveryDependencies,
) -> Delivery:
    verdict = judge(answer)
    if verdict is Verdict.DELIVERED:
        return delivery.after(attempt, DeliveryStatus.DELIVERED)
    if verdict is Verdict.GONE:
        _stop_webhook(delivery, deps)
    if verdict is not Verdict.RETRY:
        return delivery.after(attempt, DeliveryStatus.FAILED)
    now = deps.now()
    seconds = wait_before_next(wanted.wait_seconds, answer, now, deps.random())
    return delivery.after(attempt, DeliveryStatus.PENDING, now + timedelta(seconds=seconds) if seconds else None)


def _receiver_of(delivery: Delivery, now: datetime, deps: DeliveryDependencies) -> tuple[Delivery, Secrets]:
    """The delivery to where its receiver is now, and what signs it. Raises NotSentError."""
    if delivery.webhook_id is None:
        return delivery, deps.secrets.of_run(delivery.run_id)
    try:
        webhook = deps.webhooks.get(delivery.tenant, delivery.workflow_id, delivery.webhook_id)
    except WebhookNotFoundError as exc:
        raise NotSentError("Not sent: the webhook is deleted.") from exc
    if not webhook.enabled:
        raise NotSentError(f"Not sent: the webhook is disabled. {webhook.stopped_reason or ''}".strip())
    return delivery.to(webhook.url), deps.secrets.of_webhook(webhook, now)


def _headers(delivery: Delivery, secrets: Secrets, now: datetime) -> dict[str, str]:
    """Of Standard Webhooks. The id is the event's: the same over all attempts, rounds and receivers."""
    message_id, timestamp = str(delivery.event_id), int(now.timestamp())
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, message_id, timestamp, delivery.body.encode()),
    }


def _stop_webhook(delivery: Delivery, deps: DeliveryDependencies) -> None:
    """Before the attempt is recorded: who finds it recorded need not ask whether this was done."""
    if delivery.webhook_id is None:
        return
    with suppress(WebhookNotFoundError):
        for _ in range(CHANGE_ATTEMPTS):
            webhook = deps.webhooks.get(delivery.tenant, delivery.workflow_id, delivery.webhook_id)
            if not webhook.enabled or webhook.url != delivery.url:  # it was the receiver before that is gone
                return
            stopped = replace(webhook, enabled=False, stopped_reason=GONE_REASON)
            if deps.webhooks.replace(stopped, seen=webhook):
                deps.log("webhook_stopped", **_facts(delivery))
                return
        raise ChangedMeanwhileError("The webhook changes all the time.")


def _facts(delivery: Delivery) -> dict[str, str]:
    """Besides the run's: who asks has named it."""
    return {"delivery_id": spell_delivery(delivery.delivery_id), "round": str(delivery.round)}
