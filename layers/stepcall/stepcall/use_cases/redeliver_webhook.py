"""What was delivered of a run, and once more."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.delivery import Delivery
from stepcall.domain.delivery_errors import DeliveryNotFoundError, DeliveryPendingError
from stepcall.stores.delivery_store import DeliveryStore
from stepcall.use_cases.count_use import count_use
from stepcall.use_cases.delivery_executions import DeliveryExecutions, start_next
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run


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
    opened = _open_again(delivery, deliveries)
    start_next(opened, deliveries, executions)
    return opened


def _open_again(delivery: Delivery, deliveries: DeliveryStore) -> Delivery:
    """Raises DeliveryPendingError."""
    if delivery.is_open:
        # asked for once more before its first attempt: whoever has opened it may not have come to start it
        if delivery.round > 1 and not delivery.attempts_of_round:
            return delivery
        raise DeliveryPendingError("The delivery has not ended: its next attempt comes by itself.")
    opened = delivery.in_another_round()
    if not deliveries.replace(opened, seen=delivery):
        raise DeliveryPendingError("The delivery is being sent again at this moment.")
    return opened
