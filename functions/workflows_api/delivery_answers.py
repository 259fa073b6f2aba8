"""How deliveries of webhooks are shown: without what was sent, and without the query of where to."""

from collections.abc import Iterable
from typing import Any

from stepcall.domain.delivery import Attempt, Delivery
from stepcall.domain.ids import spell_delivery, spell_webhook
from stepcall.domain.times import print_time

Json = dict[str, Any]


def print_deliveries(deliveries: Iterable[Delivery]) -> Json:
    return {"deliveries": [print_delivery(delivery) for delivery in deliveries]}


def print_delivery(delivery: Delivery) -> Json:
    """`next_attempt_at` is there while there is one to come whose time is known."""
    next_at = delivery.next_attempt_at
    return {
        "delivery_id": spell_delivery(delivery.delivery_id),
        "webhook_id": spell_webhook(delivery.webhook_id) if delivery.webhook_id else None,
        "event": delivery.event.value,
        "event_id": str(delivery.event_id),
        "sequence": delivery.sequence,
        "url": delivery.url.partition("#")[0].partition("?")[0],
        "status": delivery.status.value,
        "attempts": [_print_attempt(attempt) for attempt in delivery.attempts],
        **({"next_attempt_at": print_time(next_at)} if next_at else {}),
    }


def _print_attempt(attempt: Attempt) -> Json:
    return {
        "at": print_time(attempt.at),
        "status_code": attempt.status_code,
        "duration_ms": attempt.duration_ms,
        "error": attempt.error,
    }
