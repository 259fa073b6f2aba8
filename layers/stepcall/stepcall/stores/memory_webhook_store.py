"""Webhooks in memory."""

from collections.abc import Sequence
from threading import RLock
from uuid import UUID

from stepcall.domain.webhook import MAX_WEBHOOKS, Webhook
from stepcall.stores.webhook_store import TooManyWebhooksError, WebhookNotFoundError


class MemoryWebhookStore:
    """See WebhookStore."""

    def __init__(self) -> None:
        self._webhooks: dict[tuple[str, UUID, UUID], Webhook] = {}
        self._lock = RLock()

    def put(self, webhook: Webhook) -> None:
        with self._lock:
            if len(self.list_by_workflow(webhook.tenant, webhook.workflow_id)) >= MAX_WEBHOOKS:
                raise TooManyWebhooksError(MAX_WEBHOOKS)
            self._webhooks[_key(webhook)] = webhook

    def replace(self, webhook: Webhook, *, seen: Webhook) -> bool:
        with self._lock:
            if self.get(*_key(webhook)) not in {seen, webhook}:
                return False
            self._webhooks[_key(webhook)] = webhook
            return True

    def get(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> Webhook:
        try:
            return self._webhooks[tenant, workflow_id, webhook_id]
        except KeyError as exc:
            raise WebhookNotFoundError("There is no such webhook.") from exc

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Webhook]:
        with self._lock:
            return [each for key, each in sorted(self._webhooks.items()) if key[:2] == (tenant, workflow_id)]

    def delete(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> None:
        with self._lock:
            self._webhooks.pop((tenant, workflow_id, webhook_id), None)


def _key(webhook: Webhook) -> tuple[str, UUID, UUID]:
    return webhook.tenant, webhook.workflow_id, webhook.webhook_id
