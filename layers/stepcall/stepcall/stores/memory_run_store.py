"""Runs in memory: for tests, and to say in few lines what every run store does."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock
from uuid import UUID

from stepcall.domain.awaited import Awaited
from stepcall.domain.idempotency import EarlierStart, StartOnce, StartRecord, record_of
from stepcall.domain.run import (
    RESUMABLE,
    ErrorResult,
    Run,
    RunAttempt,
    RunEnd,
    RunStatus,
    StoredPayload,
    TableClaim,
    TaskEnd,
    TaskRun,
    TaskStatus,
    is_same_execution,
    statuses_before,
)
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_control import index_of, is_instance, whole_ref
from stepcall.stores.memory_children import MemoryChildren
from stepcall.stores.memory_run_lists import is_shown, open_run, page
from stepcall.stores.run_store import (
    ALL_RUNS,
    LateAttemptError,
    OpenRuns,
    RunCount,
    RunExistsError,
    RunFilter,
    RunNotFoundError,
    RunPage,
    StartedOnceError,
    TableClaimedError,
    TaskNotRunningError,
    life_of_start,
    refused_move,
)


class MemoryRunStore(MemoryChildren):
    """See RunStore. `retention` is how long a finished run would be kept: none is ever deleted here."""

    def __init__(self, retention: timedelta = timedelta(days=90)) -> None:
        super().__init__()
        self._retention = retention
        self._runs: dict[UUID, RunWithTasks] = {}
        self._starts: dict[tuple[str, str, str], StartRecord] = {}
        self._claims: dict[tuple[str, str], TableClaim] = {}
        self.tokens: dict[tuple[UUID, str, int], str] = {}
        """What machines wait with, by run, ref and the run's attempt: for tests to look at."""
        self._lock = RLock()

    def put(self, run: Run, *, once: StartOnce | None = None) -> None:
        with self._lock:
            if run.run_id in self._runs:
                raise RunExistsError(f"The run {run.run_id} is already stored.")
            if once:
                self._put_start(record_of(run, once))
            self._runs[run.run_id] = RunWithTasks(run)
            self._remember_child(run)

    def put_with_claim(self, run: Run, claim: TableClaim, *, seen: UUID | None, once: StartOnce | None = None) -> None:
        with self._lock:
            held = self.get_claim(claim.tenant, claim.table)
            is_outrun = run.run_id not in self._runs and (held.run_id if held else None) != seen
            if once and is_outrun:
                self._require_free(record_of(run, once))  # of two refusals this one counts
            if is_outrun:
                raise TableClaimedError(f"Another run has claimed {claim.table}.")
            self.put(run, once=once)
            self._claims[claim.tenant, claim.table] = claim

    def put_start(self, start: StartRecord) -> None:
        with self._lock:
            found = self.find_start(start.tenant, start.principal_id, start.once.key, start.started_at)
            if found != EarlierStart(start.run_id, start.once.fingerprint):
                self._put_start(start)

    def find_start(self, tenant: str, principal_id: str, key: str, now: datetime) -> EarlierStart | None:
        start = self._starts.get((tenant, principal_id, key))
        if start is None or start.started_at + life_of_start(self._retention) <= now:
            return None
        return EarlierStart(start.run_id, start.once.fingerprint)

    def _put_start(self, start: StartRecord) -> None:
        self._require_free(start)
        self._starts[start.tenant, start.principal_id, start.once.key] = start

    def _require_free(self, start: StartRecord) -> None:
        if self.find_start(start.tenant, start.principal_id, start.once.key, start.started_at):
            raise StartedOnceError("The key has started a run before.")

    def get_claim(self, tenant: str, table: str) -> TableClaim | None:
        return self._claims.get((tenant, table))

    def get(self, tenant: str, run_id: UUID) -> RunWithTasks:
        found = self.get_for_end(run_id)
        if found.run.tenant != tenant:
            raise RunNotFoundError(f"There is no run {run_id}.")
        return found

    def list_by_workflow(
        self, tenant: str, workflow_id: UUID, *, status: RunStatus | None, limit: int, after: UUID | None
    ) -> RunPage:
        runs = (run for run in self._newest_first(tenant, after) if run.workflow_id == workflow_id)
        return page([run for run in runs if status in {None, run.status}], limit)

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunPage:
        return page([run for run in self._newest_first(tenant, after) if is_shown(run, only)], limit)

    def count_by_tenant(self, tenant: str, *, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunCount:
        return RunCount(sum(is_shown(run, only) for run in self._newest_first(tenant, after)), None)

    def _newest_first(self, tenant: str, after: UUID | None) -> list[Run]:
        runs = (found.run for found in list(self._runs.values()) if found.run.tenant == tenant)
        older = (run for run in runs if after is None or run.run_id < after)
        return sorted(older, key=lambda run: run.run_id, reverse=True)

    def list_open(self, *, limit: int, after: UUID | None) -> OpenRuns:
        runs = (found.run for found in list(self._runs.values()) if not found.run.status.has_ended)
        later = sorted((run for run in runs if after is None or run.run_id > after), key=lambda run: run.run_id)
        shown = later[:limit]
        return OpenRuns(tuple(map(open_run, shown)), shown[-1].run_id if len(later) > limit else None)

    def move_machine(self, run: RunAttempt, content_hash: str) -> None:
        with self._lock:
            found = self.get_for_end(run.run_id).run
            moved = replace(found, content_hash=content_hash)
            if found == moved and (found.status, found.run_attempt) == (RunStatus.PENDING, run.run_attempt):
                return
            self._of_attempt(run)
            if found.status is not RunStatus.PENDING:
                raise refused_move(run.run_id, found.status)
            self._runs[run.run_id] = RunWithTasks(moved, self._runs[run.run_id].tasks)

    def get_for_work(self, run_id: UUID, refs: Iterable[str]) -> RunWithTasks:
        found = self._stored(run_id)
        return replace(found, tasks={ref: found.tasks[ref] for ref in refs if ref in found.tasks})

    def get_for_end(self, run_id: UUID) -> RunWithTasks:
        found = self._stored(run_id)
        return replace(found, tasks={ref: task for ref, task in found.tasks.items() if not is_instance(ref)})

    def list_instances(self, run_id: UUID, ref: str, *, of_attempt: int, start: int, stop: int) -> list[TaskRun]:
        tasks = self._stored(run_id).tasks.values() if run_id in self._runs else ()
        of_task = [task for task in tasks if is_instance(task.ref) and whole_ref(task.ref) == ref]
        begun = [task for task in of_task if start <= index_of(task.ref) < stop]
        counted = [task for task in begun if task.run_attempt == of_attempt]
        return sorted(counted, key=lambda task: index_of(task.ref))

    def _stored(self, run_id: UUID) -> RunWithTasks:
        try:
            return self._runs[run_id]
        except KeyError as exc:
            raise RunNotFoundError(f"There is no run {run_id}.") from exc

    def begin_task(self, run: Run, ref: str, *, attempt: int, now: datetime) -> None:
        with self._lock:
            stored = self._of_attempt(run).run if run.status is RunStatus.PENDING else self.get_for_end(run.run_id).run
            if run.status is RunStatus.PENDING and stored.status.has_ended:
                raise refused_move(run.run_id, stored.status)
            task = self._unfinished_task(run, ref)
            begun = replace(task, status=TaskStatus.RUNNING, attempts=attempt + 1, started_at=task.started_at or now)
            if run.status is stored.status is RunStatus.PENDING:
                stored = replace(stored, status=RunStatus.RUNNING, started_at=now)
            self._save(stored, begun)

    def set_instances(self, run: RunAttempt, ref: str, instances: int) -> None:
        with self._lock:
            self._save(self._runs[run.run_id].run, replace(self._running_task(run, ref), instances=instances))

    def begin_run(self, run: RunAttempt, now: datetime) -> None:
        with self._lock:
            found = self._of_attempt(run)
            if found.run.status.has_ended:
                raise refused_move(run.run_id, found.run.status)
            begun = replace(found.run, status=RunStatus.RUNNING, started_at=found.run.started_at or now)
            self._runs[run.run_id] = replace(found, run=begun)

    def complete_task(self, run: RunAttempt, ref: str, output: StoredPayload, now: datetime) -> None:
        with self._lock:
            task = self._running_task(run, ref)
            done = replace(task, status=TaskStatus.COMPLETED, completed_at=now, output=output, error=None)
            self._save(self._runs[run.run_id].run, done)

    def skip_task(self, run: RunAttempt, ref: str, now: datetime) -> None:
        with self._lock:
            task = self._running_task(run, ref)
            skipped = replace(task, status=TaskStatus.SKIPPED, completed_at=now, error=None)
            self._save(self._runs[run.run_id].run, skipped)

    def record_task_error(self, run: RunAttempt, ref: str, error: ErrorResult) -> None:
        with self._lock:
            task = self._running_task(run, ref)
            self._save(self._runs[run.run_id].run, replace(task, error=error))

    def fail_task(self, run: RunAttempt, ref: str, error: ErrorResult, now: datetime) -> None:
        with self._lock:
            task = self._unfinished_task(run, ref)
            failed = replace(task, status=TaskStatus.FAILED, completed_at=now, error=error)
            self._save(self._runs[run.run_id].run, failed)

    def await_task(self, run: RunAttempt, ref: str, awaited: Awaited, *, token: str, attempt: int) -> None:
        with self._lock:
            task = self._running_task(run, ref)
            if task.attempts != attempt + 1:
                raise TaskNotRunningError(f"A later attempt has the task {ref}.")
            self.tokens[run.run_id, ref, run.run_attempt] = token
            self._save(self._runs[run.run_id].run, replace(task, awaited=awaited))

    def settle_task(self, run: RunAttempt, ref: str, end: TaskEnd) -> None:
        with self._lock:
            found = self._stored(run.run_id)
            task = found.tasks.get(ref, TaskRun(ref, run_attempt=run.run_attempt))
            settled = replace(task, status=end.status, output=end.output, error=end.error, decided_by=end.decided_by)
            if settled == task and task.run_attempt == run.run_attempt:
                return
            if self._of_attempt(run).run.status is not RunStatus.RUNNING:
                raise refused_move(run.run_id, found.run.status)
            if (run.run_id, ref, run.run_attempt) not in self.tokens:
                raise TaskNotRunningError(f"The task {ref} awaits nothing.")
            for each in (whole_ref(ref), ref):
                self._running_task(run, each)
            self._save(found.run, replace(settled, completed_at=end.completed_at))

    def abandon(self, run: RunAttempt, end: RunEnd) -> None:
        self._end(run, end, frozenset({RunStatus.PENDING}))

    def end(self, run: RunAttempt, end: RunEnd) -> None:
        self._end(run, end, statuses_before(end.status))

    def cancel(self, run: Run, end: RunEnd) -> None:
        if run.status.has_ended:
            raise refused_move(run.run_id, run.status)
        self._end(run, end, frozenset({run.status}))

    def resume(self, seen: Run, resumed: Run, *, table: str | None) -> None:
        with self._lock:
            found = self._of_attempt(seen)
            if found.run.status not in RESUMABLE:
                raise refused_move(seen.run_id, found.run.status)
            claim = self.get_claim(seen.tenant, table) if table else None
            if table and (claim is None or claim.run_id != seen.run_id):
                raise TableClaimedError(f"Another run has claimed {table}.")
            self._runs[seen.run_id] = RunWithTasks(resumed, found.tasks)

    def _end(self, run: RunAttempt, end: RunEnd, allowed_from: frozenset[RunStatus]) -> None:
        with self._lock:
            found = self._of_attempt(run)
            ended = replace(
                found.run,
                status=end.status,
                completed_at=end.completed_at,
                provider_key=None,
                output=end.output,
                error=end.error,
            )
            if ended == found.run:
                return
            if found.run.status not in allowed_from:
                raise refused_move(run.run_id, found.run.status)
            caught = found.run.status if end.status is RunStatus.CANCELLED else None
            self._runs[run.run_id] = replace(found, run=replace(ended, cancelled_from=caught))

    def _of_attempt(self, run: RunAttempt) -> RunWithTasks:
        found = self._stored(run.run_id)
        if not is_same_execution(found.run, run):
            raise LateAttemptError(run.run_id)
        return found

    def _unfinished_task(self, run: RunAttempt, ref: str) -> TaskRun:
        task = self._stored(run.run_id).tasks.get(ref, TaskRun(ref, run_attempt=run.run_attempt))
        if task.status not in {TaskStatus.PENDING, TaskStatus.RUNNING} or task.run_attempt != run.run_attempt:
            raise TaskNotRunningError(f"The task {ref} is {task.status}.")
        return task

    def _running_task(self, run: RunAttempt, ref: str) -> TaskRun:
        task = self._runs[run.run_id].tasks.get(ref) if run.run_id in self._runs else None
        if task is None or task.status is not TaskStatus.RUNNING or task.run_attempt != run.run_attempt:
            raise TaskNotRunningError(f"The task {ref} of the run {run.run_id} is not running.")
        return task

    def _save(self, run: Run, task: TaskRun) -> None:
        self._runs[run.run_id] = RunWithTasks(run, {**self._runs[run.run_id].tasks, task.ref: task})
