"""Change a webhook: where it sends, what it sends, whether it sends."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.webhook import Webhook, WebhookEvent
from stepcall.domain.webhook_errors import WebhookIsChangingError
from stepcall.use_cases.read_webhook import read_webhook
from stepcall.use_cases.webhook_dependencies import WebhookDependencies, log_change

CHANGE_ATTEMPTS = 10


class UpdateWebhook(NamedTuple):
    """None leaves a thing as it is."""

    workflow_id: UUID
    webhook_id: UUID
    url: str | None = None
    events: frozenset[WebhookEvent] | None = None
    enabled: bool | None = None


def update_webhook(command: UpdateWebhook, caller: Caller, deps: WebhookDependencies) -> Webhook:
    """Raises what `change_webhook` raises, and WebhookRefusedError."""

    def change(webhook: Webhook) -> Webhook:
        if command.url is not None:
            deps.check_url(command.url, "/url")
        enabled = webhook.enabled if command.enabled is None else command.enabled
        return replace(
            webhook,
            url=webhook.url if command.url is None else command.url,
            events=webhook.events if command.events is None else command.events,
            enabled=enabled,
            stopped_reason=None if enabled else webhook.stopped_reason,
        )

    return change_webhook(command.workflow_id, command.webhook_id, change, caller, deps, event="webhook_updated")


def change_webhook(
    workflow_id: UUID,
    webhook_id: UUID,
    change: Callable[[Webhook], Webhook],
    caller: Caller,
    deps: WebhookDependencies,
    *,
    event: str,
) -> Webhook:
    """What `change` has made of it; `event` is what the log calls that.

    Raises WorkflowNotFoundError, NotGrantedError, WebhookNotFoundError, what `change` raises, and
    WebhookIsChangingError when others change it all the time.
    """
    for _ in range(CHANGE_ATTEMPTS):
        seen = read_webhook(workflow_id, webhook_id, caller, deps)
        changed = change(seen)
        if changed == seen:
            return seen
        if deps.webhooks.replace(changed, seen=seen):
            log_change(event, changed, caller, deps)
            return changed
    raise WebhookIsChangingError("Others change this webhook at this moment.")
