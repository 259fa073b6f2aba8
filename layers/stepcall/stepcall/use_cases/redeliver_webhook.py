"""What was delivered of a run, and once more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.delivery import Delivery
from stepcall.domain.delivery_errors import DeliveryNotFoundError, DeliveryPendingError
from stepcall.domain.ids import spell_delivery
from stepcall.stores.delivery_store import DeliveryStore
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


def list_deliveries(
    told: ToldRun, caller: Caller, deps: FaceDependencies, deliveries: DeliveryStore
) -> Sequence[Delivery]:
    """Raises RunNotFoundError, NotGrantedError."""
    # a token that was made to share one run is not to tell whom else its owner tells of it
    caller.require_workflow(told.workflow_id)
    find_run(told.run_id, caller, deps, told.workflow_id)
    return deliveries.list_by_run(told.run_id)


def redeliver_webhook(
    delivery_id: UUID,
    told: ToldRun,
    caller: Caller,
    deps: FaceDependencies,
    sender: tuple[DeliveryStore, DeliveryExecutions],
) -> Delivery:
    """The delivery, in a new round of attempts.

    Raises RunNotFoundError, NotGrantedError, DeliveryNotFoundError, RateLimitedError, DeliveryPendingError.
    """
    deliveries, executions = sender
    of_run = list_deliveries(told, caller, deps, deliveries)
    delivery = next((each for each in of_run if each.delivery_id == delivery_id), None)
    if delivery is None:
        raise DeliveryNotFoundError("The execution has no such delivery.")
    if caller.rate_limit:  # it is work as a start is
        count_use(caller.bucket, caller.rate_limit, caller, deps, uncounted="redelivery_not_counted")
    now = deps.now()
    opened = delivery if _is_to_be_started(delivery, now) else _open_again(delivery, of_run, deliveries, now)
    start_next(opened, deliveries, executions)
    facts = {"delivery_id": spell_delivery(delivery_id), "run_id": str(told.run_id), "round": str(opened.round)}
    deps.log("webhook_redelivered", **facts)
    return opened


def _is_to_be_started(delivery: Delivery, now: datetime) -> bool:
    """Asked for once more before its first attempt: whoever has opened it may not have come to start it."""
    is_begun = delivery.round == 1 or delivery.attempts_of_round
    return delivery.is_open and not is_begun and now - delivery.due_at <= LONGEST_ATTEMPT


def _open_again(delivery: Delivery, of_run: Sequence[Delivery], deliveries: DeliveryStore, now: datetime) -> Delivery:
    """Raises DeliveryPendingError."""
    if delivery.is_open and not _is_forgotten(delivery, of_run, now):
        raise DeliveryPendingError("The delivery has not ended: its next attempt comes by itself.")
    opened = delivery.in_another_round(now)
    if not deliveries.replace(opened, seen=delivery):
        raise DeliveryPendingError("The delivery is being sent again at this moment.")
    return opened


def _is_forgotten(delivery: Delivery, of_run: Sequence[Delivery], now: datetime) -> bool:
    """Whether it is its turn, and nothing came of it for longer than an attempt takes: nobody makes any more."""
    of_target = [each for each in of_run if each.target == delivery.target and each.sequence <= delivery.sequence]
    is_its_turn = not any(each.is_open for each in of_target if each is not delivery)
    return is_its_turn and now - max(each.due_at for each in of_target) > LONGEST_ATTEMPT
