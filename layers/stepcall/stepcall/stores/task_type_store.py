"""The port to task types of tenants' own."""

from collections.abc import Sequence
from typing import Protocol

from stepcall.domain.custom_type import CustomType


class TaskTypeStore(Protocol):
    def put(self, tenant: str, custom: CustomType) -> None:
        """Store it in place of what has its name."""

    def get(self, tenant: str, name: str) -> CustomType:
        """Raises TaskTypeNotFoundError."""

    def list_by_tenant(self, tenant: str) -> Sequence[CustomType]:
        """All of a tenant's, by name."""

    def delete(self, tenant: str, name: str) -> None:
        """Raises TaskTypeNotFoundError."""
