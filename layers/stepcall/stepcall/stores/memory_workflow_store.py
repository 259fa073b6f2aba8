"""Workflows in memory."""

from datetime import datetime
from threading import RLock
from uuid import UUID

from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import (
    ConfigIdTakenError,
    VersionConflictError,
    VersionPage,
    VersionSummary,
    WorkflowNotFoundError,
    WorkflowPage,
    check_follows,
    compress_definition,
    searchable,
    summary_of,
)


class MemoryWorkflowStore:
    """See WorkflowStore."""

    def __init__(self) -> None:
        self._versions: dict[tuple[UUID, int], WorkflowVersion] = {}
        self._newest: dict[UUID, WorkflowVersion] = {}
        """Of each workflow that is not deleted."""
        self._config_ids: dict[tuple[str, str], UUID] = {}
        self._lock = RLock()

    def put_first(self, version: WorkflowVersion) -> None:
        compress_definition(version.definition)
        with self._lock:
            if self._versions.get((version.workflow_id, version.version), version) != version:
                raise VersionConflictError("There is a workflow of this id.")
            self._keep(version, None)

    def put_next(self, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        compress_definition(version.definition)
        with self._lock:
            check_follows(version, newest)
            self._check_newest(newest)
            self._keep(version, newest)

    def delete(self, newest: WorkflowVersion, now: datetime) -> None:  # noqa: ARG002 - for stores that write it down
        with self._lock:
            self._check_newest(newest)
            self._free_config_id(newest)
            del self._newest[newest.workflow_id]

    def find_config_id(self, tenant: str, config_id: str) -> UUID:
        try:
            return self._config_ids[tenant, config_id]
        except KeyError as exc:
            raise WorkflowNotFoundError("There is no workflow of this config_id.") from exc

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        newest = self._newest.get(workflow_id)
        if newest is None or newest.tenant != tenant:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        return newest

    def get_latest_now(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        return self.get_latest(tenant, workflow_id)

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        try:
            return self._versions[workflow_id, version]
        except KeyError as exc:
            raise WorkflowNotFoundError(f"The workflow {workflow_id} has no version {version}.") from exc

    def list_by_tenant(self, tenant: str, *, name: str | None, limit: int, after: UUID | None) -> WorkflowPage:
        newest_first = sorted(self._newest.values(), key=lambda version: version.workflow_id, reverse=True)
        found = [
            summary_of(version)
            for version in newest_first
            if version.tenant == tenant
            and searchable(name or "") in searchable(version.definition.name)
            and (after is None or version.workflow_id < after)
        ]
        return WorkflowPage(found[:limit], found[limit - 1].workflow_id if len(found) > limit else None)

    def list_versions(self, workflow_id: UUID, *, limit: int, after: int | None) -> VersionPage:
        found = [
            VersionSummary(number, version.created_at)
            for (identity, number), version in sorted(self._versions.items(), reverse=True)
            if identity == workflow_id and (after is None or number < after)
        ]
        return VersionPage(found[:limit], found[limit - 1].version if len(found) > limit else None)

    def _keep(self, version: WorkflowVersion, before: WorkflowVersion | None) -> None:
        claim = (version.tenant, version.definition.config_id or "")
        if (owner := self._config_ids.get(claim, version.workflow_id)) != version.workflow_id:
            raise ConfigIdTakenError(owner)
        if before:
            self._free_config_id(before)
        if version.definition.config_id:
            self._config_ids[claim] = version.workflow_id
        self._versions[version.workflow_id, version.version] = version
        self._newest[version.workflow_id] = version

    def _free_config_id(self, version: WorkflowVersion) -> None:
        self._config_ids.pop((version.tenant, version.definition.config_id or ""), None)

    def _check_newest(self, read: WorkflowVersion) -> None:
        newest = self._newest.get(read.workflow_id)
        if newest is None or (newest.tenant, newest.version) != (read.tenant, read.version):
            raise VersionConflictError(f"Version {read.version} is not the newest of the workflow {read.workflow_id}.")
