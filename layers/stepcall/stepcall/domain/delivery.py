"""Deliveries of webhooks: one event for one receiver, and all that was tried to get it there.

`PENDING → DELIVERED | FAILED`, and back to PENDING by a redelivery, which is another round of attempts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID, uuid5

from stepcall.domain.ids import spell_execution_name
from stepcall.domain.json_text import write_json
from stepcall.domain.run_events import RunEvent, RunEventType
from stepcall.domain.times import print_time
from stepcall.domain.webhook import Webhook, WebhookEvent

OWN_URL = "call"
"""The target that a run names itself, by its `webhook_url`; of a subscription it is the webhook's id."""
ATTEMPTS_KEPT = 50
EVENT_TYPES: Mapping[RunEventType, WebhookEvent] = MappingProxyType(
    {
        RunEventType.STARTED: WebhookEvent.STARTED,
        RunEventType.COMPLETED: WebhookEvent.COMPLETED,
        RunEventType.FAILED: WebhookEvent.FAILED,
        RunEventType.CANCELLED: WebhookEvent.CANCELLED,
    }
)


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to the receiver, or why there was none. `number` counts from 1 in each round."""

    round: int
    number: int
    at: datetime
    duration_ms: int
    status_code: int | None = None
    """None when there was no answer."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one receiver. `body` is what is sent, the same bytes each time."""

    tenant: str
    workflow_id: UUID
    run_id: UUID
    correlation_id: str
    """The run's: what is logged of its deliveries says it."""
    sequence: int
    webhook_id: UUID | None
    """None for the run's own `webhook_url`."""
    event_id: UUID
    event: WebhookEvent
    url: str
    """Of the receiver, as it was last heard of."""
    body: str
    created_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    round: int = 1
    attempts: tuple[Attempt, ...] = ()
    """Of all rounds, the last 50."""
    next_attempt_at: datetime | None = None
    """When it is planned, where that is known: of a first round's first attempt it is not."""
    revision: int = 0
    """Counts its writes, each of which is on the condition of the one before."""

    @property
    def target(self) -> str:
        return str(self.webhook_id) if self.webhook_id else OWN_URL

    @property
    def delivery_id(self) -> UUID:
        """Made of event and target: whoever tells the event again makes no other."""
        return uuid5(self.event_id, self.target)

    @property
    def execution_name(self) -> str:
        """What the execution that makes this round's attempts is called."""
        return spell_execution_name(self.delivery_id, self.round)

    @property
    def is_open(self) -> bool:
        return self.status is DeliveryStatus.PENDING

    @property
    def attempts_of_round(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.attempts if attempt.round == self.round)

    @property
    def due_at(self) -> datetime:
        """When something was last to come of it, not counting what it had to wait for others."""
        return self.next_attempt_at or (self.attempts[-1].at if self.attempts else self.created_at)

    def has_made(self, number: int) -> bool:
        """Whether that attempt of this round is recorded, or a later one."""
        return any(attempt.number >= number for attempt in self.attempts_of_round)

    def after(self, attempt: Attempt, status: DeliveryStatus, next_attempt_at: datetime | None = None) -> "Delivery":
        kept = (*self.attempts, attempt)[-ATTEMPTS_KEPT:]
        return self._changed(status=status, attempts=kept, next_attempt_at=next_attempt_at)

    def given_up(self) -> "Delivery":
        return self._changed(status=DeliveryStatus.FAILED, next_attempt_at=None)

    def in_another_round(self, now: datetime) -> "Delivery":
        """Whoever makes attempts of the round before finds that it is over."""
        return self._changed(status=DeliveryStatus.PENDING, round=self.round + 1, next_attempt_at=now)

    def to(self, url: str) -> "Delivery":
        """For the receiver where it is now."""
        return replace(self, url=url)

    def _changed(self, **changes: object) -> "Delivery":
        return replace(self, revision=self.revision + 1, **changes)  # type: ignore[arg-type]


def new_delivery(event: RunEvent, webhook: Webhook | None, url: str) -> Delivery:
    """`webhook` None is for the run's own URL."""
    detail = event.to_json()
    return Delivery(
        tenant=event.run.tenant,
        workflow_id=event.run.workflow_id,
        run_id=event.run.run_id,
        correlation_id=event.run.correlation_id,
        sequence=detail["sequence"],
        webhook_id=webhook.webhook_id if webhook else None,
        event_id=event.event_id,
        event=EVENT_TYPES[event.type],
        url=url,
        body=_write_body(event, detail),
        created_at=event.time,
    )


def _write_body(event: RunEvent, detail: Mapping[str, object]) -> str:
    """Standard Webhooks' three members. The tenant is not said: a receiver may be anybody whom the tenant chose."""
    told = {name: value for name, value in detail.items() if name != "tenant"}
    return write_json({"type": EVENT_TYPES[event.type], "timestamp": print_time(event.time), "data": told})
