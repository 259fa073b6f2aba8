"""Give a webhook another secret; for a while the one before signs too, so that its receiver can change over."""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.webhook import Webhook
from stepcall.use_cases.update_webhook import change_webhook
from stepcall.use_cases.webhook_dependencies import WebhookDependencies

DEFAULT_HOURS, MAX_HOURS = 24, 168


class RotateWebhookSecret(NamedTuple):
    workflow_id: UUID
    webhook_id: UUID
    previous_valid: timedelta = timedelta(hours=DEFAULT_HOURS)
    """For how long the secret before signs too; one that was before that one stops at once."""


def rotate_webhook_secret(
    command: RotateWebhookSecret, caller: Caller, deps: WebhookDependencies
) -> tuple[Webhook, bytes]:
    """The webhook, and its new secret.

    Raises what `change_webhook` raises, and WebhookSecretsUnavailableError; then the secret is the one it was.
    """

    def change(webhook: Webhook) -> Webhook:
        until = deps.now() + command.previous_valid if command.previous_valid else None
        rotated = replace(webhook, secret_version=webhook.secret_version + 1, previous_secret_until=until)
        deps.secrets.of_webhook(rotated, deps.now())  # before the write: nobody has a secret that cannot be told
        return rotated

    rotated = change_webhook(
        command.workflow_id, command.webhook_id, change, caller, deps, event="webhook_secret_rotated"
    )
    return rotated, deps.secrets.of_webhook(rotated, deps.now())[0]
