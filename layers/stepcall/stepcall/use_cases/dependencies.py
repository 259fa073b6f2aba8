"""What use cases work with, passed in by the composition root (`runtime/wiring.py`)."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypedDict
from uuid import UUID

from stepcall.domain.errors import StepcallError
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.task_contract import TaskContract
from stepcall.stores.api_key_store import ApiKey, ApiKeyStore
from stepcall.stores.connection_store import ConnectionStore
from stepcall.stores.payload_store import PayloadStore
from stepcall.stores.procedure_store import ProcedureStore
from stepcall.stores.rate_limit_store import RateLimitStore
from stepcall.stores.run_store import RunStore
from stepcall.stores.slot_store import SlotStore
from stepcall.stores.workflow_store import WorkflowStore
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.engine import StateMachines
from stepcall.use_cases.sql_worker import SqlWorker
from stepcall.use_cases.uploads import Uploads

if TYPE_CHECKING:
    from stepcall.stores.task_type_store import TaskTypeStore


class Log(Protocol):
    def __call__(self, event: str, /, **facts: str) -> None:
        """Write one fact with its keys."""


class NamedRun(Protocol):
    """What log lines about a run say of it."""

    @property
    def run_id(self) -> UUID: ...

    @property
    def tenant(self) -> str: ...

    @property
    def correlation_id(self) -> str: ...


AboutRun = Callable[[NamedRun], AbstractContextManager[None]]
"""What is logged inside is about this run, for those that see to many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDependencies:
    """For what state machines call."""

    workflows: WorkflowStore
    runs: RunStore
    payloads: PayloadStore
    catalog: Mapping[str, TaskContract]
    now: Callable[[], datetime]
    log: Log


class WorkerFields(TypedDict):
    """What WorkerDependencies is made of, for all that have more than it."""

    workflows: WorkflowStore
    runs: RunStore
    payloads: PayloadStore
    catalog: Mapping[str, TaskContract]
    now: Callable[[], datetime]
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDependencies(WorkerDependencies):
    """For what starts executions."""

    about: AboutRun
    engine: StateMachines
    compile: MachineCompiler
    slots: SlotStore
    max_running: int
    """How many runs of one tenant may be under way at once; 0 for any number, and then nobody asks for slots."""


class StartFields(WorkerFields):
    """What StartDependencies is made of, likewise."""

    about: AboutRun
    engine: StateMachines
    compile: MachineCompiler
    slots: SlotStore
    max_running: int


class ProviderKeysUnavailableError(StepcallError):
    """A caller's key cannot be encrypted now, and is not stored otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptDependencies(StartDependencies):
    """For what accepts runs: the faces, and triggers."""

    time_to_run: timedelta
    """From a run's start to its deadline."""
    rate_limits: RateLimitStore
    correlation_id: Callable[[], str]
    """Of the request at hand: what the log lines of all that it sets off have in common."""
    encrypt_provider_key: Callable[[UUID, str], bytes]
    """A caller's key for the run of that id. Raises ProviderKeysUnavailableError."""
    admit_webhook_url: Callable[[str], None]
    """Where the caller of a run wants to be called back. Raises WebhookRefusedError, WebhookSecretsUnavailableError."""
    new_id: Callable[[], UUID]


class AcceptFields(StartFields):
    """What AcceptDependencies is made of, likewise."""

    time_to_run: timedelta
    rate_limits: RateLimitStore
    correlation_id: Callable[[], str]
    encrypt_provider_key: Callable[[UUID, str], bytes]
    admit_webhook_url: Callable[[str], None]
    new_id: Callable[[], UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceDependencies(AcceptDependencies):
    """For the faces."""

    keys: ApiKeyStore
    read_own_key: Callable[[str, UUID], ApiKey]
    """A caller's key by tenant and id as it is now, the first one too. Raises when it is none any more."""
    forget_key: Callable[[str, UUID], None]
    """What this process knows of a key by tenant and id."""
    connections: ConnectionStore
    procedures: ProcedureStore
    sql_worker: SqlWorker
    uploads: Uploads
    athena_available: bool
    """Whether a connection may have the engine athena."""
    task_types: "Callable[[], TaskTypeStore]"
    """Opened when first asked for: most definitions name built-in types alone."""
    functions: InvokableFunctions
    """Those of the deployer's own that tasks may invoke."""
    dataset_buckets: frozenset[str]
    """The buckets that datasets may be imported from, besides uploads."""
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
