"""Task types of tenants' own in memory."""

from collections.abc import Sequence

from stepcall.domain.custom_type import CustomType
from stepcall.stores.task_type_errors import TaskTypeNotFoundError


class MemoryTaskTypeStore:
    """See TaskTypeStore."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], CustomType] = {}

    def put(self, tenant: str, custom: CustomType) -> None:
        self._types[tenant, custom.name] = custom

    def get(self, tenant: str, name: str) -> CustomType:
        try:
            return self._types[tenant, name]
        except KeyError as exc:
            raise TaskTypeNotFoundError("There is no such task type.") from exc

    def list_by_tenant(self, tenant: str) -> Sequence[CustomType]:
        return [
            custom for (owner, _), custom in sorted(self._types.items(), key=lambda kept: kept[0]) if owner == tenant
        ]

    def delete(self, tenant: str, name: str) -> None:
        self.get(tenant, name)
        del self._types[tenant, name]
