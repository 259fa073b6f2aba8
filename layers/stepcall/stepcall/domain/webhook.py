"""Webhooks: where a tenant wants to be told of the runs of a workflow. Source: https://www.standardwebhooks.com."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

MAX_WEBHOOKS = 20
"""Of a workflow: each of them is a call for each event of each of its runs."""


class WebhookEvent(StrEnum):
    """What a webhook's body calls its `type`."""

    STARTED = "execution.started"
    COMPLETED = "execution.completed"
    FAILED = "execution.failed"
    CANCELLED = "execution.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One subscription to a workflow's runs."""

    tenant: str
    workflow_id: UUID
    webhook_id: UUID
    url: str
    events: frozenset[WebhookEvent]
    created_at: datetime
    secret_version: int = 1
    """Counts up with each rotation: secrets are derived, and none is stored."""
    previous_secret_until: datetime | None = None
    """Until then the secret before this one signs too."""
    enabled: bool = True
    stopped_reason: str | None = None
    """Why Stepcall has disabled it; None when it has not."""


Secrets = Sequence[bytes]
"""What signs a delivery, newest first: two while a secret is being rotated."""
