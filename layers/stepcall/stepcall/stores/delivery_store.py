"""The port to deliveries of webhooks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from stepcall.domain.delivery import Delivery
from stepcall.domain.delivery_errors import DeliveryNotFoundError

__all__ = ["LONGEST_DELIVERY", "DeliveryNotFoundError", "DeliveryStore", "life_of_delivery"]

LONGEST_DELIVERY = timedelta(days=7)
"""All attempts of a round take less than half of it."""


def life_of_delivery(retention: timedelta) -> timedelta:
    """How long a delivery is kept: as its run, and no shorter than it takes."""
    return max(retention, LONGEST_DELIVERY)


class DeliveryStore(Protocol):
    def put(self, delivery: Delivery) -> bool:
        """Store a new one; False when the target has one of the run and sequence already."""

    def replace(self, delivery: Delivery, *, seen: Delivery) -> bool:
        """Store it in place of the one that was seen; False when that has become another meanwhile, or is gone."""

    def get(self, run_id: UUID, target: str, sequence: int) -> Delivery:
        """As it is now. Raises DeliveryNotFoundError."""

    def list_by_target(self, run_id: UUID, target: str) -> Sequence[Delivery]:
        """Those of a run for one receiver, as they are now, in the order of their sequence."""

    def list_by_run(self, run_id: UUID) -> Sequence[Delivery]:
        """All of a run, as they are now, by sequence and target."""
