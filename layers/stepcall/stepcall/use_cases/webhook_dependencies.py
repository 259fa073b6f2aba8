"""What the use cases of webhooks work with, and what they have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.webhook import Secrets, Webhook
from stepcall.stores.webhook_store import WebhookStore
from stepcall.stores.workflow_store import WorkflowStore
from stepcall.use_cases.dependencies import Log


class SecretsOfWebhooks(Protocol):
    def of_webhook(self, webhook: Webhook, now: datetime) -> Secrets:
        """Raises WebhookSecretsUnavailableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDependencies:
    """For who subscribes."""

    workflows: WorkflowStore
    webhooks: WebhookStore
    secrets: SecretsOfWebhooks
    check_url: Callable[[str, str], None]
    """A URL, and where it stands in the request. Raises WebhookRefusedError."""
    new_id: Callable[[], UUID]
    now: Callable[[], datetime]
    log: Log


def require_workflow(workflow_id: UUID, caller: Caller, deps: WebhookDependencies) -> None:
    """Raises WorkflowNotFoundError, also for another tenant's or a deleted one, and NotGrantedError."""
    deps.workflows.get_latest(caller.tenant, workflow_id)
    caller.require_workflow(workflow_id)


def log_change(event: str, webhook: Webhook, caller: Caller, deps: WebhookDependencies) -> None:
    """Never the URL, which may hold a secret of its receiver."""
    deps.log(
        event,
        webhook_id=str(webhook.webhook_id),
        workflow_id=str(webhook.workflow_id),
        tenant=webhook.tenant,
        principal=caller.principal,
    )
