"""A workflow store that remembers: versions for ever, for they never change, and for a second which one is the newest
and whose a `config_id` is.

What changes a workflow must answer only after that second, so that nobody who has been told of a new version is
served the one before: docs/decisions/2026-11-21-latest-version-lease.md.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TypeVar
from uuid import UUID

from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import (
    LATEST_LEASE_SECONDS,
    VersionPage,
    WorkflowNotFoundError,
    WorkflowPage,
    WorkflowStore,
)

MAX_VERSIONS = 256
KeyT = TypeVar("KeyT")
FactT = TypeVar("FactT")


class CachedWorkflowStore:
    """See WorkflowStore. `monotonic` gives seconds."""

    def __init__(self, inner: WorkflowStore, monotonic: Callable[[], float]) -> None:
        self._inner = inner
        self._monotonic = monotonic
        self._versions: OrderedDict[tuple[UUID, int], WorkflowVersion] = OrderedDict()
        self._latest: dict[UUID, tuple[float, WorkflowVersion]] = {}
        self._config_ids: dict[tuple[str, str], tuple[float, UUID]] = {}
        self._lock = Lock()

    def put_first(self, version: WorkflowVersion) -> None:
        self._inner.put_first(version)
        self._remember(version)
        self._forget_config_id(version)

    def put_next(self, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        self._inner.put_next(version, newest)
        self._remember(version)
        self._forget_config_id(version)
        self._forget_latest(newest)

    def delete(self, newest: WorkflowVersion, now: datetime) -> None:
        self._inner.delete(newest, now)
        self._forget_latest(newest)

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        asked_at = self._monotonic()
        latest = self._believed(self._latest.get(workflow_id), asked_at)
        if latest is None:
            latest = self._remember(self._inner.get_latest(tenant, workflow_id))
            self._believe(self._latest, workflow_id, asked_at, latest)
        elif latest.tenant != tenant:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        return latest

    def find_config_id(self, tenant: str, config_id: str) -> UUID:
        asked_at = self._monotonic()
        found = self._believed(self._config_ids.get((tenant, config_id)), asked_at)
        if found is None:
            found = self._inner.find_config_id(tenant, config_id)
            self._believe(self._config_ids, (tenant, config_id), asked_at, found)
        return found

    def get_latest_now(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        return self._remember(self._inner.get_latest_now(tenant, workflow_id))

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        with self._lock:
            if found := self._versions.get((workflow_id, version)):
                self._versions.move_to_end((workflow_id, version))
                return found
        return self._remember(self._inner.get_version(workflow_id, version))

    def list_by_tenant(self, tenant: str, *, name: str | None, limit: int, after: UUID | None) -> WorkflowPage:
        return self._inner.list_by_tenant(tenant, name=name, limit=limit, after=after)

    def list_versions(self, workflow_id: UUID, *, limit: int, after: int | None) -> VersionPage:
        return self._inner.list_versions(workflow_id, limit=limit, after=after)

    @staticmethod
    def _believed(kept: tuple[float, FactT] | None, now: float) -> FactT | None:
        return kept[1] if kept and now - kept[0] < LATEST_LEASE_SECONDS else None

    def _believe(self, kept: dict[KeyT, tuple[float, FactT]], key: KeyT, asked_at: float, fact: FactT) -> None:
        with self._lock:
            if len(kept) >= MAX_VERSIONS:
                kept.clear()
            kept[key] = (asked_at, fact)

    def _forget_latest(self, newest: WorkflowVersion) -> None:
        with self._lock:
            self._latest.pop(newest.workflow_id, None)
        self._forget_config_id(newest)

    def _forget_config_id(self, version: WorkflowVersion) -> None:
        with self._lock:
            self._config_ids.pop((version.tenant, version.definition.config_id or ""), None)

    def _remember(self, version: WorkflowVersion) -> WorkflowVersion:
        with self._lock:
            # one object per version, so that what hangs on it (parsed templates) is made once
            kept = self._versions.setdefault((version.workflow_id, version.version), version)
            while len(self._versions) > MAX_VERSIONS:
                self._versions.popitem(last=False)
        return kept
