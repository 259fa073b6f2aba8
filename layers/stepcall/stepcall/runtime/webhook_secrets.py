"""What signs webhooks: derived from one secret of the deployment, so that none of them is stored."""

import hmac
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from stepcall.domain.webhook import Secrets, Webhook

OF_WEBHOOK = b"stepcall webhook"
OF_RUN = b"stepcall webhook of run"


class WebhookSecrets:
    """`read_secret` gives the deployment's secret, text of more than 256 bits, and raises what reading it does.

    Whoever replaces that secret replaces all of these.
    """

    def __init__(self, read_secret: Callable[[], str]) -> None:
        self._read_secret = read_secret

    def of_webhook(self, webhook: Webhook, now: datetime) -> Secrets:
        newest = [webhook.secret_version]
        is_rotated = webhook.previous_secret_until is not None and now < webhook.previous_secret_until
        versions = [*newest, webhook.secret_version - 1] if is_rotated else newest
        return [self._derive(OF_WEBHOOK, webhook.webhook_id, version) for version in versions]

    def of_run(self, run_id: UUID) -> Secrets:
        """For the `webhook_url` of one run."""
        return [self._derive(OF_RUN, run_id, 1)]

    def _derive(self, purpose: bytes, of: UUID, version: int) -> bytes:
        # RFC 5869 with one block: the secret's text is extracted, then expanded by what it is for
        key = hmac.digest(purpose, self._read_secret().encode(), "sha256")
        return hmac.digest(key, of.bytes + version.to_bytes(4, "big"), "sha256")
