"""Subscribe a URL to the runs of a workflow."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.webhook import Webhook, WebhookEvent
from stepcall.use_cases.webhook_dependencies import WebhookDependencies, log_change, require_workflow

ALL_EVENTS = frozenset(WebhookEvent)


class CreateWebhook(NamedTuple):
    workflow_id: UUID
    url: str
    events: frozenset[WebhookEvent] = ALL_EVENTS


def create_webhook(command: CreateWebhook, caller: Caller, deps: WebhookDependencies) -> tuple[Webhook, bytes]:
    """The webhook, and what its deliveries are signed with.

    Raises WorkflowNotFoundError, NotGrantedError, WebhookRefusedError, WebhookSecretsUnavailableError,
    TooManyWebhooksError, WebhookIsChangingError; then there is none.
    """
    require_workflow(command.workflow_id, caller, deps)
    deps.check_url(command.url, "/url")
    webhook = Webhook(
        tenant=caller.tenant,
        workflow_id=command.workflow_id,
        webhook_id=deps.new_id(),
        url=command.url,
        events=command.events,
        created_at=deps.now(),
    )
    [secret] = deps.secrets.of_webhook(
        webhook, deps.now()
    )  # before the write: a webhook whose secret nobody has is none
    deps.webhooks.put(webhook)
    log_change("webhook_created", webhook, caller, deps)
    return webhook, secret
