"""Unsubscribe."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.use_cases.read_webhook import read_webhook
from stepcall.use_cases.webhook_dependencies import WebhookDependencies, log_change


def delete_webhook(workflow_id: UUID, webhook_id: UUID, caller: Caller, deps: WebhookDependencies) -> None:
    """Raises WorkflowNotFoundError, NotGrantedError, WebhookNotFoundError, WebhookIsChangingError."""
    webhook = read_webhook(workflow_id, webhook_id, caller, deps)
    deps.webhooks.delete(caller.tenant, workflow_id, webhook_id)
    log_change("webhook_deleted", webhook, caller, deps)
