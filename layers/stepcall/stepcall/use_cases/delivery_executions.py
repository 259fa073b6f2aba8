"""The port to what makes the attempts of deliveries, and the one rule of which delivery's turn it is.

Of a run's deliveries to one receiver the first that is open is started, and no other: so they arrive in their order.
Whoever puts a delivery, ends one or opens one again looks afterwards which one that is. Starting is idempotent, so of
two that look at once both may start it; and whichever of them has written last sees what the other has.
"""

from collections.abc import Iterable
from typing import Protocol

from stepcall.domain.delivery import Delivery
from stepcall.stores.delivery_store import DeliveryStore


class DeliveryExecutions(Protocol):
    def start(self, delivery: Delivery) -> None:
        """Start what makes the attempts of its round; started already is fine."""


def start_next(ended: Delivery, deliveries: DeliveryStore, executions: DeliveryExecutions) -> None:
    """Start what waits for the end of this one, or the one itself where it is open."""
    start_first_open(deliveries.list_by_target(ended.run_id, ended.target), executions)


def start_first_open(deliveries: Iterable[Delivery], executions: DeliveryExecutions) -> None:
    """`deliveries`: all of a run for one receiver, in their order."""
    first = next((delivery for delivery in deliveries if delivery.is_open), None)
    if first:
        executions.start(first)
