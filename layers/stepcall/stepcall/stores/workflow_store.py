"""The port to workflows and their immutable versions."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.errors import Problem, StepcallError
from stepcall.domain.ids import spell_workflow
from stepcall.domain.json_text import write_json
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion

if TYPE_CHECKING:
    from stepcall.domain.custom_type import CustomType

MAX_COMPRESSED_BYTES = 380_000
MAX_VERSION = 9_999_999_999  # ten digits, which sort as text
LATEST_LEASE_SECONDS = 1.0
"""How long a process may believe that a version is the newest: docs/decisions/2026-11-21-latest-version-lease.md."""


class WorkflowNotFoundError(StepcallError):
    """There is no such workflow or version, or it is another tenant's: readers cannot tell which."""


class VersionNotFoundError(StepcallError):
    """The workflow is there, and has no version of this number."""

    def __init__(self, number: int, newest: int) -> None:
        super().__init__(f"The workflow has no version {number}; the newest is {newest}.")


class WorkflowTooLargeError(StepcallError):
    """The definition does not fit into one record, even compressed."""


class ConfigIdTakenError(StepcallError):
    """Another workflow of the tenant has the `config_id`, and nothing was stored. It says which one: whoever is granted
    some workflows only may claim none, and is never told."""

    def __init__(self, owner: UUID) -> None:
        has_it = f"The workflow `{spell_workflow(owner)}` has this config_id"
        super().__init__(
            f"{has_it}, and nothing was stored. Choose another one, or free it first: a new version of that workflow "
            "without it does, and so does deleting the workflow."
        )
        self.problems = (Problem("/config_id", "config_id_taken", f"{has_it}."),)


class VersionConflictError(StepcallError):
    """Another change of the workflow came first or is under way, and this one changed nothing: read and try again."""


class WorkflowSummary(NamedTuple):
    """What a list shows of a workflow: a tuple, as a dataclass costs every cold start four times as much."""

    workflow_id: UUID
    latest_version: int
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime
    api_access: bool = False
    """Whether it can be called by name; `list_workflows` finds that out."""
    type: str | None = None
    """As the definition says it; None when it does not."""
    config_id: str | None = None


class WorkflowPage(NamedTuple):
    """Workflows, newest first; `next_workflow_id` is the one to go on after, None on the last page."""

    workflows: Sequence[WorkflowSummary]
    next_workflow_id: UUID | None


class VersionSummary(NamedTuple):
    """What a list shows of a version."""

    version: int
    created_at: datetime


class VersionPage(NamedTuple):
    """Versions, newest first; `next_version` is the one to go on after, None on the last page."""

    versions: Sequence[VersionSummary]
    next_version: int | None


def summary_of(newest: WorkflowVersion) -> WorkflowSummary:
    """What a list shows of the workflow whose newest version this is."""
    return WorkflowSummary(
        workflow_id=newest.workflow_id,
        latest_version=newest.version,
        name=newest.definition.name,
        description=newest.definition.description,
        created_at=newest.workflow_created_at,
        updated_at=newest.created_at,
        type=newest.definition.type,
        config_id=newest.definition.config_id,
    )


def check_follows(version: WorkflowVersion, newest: WorkflowVersion) -> None:
    """Whether the one is the other's next: what a `config_id` becomes of goes by both. Raises VersionConflictError."""
    follows = (newest.tenant, newest.workflow_id, newest.version + 1)
    if (version.tenant, version.workflow_id, version.version) != follows:
        raise VersionConflictError("Another version of the workflow is not the next one after this.")


def compress_definition(definition: WorkflowDefinition) -> bytes:
    """A definition as it is stored: one of 1,000 tasks fits into a record of 400 KB. Raises WorkflowTooLargeError."""
    compressed = zlib.compress(write_json(definition.to_json()).encode())
    if len(compressed) > MAX_COMPRESSED_BYTES:
        raise WorkflowTooLargeError(
            f"The definition has {len(compressed):,} bytes when compressed; {MAX_COMPRESSED_BYTES:,} can be stored."
        )
    return compressed


def compress_types(types: "Sequence[CustomType]") -> bytes:
    """What a version keeps of its tenant's own task types, as it is stored."""
    return zlib.compress(write_json([custom.to_json() for custom in types]).encode())


def require_storable(definition: WorkflowDefinition, types: "Sequence[CustomType]") -> None:
    """Both go into one record. Raises WorkflowTooLargeError."""
    size = len(compress_definition(definition)) + (len(compress_types(types)) if types else 0)
    if size > MAX_COMPRESSED_BYTES:
        raise WorkflowTooLargeError(
            f"The definition and the schemas of its {len(types)} task types have {size:,} bytes when compressed; "
            f"{MAX_COMPRESSED_BYTES:,} can be stored."
        )


class WorkflowStore(Protocol):
    def put_first(self, version: WorkflowVersion) -> None:
        """Store a new workflow with its version 1 and its `config_id`, all or nothing. Raises ConfigIdTakenError."""

    def put_next(self, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        """Store a version if `newest`, the one before it, is still its tenant's newest; its `config_id` is the
        workflow's from then on, and another one that `newest` has is nobody's.

        Raises VersionConflictError, also for a version that does not follow `newest`, and ConfigIdTakenError.
        """

    def delete(self, newest: WorkflowVersion, now: datetime) -> None:
        """Delete the workflow if this is still its newest version; its `config_id` is nobody's then.

        Raises VersionConflictError.

        Versions stay readable by their numbers: for executions that are under way, and for the history.
        """

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        """The newest version of a tenant's workflow, at most a lease old. Raises WorkflowNotFoundError."""

    def get_latest_now(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        """The newest version as it is, never from memory: for who changes it. Raises WorkflowNotFoundError."""

    def find_config_id(self, tenant: str, config_id: str) -> UUID:
        """The workflow of a tenant that has it, at most a lease ago. Raises WorkflowNotFoundError."""

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        """One version, whoever owns it: for workers, and for readers that compare the tenant. Raises as above."""

    def list_by_tenant(self, tenant: str, *, name: str | None, limit: int, after: UUID | None) -> WorkflowPage:
        """Workflows whose name has `name` in it, in upper or lower case; newest first, at most `limit`, older than
        `after`. A page may hold fewer than there are: the search of a long list is answered in parts."""

    def list_versions(self, workflow_id: UUID, *, limit: int, after: int | None) -> VersionPage:
        """Versions of a workflow, newest first, at most `limit`, below `after`; for readers that compare the tenant."""


def searchable(name: str) -> str:
    """A name as it is searched: in no case."""
    return name.casefold()
