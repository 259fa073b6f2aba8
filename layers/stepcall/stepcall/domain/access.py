"""Who calls, and what they may do: scopes say which actions, grants narrow them to some workflows and sources."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from stepcall.domain.errors import StepcallError


class Scope(StrEnum):
    """What a key or a token is good for."""

    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_WRITE = "workflows:write"
    RUNS_START = "runs:start"
    RUNS_READ = "runs:read"
    RUNS_CANCEL = "runs:cancel"
    KEYS_MANAGE = "keys:manage"
    TRIGGERS_MANAGE = "triggers:manage"


ALL_SCOPES = frozenset(Scope)
ANY_SUFFIX = "*"


class MissingScopeError(StepcallError):
    """The caller is known, and what it calls needs a scope that it does not have."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This needs the scope `{scope}`, which this key or token does not have.")
        self.scope = scope


class NotGrantedError(StepcallError):
    """The caller's grants name other workflows, or its token another run."""


@dataclass(frozen=True, slots=True)
class SourceGrant:
    """A data source of a connection, as the CARTO face's grants name it: `project.dataset.*` is all that begin so."""

    connection_name: str
    source: str

    def covers(self, connection_name: str, source: str) -> bool:
        if connection_name != self.connection_name:
            return False
        if self.source.endswith(ANY_SUFFIX):
            return source.startswith(self.source.removesuffix(ANY_SUFFIX))
        return source == self.source


@dataclass(frozen=True, slots=True)
class Grants:
    """What a caller is narrowed to: nothing but these."""

    workflows: frozenset[UUID] = frozenset()
    sources: tuple[SourceGrant, ...] = ()

    def cover(self, other: "Grants") -> bool:
        """Whether nothing of the other is beyond these."""
        return other.workflows <= self.workflows and all(
            any(own.covers(source.connection_name, source.source) for own in self.sources) for source in other.sources
        )


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Starts: so many a second in the long run, and so many at one moment."""

    per_second: int = 10
    burst: int = 20


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `principal` is the name of the key within the tenant, `key_id` what its use is counted under."""

    tenant: str
    principal: str
    key_id: str = ""
    scopes: frozenset[Scope] = ALL_SCOPES
    grants: Grants | None = None
    """None: all workflows and sources of the tenant."""
    rate_limit: RateLimit | None = None
    """None: as many starts as it likes."""
    run_id: UUID | None = None
    """The one run that a job token reads."""

    @property
    def bucket(self) -> str:
        """What it is counted under: a job token, which is for sharing, takes nothing from the key that it came of."""
        return self.key_id if self.run_id is None else f"run:{self.run_id}"

    def require(self, scope: Scope) -> None:
        """Raises MissingScopeError."""
        if scope not in self.scopes:
            raise MissingScopeError(scope)

    @property
    def is_narrowed(self) -> bool:
        """Whether it reaches less than all of its tenant."""
        return self.grants is not None or self.run_id is not None

    @property
    def granted_workflows(self) -> frozenset[UUID] | None:
        """None: all of its tenant's."""
        if self.run_id is not None:
            return frozenset()
        return None if self.grants is None else self.grants.workflows

    def sees(self, workflow_id: UUID) -> bool:
        return self.run_id is None and (self.grants is None or workflow_id in self.grants.workflows)

    def require_workflow(self, workflow_id: UUID) -> None:
        """Raises NotGrantedError."""
        if not self.sees(workflow_id):
            raise NotGrantedError("This key or token is granted other workflows, and not this one.")

    def sees_connection(self, name: str) -> bool:
        """Whether it reaches the connection, or a source of it."""
        if self.run_id is not None:
            return False
        return self.grants is None or any(granted.connection_name == name for granted in self.grants.sources)

    def require_connection(self, name: str) -> None:
        """Raises NotGrantedError."""
        if not self.sees_connection(name):
            raise NotGrantedError("This key or token is granted other connections, and not this one.")

    def sees_source(self, connection_name: str, source: str) -> bool:
        """Whether it reaches the procedure or table of that name on the connection."""
        if self.run_id is not None:
            return False
        return self.grants is None or any(granted.covers(connection_name, source) for granted in self.grants.sources)

    def require_source(self, connection_name: str, source: str) -> None:
        """Raises NotGrantedError."""
        if not self.sees_source(connection_name, source):
            raise NotGrantedError("This key or token is granted other sources, and not this one.")

    def require_run(self, run_id: UUID, workflow_id: UUID) -> None:
        """Raises NotGrantedError."""
        if self.run_id is None:
            self.require_workflow(workflow_id)
        elif run_id != self.run_id:
            raise NotGrantedError("This token reads another execution, and nothing else.")

    def covers(self, grants: Grants | None) -> bool:
        """Whether somebody with these grants reaches nothing that the caller does not."""
        if self.run_id is not None:
            return False
        return self.grants is None or (grants is not None and self.grants.cover(grants))

    def require_grants(self, grants: Grants | None) -> None:
        """For what gives or takes access. Raises NotGrantedError."""
        if not self.covers(grants):
            raise NotGrantedError("This key or token manages keys within its own grants, and this one is beyond them.")

    def require_all_workflows(self, asked: str = "create another") -> None:
        """For what makes a new workflow, which no grant names, or is for all of them. Raises NotGrantedError."""
        if self.is_narrowed:
            raise NotGrantedError(f"This key or token is granted some workflows, and may not {asked}.")

    def require_config_id(self, claimed: str | None, has: str | None) -> None:
        """For a new version of its workflow, which may keep or drop the name. Raises NotGrantedError."""
        if self.is_narrowed and claimed not in {None, has}:
            raise NotGrantedError(
                "This key or token is granted some workflows, and may not claim another `config_id` for one of them: "
                "it may be another workflow's. Send the `config_id` that the workflow has, or none."
            )

    def require_all_connections(self) -> None:
        """For what changes a connection, which others use too. Raises NotGrantedError."""
        if self.is_narrowed:
            raise NotGrantedError("This key or token is granted part of what there is, and may not change connections.")
