"""The webhooks of a workflow, without their secrets."""

from collections.abc import Sequence
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.webhook import Webhook
from stepcall.use_cases.webhook_dependencies import WebhookDependencies, require_workflow


def list_webhooks(workflow_id: UUID, caller: Caller, deps: WebhookDependencies) -> Sequence[Webhook]:
    """Oldest first. Raises WorkflowNotFoundError, NotGrantedError."""
    require_workflow(workflow_id, caller, deps)
    return deps.webhooks.list_by_workflow(caller.tenant, workflow_id)


def read_webhook(workflow_id: UUID, webhook_id: UUID, caller: Caller, deps: WebhookDependencies) -> Webhook:
    """Raises WorkflowNotFoundError, NotGrantedError, WebhookNotFoundError."""
    require_workflow(workflow_id, caller, deps)
    return deps.webhooks.get(caller.tenant, workflow_id, webhook_id)
