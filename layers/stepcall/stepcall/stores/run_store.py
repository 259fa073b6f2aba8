"""The port to runs: every change is one conditional write."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import StepcallError
from stepcall.domain.idempotency import EarlierStart, StartOnce, StartRecord
from stepcall.domain.ids import spell_execution_name
from stepcall.domain.parent_task import ParentTask, runs_for_parent
from stepcall.domain.run import (
    ErrorResult,
    Run,
    RunAttempt,
    RunEnd,
    RunStatus,
    RunSummary,
    StoredPayload,
    TableClaim,
    TaskEnd,
    TaskRun,
)
from stepcall.domain.run_with_tasks import RunWithTasks


class RunNotFoundError(StepcallError):
    """There is no such run, or it is another tenant's: readers cannot tell which."""


class RunExistsError(StepcallError):
    """A run of this id is already stored."""


class RunMoveRefusedError(StepcallError):
    """A run of this status cannot move to the one that was asked for."""

    def __init__(self, run_id: UUID, status: RunStatus, more: str = "") -> None:
        super().__init__(f"The run is {status}. {more}".rstrip())
        self.run_id = run_id
        self.status = status


class RunHasEndedError(RunMoveRefusedError):
    """The run has ended as `status`, and only a person who resumes it reopens a finished run."""


class LateAttemptError(StepcallError):
    """Late news: the run goes on as another execution than the one that the write is of, so it changed nothing."""

    def __init__(self, run_id: UUID) -> None:
        super().__init__(f"The run {run_id} goes on as another execution.")
        self.run_id = run_id


def refused_move(run_id: UUID, status: RunStatus) -> RunMoveRefusedError:
    return (RunHasEndedError if status.has_ended else RunMoveRefusedError)(run_id, status)


class TableClaimedError(StepcallError):
    """Another run has claimed the table since it was looked at: look again."""


class StartedOnceError(StepcallError):
    """The caller's key has started a run already, or the same call is starting one at this moment: look which."""


class TaskNotRunningError(StepcallError):
    """Late news: the task is no longer being worked on, so the write changed nothing."""


SHORTEST_LIFE_OF_START = timedelta(days=2)


def life_of_start(retention: timedelta) -> timedelta:
    """How long a key finds what it has started: as long as runs are kept once they have ended."""
    return max(retention, SHORTEST_LIFE_OF_START)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, newest first; `next_run_id` is the run to go on after, None on the last page."""

    runs: tuple[RunSummary, ...]
    next_run_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs a list shows: those of which all that is given is true. Times are from the first, up to the second."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    ended_from: datetime | None = None
    """With this or the next one, only runs that have ended."""
    ended_to: datetime | None = None
    status: RunStatus | None = None
    workflow_type: str | None = None


ALL_RUNS = RunFilter()


class RunCount(NamedTuple):
    """How many runs were counted, and the one to go on after; None when that was all."""

    number: int
    next_run_id: UUID | None


class OpenRun(NamedTuple):
    """What a sweep knows of a run that has not ended."""

    run_id: UUID
    tenant: str
    status: RunStatus
    created_at: datetime
    content_hash: str
    run_attempt: int = 1
    deadline: datetime | None = None
    resumed_at: datetime | None = None
    correlation_id: str = ""
    parent: ParentTask | None = None

    @property
    def runs_for_parent(self) -> bool:
        return runs_for_parent(self)

    @property
    def accepted_at(self) -> datetime:
        """Since when it is open."""
        return self.resumed_at or self.created_at

    @property
    def execution_name(self) -> str:
        return spell_execution_name(self.run_id, self.run_attempt)


class OpenRuns(NamedTuple):
    """Oldest first; `next_run_id` is the run to go on after, None on the last page."""

    runs: tuple[OpenRun, ...]
    next_run_id: UUID | None


class RunStore(Protocol):
    def put(self, run: Run, *, once: StartOnce | None = None) -> None:
        """Store a new run; one that has ended already is never open. Raises RunExistsError.

        With one that has a parent goes that it is listed among that one's children, both or neither.

        With `once` its caller's key is stored too, both or neither: raises StartedOnceError when it is there.
        """

    def put_with_claim(self, run: Run, claim: TableClaim, *, seen: UUID | None, once: StartOnce | None = None) -> None:
        """Store a new run and its claim to its output table, both or neither, and `once` as `put` does.

        `seen` is the run that had the claim when the caller looked, None for nobody. Raises RunExistsError,
        StartedOnceError, TableClaimedError.
        """

    def put_start(self, start: StartRecord) -> None:
        """Store a key alone, for a run that is there; the same once more is fine. Raises StartedOnceError."""

    def find_start(self, tenant: str, principal_id: str, key: str, now: datetime) -> EarlierStart | None:
        """What the caller has started with the key; None for nothing that is still kept."""

    def get_claim(self, tenant: str, table: str) -> TableClaim | None:
        """Who writes the table, or wrote it within its 30 days; None for nobody."""

    def get(self, tenant: str, run_id: UUID) -> RunWithTasks:
        """A tenant's run and all its tasks, instances excepted. Raises RunNotFoundError."""

    def list_by_workflow(
        self, tenant: str, workflow_id: UUID, *, status: RunStatus | None, limit: int, after: UUID | None
    ) -> RunPage:
        """Runs of a workflow, newest first, at most `limit`, from the first one older than `after`."""

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunPage:
        """A tenant's runs of all its workflows, newest first, with all that a summary has; otherwise as above.

        A page may hold fewer than there are: a long list is searched in parts.
        """

    def count_by_tenant(self, tenant: str, *, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunCount:
        """How many of a tenant's runs such a list would show, or the first part of them."""

    def list_open(self, *, limit: int, after: UUID | None) -> OpenRuns:
        """Runs of all tenants that have not ended, as they were a moment ago, from the first one newer than `after`.

        A page may hold fewer than `limit`, or none, and not be the last.
        """

    def move_machine(self, run: RunAttempt, content_hash: str) -> None:
        """Let a PENDING run execute on another machine; moved there already is fine.

        Raises RunMoveRefusedError, RunHasEndedError, RunNotFoundError, LateAttemptError.
        """

    def get_for_work(self, run_id: UUID, refs: Iterable[str]) -> RunWithTasks:
        """A run and those of its tasks, for a worker; `refs` may be of instances. Raises RunNotFoundError."""

    def get_for_end(self, run_id: UUID) -> RunWithTasks:
        """A run and all its tasks, for what ends it, instances excepted. Raises RunNotFoundError."""

    def list_instances(self, run_id: UUID, ref: str, *, of_attempt: int, start: int, stop: int) -> list[TaskRun]:
        """The records of a task's instances that an attempt has written, from index `start` up to `stop`, in order.

        One that has not begun has none.
        """

    def begin_task(self, run: Run, ref: str, *, attempt: int, now: datetime) -> None:
        """Mark a task RUNNING, and its run with it when that is PENDING.

        What an earlier attempt of the run has left of the task is overwritten. Raises RunHasEndedError when a run that
        was read as PENDING has ended meanwhile, LateAttemptError when it goes on as another attempt, and
        TaskNotRunningError when the task has ended, or a later attempt has it. A run that was read as RUNNING is not
        looked at again: that would double the price of every task.
        """

    def set_instances(self, run: RunAttempt, ref: str, instances: int) -> None:
        """Keep for how many elements a task is done that this attempt has RUNNING. Raises TaskNotRunningError."""

    def begin_run(self, run: RunAttempt, now: datetime) -> None:
        """Mark a PENDING run RUNNING whose first task need not begin; RUNNING already is fine.

        Raises RunHasEndedError, RunNotFoundError, LateAttemptError.
        """

    def complete_task(self, run: RunAttempt, ref: str, output: StoredPayload, now: datetime) -> None:
        """Mark a task COMPLETED that this attempt has RUNNING. Raises TaskNotRunningError."""

    def skip_task(self, run: RunAttempt, ref: str, now: datetime) -> None:
        """Mark a task SKIPPED that this attempt has RUNNING. Raises TaskNotRunningError."""

    def record_task_error(self, run: RunAttempt, ref: str, error: ErrorResult) -> None:
        """Keep what went wrong with a task that this attempt has RUNNING. Raises TaskNotRunningError."""

    def fail_task(self, run: RunAttempt, ref: str, error: ErrorResult, now: datetime) -> None:
        """Mark a task FAILED that this attempt has RUNNING or never begun. Raises TaskNotRunningError."""

    def list_children(self, run: RunAttempt, ref: str | None = None) -> Iterable[UUID]:
        """The runs that tasks of this attempt have started, and that nobody has forgotten since; the oldest first.

        With a `ref` those of that task alone, and of its instances.
        """

    def count_below(self, topmost: UUID, now: datetime) -> int:
        """How many runs were started below one that none has started, with one more now."""

    def forget_child(self, parent: ParentTask, run_id: UUID) -> None:
        """No longer list a run that has ended; a second time is fine."""

    def await_task(self, run: RunAttempt, ref: str, awaited: Awaited, *, token: str, attempt: int) -> None:
        """Keep what a task that this attempt of it has RUNNING waits for, and the token that its machine waits with.

        The token is in no TaskRun: who reads the table's stream tells the machine. Raises TaskNotRunningError.
        """

    def settle_task(self, run: RunAttempt, ref: str, end: TaskEnd) -> None:
        """End a task that awaits somebody's answer, if its run is RUNNING; the same end once more is fine.

        Of an instance the task that it is of must be RUNNING, too: else nobody waits for the others any more.

        Raises RunHasEndedError, RunMoveRefusedError, RunNotFoundError, LateAttemptError, and TaskNotRunningError when
        it does not await anything, or has ended otherwise.
        """

    def abandon(self, run: RunAttempt, end: RunEnd) -> None:
        """Move a run that is still PENDING to its end, as `end` does.

        Raises RunMoveRefusedError, RunHasEndedError, RunNotFoundError, LateAttemptError.
        """

    def end(self, run: RunAttempt, end: RunEnd) -> None:
        """Move a run to its end, and erase its provider key; the same end once more is fine.

        Raises RunHasEndedError, RunMoveRefusedError, RunNotFoundError, LateAttemptError.
        """

    def cancel(self, run: Run, end: RunEnd) -> None:
        """End a run that is as it was read, as `end` does. Raises RunMoveRefusedError when it has moved on, too."""

    def resume(self, seen: Run, resumed: Run, *, table: str | None) -> None:
        """Make a run that has ended PENDING again, as the next attempt: once, however many ask.

        `table` is an output table whose claim has to be this run's still. Raises LateAttemptError when another has
        resumed it, RunMoveRefusedError when it was not to be resumed, RunNotFoundError, TableClaimedError.
        """
