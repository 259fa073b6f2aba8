"""A run of a workflow: its life as a table, its tasks, its end.

`PENDING → RUNNING → COMPLETED | FAILED | CANCELLED`, `PENDING → FAILED | CANCELLED`, and nothing else: but a person may
resume what is FAILED or CANCELLED, and the run is PENDING again, as another attempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import MAX_MESSAGE_LENGTH, ErrorReason
from stepcall.domain.ids import spell_execution_name
from stepcall.domain.parent_task import ParentTask, runs_for_parent
from stepcall.domain.run_mode import RunMode


class RunStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def has_ended(self) -> bool:
        return not RUN_MOVES[self]


RUN_MOVES: Mapping[RunStatus, frozenset[RunStatus]] = MappingProxyType(
    {
        RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.FAILED, RunStatus.CANCELLED}),
        RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED}),
        RunStatus.COMPLETED: frozenset(),
        RunStatus.FAILED: frozenset(),
        RunStatus.CANCELLED: frozenset(),
    }
)


RESUMABLE = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})
"""From which a run is PENDING again when somebody resumes it. No machine, no event and no sweep makes this move."""


def statuses_before(status: RunStatus) -> frozenset[RunStatus]:
    """The statuses from which a run may move to this one: what a store's write is conditional on."""
    return frozenset(before for before, after in RUN_MOVES.items() if status in after)


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class ErrorResult:
    """Why a run or a task failed. `location`: `query` for the call, `output` for the outputs, else a task's ref."""

    reason: ErrorReason
    location: str
    message: str

    def __post_init__(self) -> None:
        # half a surrogate pair, as a service may answer it, cannot be stored
        message = self.message[:MAX_MESSAGE_LENGTH].encode(errors="replace").decode()
        object.__setattr__(self, "message", message)

    def to_json(self) -> dict[str, str]:
        return {"reason": self.reason, "location": self.location, "message": self.message}


TABLE_LIFE = timedelta(days=30)
"""After which the bucket deletes what tasks have written, output tables too."""
CALL_LOCATION = "query"
OUTPUT_LOCATION = "output"


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """Where a JSON value of a run lies: as JSON text in its record (`inline`) or, when large, in the bucket (`key`)."""

    size: int
    """Bytes of the JSON text."""
    inline: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What a run knows of one of its tasks. A task that nobody has begun has no record: it is PENDING."""

    ref: str
    status: TaskStatus = TaskStatus.PENDING
    attempts: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: StoredPayload | None = None
    error: ErrorResult | None = None
    run_attempt: int = 1
    """The attempt of its run that wrote this last."""
    used_fallback: bool = False
    """Whether its status and output are of what was tried in its place."""
    awaited: Awaited | None = None
    """What somebody is asked for, or was."""
    decided_by: str | None = None
    """The name of the key whose answer ended it."""
    instances: int | None = None
    """For how many elements it is done; None for a task that is not, or where nobody knows yet."""

    @property
    def child_run_id(self) -> UUID | None:
        """The run that it has started, and whose end is its own."""
        return self.awaited.child_run_id if self.awaited else None


class RunAttempt(Protocol):
    """Which execution of which run: whoever writes as one says so, and changes nothing once there is a later one."""

    @property
    def run_id(self) -> UUID: ...

    @property
    def run_attempt(self) -> int: ...

    @property
    def content_hash(self) -> str:
        """Of the machine that executes it: a run that waits over a deployment may be moved to another."""


def is_same_execution(one: RunAttempt, other: RunAttempt) -> bool:
    return (one.run_attempt, one.content_hash) == (other.run_attempt, other.content_hash)


class TimeRange(NamedTuple):
    """The time that a run is about, in UTC: from the first instant, up to the second and without it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCall:
    """How a run was called as a job: what the CARTO face shows of it."""

    query: str
    """The CALL statement as it was sent."""
    connection: str
    """The connection's name."""
    connection_id: UUID
    location: str
    output_table: str | None = None
    """Where its output is found; None when its workflow has no Workflow.Output, or the call was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One execution of one version of a workflow, without what it carries: what lists show."""

    run_id: UUID
    tenant: str
    principal: str
    """The name of the key that started it."""
    workflow_id: UUID
    workflow_version: int
    status: RunStatus
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    job: JobCall | None = None
    """None for a run that was not called as a job, and in lists by workflow."""
    error: ErrorResult | None = None
    """None while nothing is wrong, and in lists by workflow."""
    principal_id: str = ""
    """The id of the key that started it. This and the next two are empty in lists by workflow."""
    workflow_name: str = ""
    """As its version calls it."""
    workflow_type: str = ""
    """What its version says it is, in the words of its author."""

    @property
    def call(self) -> JobCall:
        """How it was called, of a run that is known to be a job. Raises ValueError."""
        if self.job is None:
            raise ValueError("The run was not called as a job.")
        return self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunSummary):
    """One execution of one version of a workflow."""

    content_hash: str
    """Of the state machine that it runs on: what a later release compiles may differ."""
    input: StoredPayload
    output: StoredPayload | None = None
    provider_key: bytes | None = field(default=None, repr=False)
    """The caller's own key to the language model, encrypted. It is there until the run ends."""
    run_mode: RunMode = RunMode.FULL
    time_range: TimeRange | None = None
    reused_run_id: UUID | None = None
    """The run whose output this one shows, without having executed anything."""
    run_attempt: int = 1
    """Which execution of it this is: one more with each resume."""
    correlation_id: str = ""
    """Of the request that started it: what its log lines have in common."""
    deadline: datetime | None = None
    """When it is ended if it has not by then; None for never."""
    webhook_url: str | None = None
    """Where its caller wants to be called back."""
    cancelled_from: RunStatus | None = None
    """What it was when it was cancelled."""
    resumed_at: datetime | None = None
    """When this attempt was asked for; None for the first."""
    kept_refs: frozenset[str] = frozenset()
    """The tasks whose outputs of earlier attempts count in this one."""
    trigger_depth: int = 0
    """How many runs stand before it of which each has set off the next by its event; 0 for a caller's own."""
    trigger_ids: tuple[UUID, ...] = ()
    """The triggers that have led to it, its own the last; none of them starts a run by its event."""
    parent: ParentTask | None = None
    """The task of another run that has started it; None for a caller's own."""

    @property
    def lineage(self) -> tuple[UUID, ...]:
        """The workflows of all runs above it and its own, the topmost first."""
        return (*(self.parent.lineage if self.parent else ()), self.workflow_id)

    @property
    def runs_for_parent(self) -> bool:
        return runs_for_parent(self)

    @property
    def accepted_at(self) -> datetime:
        """Since when it is open."""
        return self.resumed_at or self.created_at

    @property
    def execution_name(self) -> str:
        """What its execution in Step Functions is called."""
        return spell_execution_name(self.run_id, self.run_attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableClaim:
    """Which run writes, or has written, the output table of that name: what later calls join or reuse."""

    tenant: str
    table: str
    run_id: UUID
    fingerprint: str
    """Of the arguments: the table's name alone does not tell all calls apart."""
    workflow_version: int
    claimed_at: datetime
    complete_run_id: UUID | None = None
    """The run before it that has written the table whole, or may have by then: what it shows until `run_id` has."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended: COMPLETED with an output, FAILED or CANCELLED with an error."""

    status: RunStatus
    completed_at: datetime
    output: StoredPayload | None = None
    error: ErrorResult | None = None


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How somebody's answer ends a task: COMPLETED with an output, or FAILED with an error."""

    status: TaskStatus
    completed_at: datetime
    output: StoredPayload | None = None
    error: ErrorResult | None = None
    decided_by: str | None = None
    """The name of the key that answered; None where no person did."""


def failed_end(completed_at: datetime, reason: ErrorReason, location: str, message: str) -> RunEnd:
    return RunEnd(RunStatus.FAILED, completed_at, error=ErrorResult(reason, location, message))
