"""How webhooks are shown: never with their secret but when that is new."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from stepcall.domain.ids import spell_webhook, spell_workflow
from stepcall.domain.times import print_time
from stepcall.domain.webhook import Webhook, WebhookEvent
from stepcall.domain.webhook_signature import spell_secret
from stepcall.runtime.webhook_wiring import webhook_secrets

Json = dict[str, Any]
NEVER_KEPT: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store"})


def print_with_secret(webhook: Webhook, secret: bytes, now: datetime) -> Json:
    """The one answer that this secret stands in."""
    return {**print_webhook(webhook, now), "secret": spell_secret(secret)}


def print_webhook(webhook: Webhook, now: datetime) -> Json:
    """What is not so is left out."""
    until = webhook.previous_secret_until
    return {
        "webhook_id": spell_webhook(webhook.webhook_id),
        "workflow_id": spell_workflow(webhook.workflow_id),
        "url": webhook.url,
        "events": [event.value for event in WebhookEvent if event in webhook.events],
        "enabled": webhook.enabled,
        "created_at": print_time(webhook.created_at),
        **({"previous_secret_until": print_time(until)} if until and now < until else {}),
        **({"stopped_reason": webhook.stopped_reason} if webhook.stopped_reason else {}),
    }


def print_webhooks(webhooks: Iterable[Webhook], now: datetime) -> Json:
    return {"webhooks": [print_webhook(webhook, now) for webhook in webhooks]}


def location_of(webhook: Webhook) -> str:
    return f"/workflows/{spell_workflow(webhook.workflow_id)}/webhooks/{spell_webhook(webhook.webhook_id)}"


def print_secret_of_run(run_id: UUID) -> Json:
    [secret] = webhook_secrets().of_run(run_id)
    return {"webhook_secret": spell_secret(secret)}
