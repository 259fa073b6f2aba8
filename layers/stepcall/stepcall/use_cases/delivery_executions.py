"""The port to what makes the attempts of deliveries, and the one rule of which delivery's turn it is.

Of a run's deliveries to one receiver the first that is open is started, and no other: so they arrive in their order.
Whoever puts a delivery, ends one or opens one again looks afterwards which one that is. Starting is idempotent, so of
two that look at once both may start it; and whichever of them has written last sees what the other has.
"""

from typing import Protocol

from stepcall.domain.delivery import Delivery
from stepcall.stores.delivery_store import DeliveryStore


class DeliveryExecutions(Protocol):
    def start(self, delivery: Delivery) -> None:
        """Start what makes the attempts of its round; started already is fine."""


def start_next(written: Delivery, deliveries: DeliveryStore, executions: DeliveryExecutions) -> None:
    """Start the one whose turn it is, of those to the receiver of the one that was written."""
    if first := deliveries.find_first_open(written.run_id, written.target):
        executions.start(first)
