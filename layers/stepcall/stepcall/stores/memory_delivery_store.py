"""Deliveries in memory, for tests."""

from collections.abc import Sequence
from threading import Lock
from uuid import UUID

from stepcall.domain.delivery import Delivery
from stepcall.stores.delivery_store import DeliveryNotFoundError

Key = tuple[UUID, str, int]


class MemoryDeliveryStore:
    """See DeliveryStore."""

    def __init__(self) -> None:
        self._deliveries: dict[Key, Delivery] = {}
        self._lock = Lock()

    def put(self, delivery: Delivery) -> bool:
        with self._lock:
            is_new = _key(delivery) not in self._deliveries
            self._deliveries.setdefault(_key(delivery), delivery)
            return is_new

    def replace(self, delivery: Delivery, *, seen: Delivery) -> bool:
        with self._lock:
            stored = self._deliveries.get(_key(delivery))
            if stored == delivery:
                return True
            if stored is None or stored.revision != seen.revision:
                return False
            self._deliveries[_key(delivery)] = delivery
            return True

    def get(self, run_id: UUID, target: str, sequence: int) -> Delivery:
        try:
            return self._deliveries[(run_id, target, sequence)]
        except KeyError:
            raise DeliveryNotFoundError("There is no such delivery.") from None

    def list_by_target(self, run_id: UUID, target: str) -> Sequence[Delivery]:
        return [delivery for delivery in self.list_by_run(run_id) if delivery.target == target]

    def list_by_run(self, run_id: UUID) -> Sequence[Delivery]:
        of_run = [delivery for delivery in list(self._deliveries.values()) if delivery.run_id == run_id]
        return sorted(of_run, key=lambda delivery: (delivery.sequence, delivery.target))


def _key(delivery: Delivery) -> Key:
    return delivery.run_id, delivery.target, delivery.sequence
