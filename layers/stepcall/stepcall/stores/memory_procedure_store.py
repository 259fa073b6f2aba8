"""Procedures in memory."""

from collections.abc import Sequence

from stepcall.domain.procedure import Procedure
from stepcall.stores.procedure_store import ProcedureNotFoundError


class MemoryProcedureStore:
    """See ProcedureStore."""

    def __init__(self) -> None:
        self._procedures: dict[tuple[str, str], Procedure] = {}

    def put(self, procedure: Procedure) -> None:
        self._procedures[procedure.tenant, procedure.name] = procedure

    def replace(self, procedure: Procedure) -> None:
        self.get(procedure.tenant, procedure.name)
        self.put(procedure)

    def get(self, tenant: str, name: str) -> Procedure:
        try:
            return self._procedures[tenant, name]
        except KeyError as exc:
            raise ProcedureNotFoundError("There is no such procedure.") from exc

    def list_by_tenant(self, tenant: str) -> Sequence[Procedure]:
        return [procedure for (owner, _), procedure in sorted(self._procedures.items()) if owner == tenant]

    def delete(self, tenant: str, name: str) -> None:
        self._procedures.pop((tenant, name), None)
