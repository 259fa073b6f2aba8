"""The port to webhooks: subscriptions to the runs of a workflow."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from stepcall.domain.webhook import Webhook
from stepcall.domain.webhook_errors import TooManyWebhooksError, WebhookIsChangingError, WebhookNotFoundError

__all__ = ["TooManyWebhooksError", "WebhookIsChangingError", "WebhookNotFoundError", "WebhookStore"]


class WebhookStore(Protocol):
    def put(self, webhook: Webhook) -> None:
        """Store a new one. Raises TooManyWebhooksError when there are MAX_WEBHOOKS, and WebhookIsChangingError."""

    def replace(self, webhook: Webhook, *, seen: Webhook) -> bool:
        """Store it in place of the one that was seen; False when that has changed meanwhile.

        Raises WebhookNotFoundError.
        """

    def get(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> Webhook:
        """Raises WebhookNotFoundError."""

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Webhook]:
        """All of a workflow's, oldest first."""

    def delete(self, tenant: str, workflow_id: UUID, webhook_id: UUID) -> None:
        """One that is not there is fine. Raises WebhookIsChangingError."""
