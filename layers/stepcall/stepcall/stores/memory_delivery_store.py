"""Deliveries in memory, for tests."""

from collections.abc import Sequence
from threading import Lock
from uuid import UUID

from stepcall.domain.delivery import Delivery
from stepcall.stores.delivery_store import DeliveryNotFoundError, DeliveryPage, DeliveryPlace

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

    def find_by_id(self, run_id: UUID, delivery_id: UUID) -> Delivery:
        for delivery in self._of_run(run_id):
            if delivery.delivery_id == delivery_id:
                return delivery
        raise DeliveryNotFoundError("There is no such delivery.")

    def find_first_open(self, run_id: UUID, target: str) -> Delivery | None:
        return next((delivery for delivery in self.list_by_target(run_id, target) if delivery.is_open), None)

    def list_by_target(self, run_id: UUID, target: str) -> Sequence[Delivery]:
        return [delivery for delivery in self._of_run(run_id) if delivery.target == target]

    def list_by_run(self, run_id: UUID, *, limit: int, after: DeliveryPlace | None = None) -> DeliveryPage:
        left = [delivery for delivery in self._of_run(run_id) if after is None or _place(delivery) > after]
        return DeliveryPage(left[:limit], _place(left[limit - 1]) if len(left) > limit else None)

    def _of_run(self, run_id: UUID) -> list[Delivery]:
        return sorted((each for each in list(self._deliveries.values()) if each.run_id == run_id), key=_place)


def _place(delivery: Delivery) -> DeliveryPlace:
    return DeliveryPlace(delivery.target, delivery.sequence)


def _key(delivery: Delivery) -> Key:
    return delivery.run_id, delivery.target, delivery.sequence
