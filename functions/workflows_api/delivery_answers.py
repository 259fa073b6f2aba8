"""How deliveries of webhooks are shown: without what was sent, and without the query of where to."""

from typing import Any
from uuid import UUID

from stepcall.domain.delivery import OWN_URL, Attempt, Delivery
from stepcall.domain.ids import spell_delivery, spell_webhook
from stepcall.domain.times import print_time
from stepcall.stores.delivery_store import DeliveryPlace
from stepcall.use_cases.redeliver_webhook import ToldDeliveries

Json = dict[str, Any]


def print_deliveries(told: ToldDeliveries) -> Json:
    deliveries = [print_delivery(each, told.first_open.get(each.target)) for each in told.page.deliveries]
    place = told.page.next_place
    return {"deliveries": deliveries, **({"next_token": spell_place(place)} if place else {})}


def spell_place(place: DeliveryPlace) -> str:
    target = place.target if place.target == OWN_URL else spell_webhook(UUID(place.target))
    return f"{target}.{place.sequence}"


def print_redelivered(delivery: Delivery) -> Json:
    """For who may not read."""
    return {"delivery_id": spell_delivery(delivery.delivery_id), "status": delivery.status.value}


def print_delivery(delivery: Delivery, first_open: Delivery | None = None) -> Json:
    """`next_attempt_at` is there while there is one to come whose time is known.

    `first_open` is that of its receiver; `waits_for` is there for what has to wait for that.
    """
    next_at = delivery.next_attempt_at
    waits = delivery.is_open and first_open is not None and first_open.delivery_id != delivery.delivery_id
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
        **({"waits_for": spell_delivery(first_open.delivery_id)} if waits and first_open else {}),
    }


def _print_attempt(attempt: Attempt) -> Json:
    return {
        "at": print_time(attempt.at),
        "status_code": attempt.status_code,
        "duration_ms": attempt.duration_ms,
        "error": attempt.error,
    }
