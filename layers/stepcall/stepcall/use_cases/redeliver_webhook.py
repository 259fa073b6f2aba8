"""What was delivered of a run, and once more."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.delivery import Delivery
from stepcall.domain.delivery_errors import DeliveryPendingError
from stepcall.domain.ids import spell_delivery
from stepcall.domain.webhook_errors import WebhookDisabledError
from stepcall.stores.delivery_store import DeliveryPage, DeliveryPlace, DeliveryStore
from stepcall.stores.webhook_store import WebhookStore
from stepcall.use_cases.count_use import count_use
from stepcall.use_cases.delivery_executions import DeliveryExecutions, start_next
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run

LONGEST_ATTEMPT = timedelta(hours=1)
"""All that the state machine does for one, its retries included, is done in a quarter of it."""


class ToldRun(NamedTuple):
    """Of which run deliveries are asked for."""

    workflow_id: UUID
    run_id: UUID


class Redeliverer(NamedTuple):
    """What sends again, besides what a face has."""

    deliveries: DeliveryStore
    webhooks: WebhookStore
    executions: DeliveryExecutions


class ToldDeliveries(NamedTuple):
    """`first_open`: by target, for those of the page that are open, which one the others of the target wait for."""

    page: DeliveryPage
    first_open: Mapping[str, Delivery]


def list_deliveries(
    told: ToldRun,
    caller: Caller,
    deps: FaceDependencies,
    deliveries: DeliveryStore,
    *,
    limit: int,
    after: DeliveryPlace | None = None,
) -> ToldDeliveries:
    """Raises RunNotFoundError, NotGrantedError."""
    _require_run(told, caller, deps)
    page = deliveries.list_by_run(told.run_id, limit=limit, after=after)
    first_open: dict[str, Delivery] = {}
    for delivery in page.deliveries:
        if delivery.is_open and delivery.target not in first_open:
            is_cut = after is not None and after.target == delivery.target  # the page before has its beginning
            first = deliveries.find_first_open(told.run_id, delivery.target) if is_cut else None
            first_open[delivery.target] = first or delivery
    return ToldDeliveries(page, first_open)


def redeliver_webhook(
    delivery_id: UUID, told: ToldRun, caller: Caller, deps: FaceDependencies, sender: Redeliverer
) -> Delivery:
    """The delivery, in a new round of attempts. One that waits for its next attempt need not wait any longer.

    Raises RunNotFoundError, NotGrantedError, WorkflowNotFoundError, RateLimitedError, DeliveryNotFoundError,
    WebhookNotFoundError, WebhookDisabledError, DeliveryPendingError.
    """
    _require_run(told, caller, deps)
    deps.workflows.get_latest(caller.tenant, told.workflow_id)  # of a deleted one nothing is sent any more
    if caller.rate_limit:  # it is work as a start is
        count_use(caller.bucket, caller.rate_limit, caller, deps, uncounted="redelivery_not_counted")
    delivery = sender.deliveries.find_by_id(told.run_id, delivery_id)
    _require_receiver(delivery, sender.webhooks)
    now = deps.now()
    opened = delivery if _is_to_be_started(delivery, now) else _open_again(delivery, sender.deliveries, now)
    start_next(opened, sender.deliveries, sender.executions)
    facts = {"delivery_id": spell_delivery(delivery_id), "run_id": str(told.run_id), "round": str(opened.round)}
    deps.log("webhook_redelivered", **facts)
    return opened


def _require_run(told: ToldRun, caller: Caller, deps: FaceDependencies) -> None:
    # a token that was made to share one run is not to tell whom else its owner tells of it
    caller.require_workflow(told.workflow_id)
    find_run(told.run_id, caller, deps, told.workflow_id)


def _require_receiver(delivery: Delivery, webhooks: WebhookStore) -> None:
    """Raises WebhookNotFoundError, WebhookDisabledError."""
    if delivery.webhook_id is None:
        return
    webhook = webhooks.get(delivery.tenant, delivery.workflow_id, delivery.webhook_id)
    if not webhook.enabled:
        raise WebhookDisabledError("The webhook is disabled, and nothing is sent to it: enable it first.")


def _is_to_be_started(delivery: Delivery, now: datetime) -> bool:
    """Asked for once more before its first attempt: whoever has opened it may not have come to start it."""
    is_begun = delivery.round == 1 or delivery.attempts_of_round
    return delivery.is_open and not is_begun and now - delivery.due_at <= LONGEST_ATTEMPT


def _open_again(delivery: Delivery, deliveries: DeliveryStore, now: datetime) -> Delivery:
    """Raises DeliveryPendingError."""
    if delivery.is_open:
        up_to_it = [
            each
            for each in deliveries.list_by_target(delivery.run_id, delivery.target)
            if each.sequence <= delivery.sequence
        ]
        _require_its_turn(delivery, up_to_it)
        if not _waits_for_its_time(delivery, now) and not _is_forgotten(up_to_it, now):
            raise DeliveryPendingError("An attempt of the delivery is under way, or about to be.")
    opened = delivery.in_another_round(now)
    if not deliveries.replace(opened, seen=delivery):
        raise DeliveryPendingError("The delivery is being sent again at this moment.")
    return opened


def _require_its_turn(delivery: Delivery, up_to_it: Sequence[Delivery]) -> None:
    """Raises DeliveryPendingError."""
    first = next((each for each in up_to_it if each.is_open), delivery)
    if first.delivery_id != delivery.delivery_id:
        waits = f"The delivery waits for {spell_delivery(first.delivery_id)}"
        raise DeliveryPendingError(f"{waits}, of an earlier event to the same receiver, and comes after it by itself.")


def _waits_for_its_time(delivery: Delivery, now: datetime) -> bool:
    """Whether nobody does anything about it but wait: who wakes up later finds another round."""
    next_at = delivery.next_attempt_at
    return bool(delivery.attempts_of_round) and next_at is not None and next_at > now


def _is_forgotten(up_to_it: Sequence[Delivery], now: datetime) -> bool:
    """Whether nothing came of them for longer than an attempt takes: nobody makes any more."""
    return now - max(each.due_at for each in up_to_it) > LONGEST_ATTEMPT
