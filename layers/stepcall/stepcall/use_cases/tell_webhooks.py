"""Make a delivery of each event for each webhook that is to be told, and have it made, event by event."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from stepcall.domain.delivery import EVENT_TYPES, Delivery, new_delivery
from stepcall.domain.ids import spell_delivery
from stepcall.domain.run import Run
from stepcall.domain.run_events import RunEvent
from stepcall.domain.webhook import Webhook
from stepcall.stores.delivery_store import DeliveryStore
from stepcall.stores.webhook_store import WebhookStore
from stepcall.use_cases.delivery_executions import DeliveryExecutions, start_next
from stepcall.use_cases.dependencies import Log

AtOnce = Callable[[Callable[[Delivery], None], Iterable[Delivery]], Iterable[None]]
"""As `map` is; whoever takes its results is raised what the calls raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOutDependencies:
    """For what tells of runs."""

    webhooks: WebhookStore
    deliveries: DeliveryStore
    executions: DeliveryExecutions
    is_outage: Callable[[Exception], bool]
    """Whether an error passes by itself."""
    log: Log
    at_once: AtOnce = map
    """How one event's receivers are told; each is a line of its own."""


class KnownWebhooks:
    """A workflow's webhooks, read once for all events of a batch."""

    def __init__(self, store: WebhookStore) -> None:
        self._store = store
        self._known: dict[tuple[str, UUID], Sequence[Webhook]] = {}

    def of(self, run: Run) -> Sequence[Webhook]:
        key = (run.tenant, run.workflow_id)
        if key not in self._known:
            self._known[key] = self._store.list_by_workflow(*key)
        return self._known[key]


def tell_webhooks(events: Sequence[RunEvent], deps: FanOutDependencies, has_time: Callable[[], bool]) -> int | None:
    """The position of the first event that is not wholly told: from there on all have to come again.

    None when all is told. With no time left it stops, but never before the first.
    """
    known = KnownWebhooks(deps.webhooks)
    for position, event in enumerate(events):
        if position and not has_time():
            deps.log("webhooks_out_of_time", left=str(len(events) - position))
            return position
        try:
            _tell_one(event, known, deps)
        except Exception as exc:
            if not deps.is_outage(exc):
                raise
            deps.log("webhooks_not_told", error=type(exc).__name__, **_run_facts(event.run))
            return position
    return None


def _tell_one(event: RunEvent, known: KnownWebhooks, deps: FanOutDependencies) -> None:
    wanted = list(_deliveries_of(event, known))
    for _ in deps.at_once(lambda delivery: _tell_receiver(delivery, event.run, deps), wanted):
        pass


def _tell_receiver(delivery: Delivery, run: Run, deps: FanOutDependencies) -> None:
    if deps.deliveries.put(delivery):
        facts = {"delivery_id": spell_delivery(delivery.delivery_id), "type": delivery.event}
        deps.log("webhook_accepted", **facts, **_run_facts(run))
    start_next(delivery, deps.deliveries, deps.executions)


def _deliveries_of(event: RunEvent, known: KnownWebhooks) -> Iterator[Delivery]:
    run = event.run
    if run.webhook_url and run.status.has_ended:
        yield new_delivery(event, None, run.webhook_url)
    for webhook in known.of(run):
        if webhook.enabled and EVENT_TYPES[event.type] in webhook.events:
            yield new_delivery(event, webhook, webhook.url)


def _run_facts(run: Run) -> dict[str, str]:
    return {"run_id": str(run.run_id), "tenant": run.tenant, "correlation_id": run.correlation_id}
