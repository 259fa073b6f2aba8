"""The port to deliveries of webhooks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.delivery import Delivery
from stepcall.domain.delivery_errors import DeliveryNotFoundError

__all__ = [
    "LONGEST_DELIVERY",
    "DeliveryNotFoundError",
    "DeliveryPage",
    "DeliveryPlace",
    "DeliveryStore",
    "life_of_delivery",
]

LONGEST_DELIVERY = timedelta(days=7)
"""All attempts of a round take less than half of it."""


def life_of_delivery(retention: timedelta) -> timedelta:
    """How long a delivery is kept: as its run, and no shorter than it takes."""
    return max(retention, LONGEST_DELIVERY)


class DeliveryPlace(NamedTuple):
    """Where one is in the list of its run's."""

    target: str
    sequence: int


class DeliveryPage(NamedTuple):
    """Deliveries of a run; `next_place` is where to go on after, None on the last page."""

    deliveries: Sequence[Delivery]
    next_place: DeliveryPlace | None


class DeliveryStore(Protocol):
    def put(self, delivery: Delivery) -> bool:
        """Store a new one; False when the target has one of the run and sequence already."""

    def replace(self, delivery: Delivery, *, seen: Delivery) -> bool:
        """Store it in place of the one that was seen; False when that has become another meanwhile, or is gone."""

    def get(self, run_id: UUID, target: str, sequence: int) -> Delivery:
        """As it is now. Raises DeliveryNotFoundError."""

    def find_by_id(self, run_id: UUID, delivery_id: UUID) -> Delivery:
        """One of a run's, as it is now. Raises DeliveryNotFoundError."""

    def find_first_open(self, run_id: UUID, target: str) -> Delivery | None:
        """Of those of a run for one receiver, as they are now, the open one of the lowest sequence."""

    def list_by_target(self, run_id: UUID, target: str) -> Sequence[Delivery]:
        """Those of a run for one receiver, as they are now, in the order of their sequence."""

    def list_by_run(self, run_id: UUID, *, limit: int, after: DeliveryPlace | None = None) -> DeliveryPage:
        """Those of a run, as they are now, receiver by receiver, each one's in the order of their sequence."""
