"""The port to procedures: workflows that were made callable by name."""

from collections.abc import Sequence
from typing import Protocol

from stepcall.domain.errors import StepcallError
from stepcall.domain.procedure import Procedure


class ProcedureNotFoundError(StepcallError):
    """The tenant has no procedure of this name: there never was, or it is disabled."""


class ProcedureStore(Protocol):
    def put(self, procedure: Procedure) -> None:
        """Store it in place of what has its name."""

    def replace(self, procedure: Procedure) -> None:
        """Store it in place of the one that has its name: nothing that was deleted comes back.

        Raises ProcedureNotFoundError.
        """

    def get(self, tenant: str, name: str) -> Procedure:
        """Raises ProcedureNotFoundError."""

    def list_by_tenant(self, tenant: str) -> Sequence[Procedure]:
        """All of a tenant's, by name."""

    def delete(self, tenant: str, name: str) -> None:
        """One that is not there is fine."""
