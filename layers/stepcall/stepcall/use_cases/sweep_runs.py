"""Sweep runs, every minute: the road for what the other two have missed.

Runs that were accepted and not started are started, runs whose execution ended unseen are ended. All of it may happen
twice, or be broken off: the next sweep begins from what the table says. docs/decisions/2026-11-21-three-roads.md.
"""

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stepcall.domain.run import Run, RunStatus
from stepcall.stores.run_store import OpenRun
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.end_unseen_run import end_unseen_run
from stepcall.use_cases.engine import EngineUnavailableError, ExecutionStatus, StateMachines
from stepcall.use_cases.start_run import execute

STARTED_WITHIN = timedelta(seconds=60)
"""Longer than any call goes on that starts a run."""
LOOKED_AT_AFTER = timedelta(minutes=5)
SECONDS_PER_LOOK = 0.1
"""AWS takes 15 DescribeExecution a second, in its smaller regions; others in the account may need some, too."""
MAX_LOOKS = 300
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDependencies(WorkerDependencies):
    """For the sweep."""

    engine: StateMachines
    compile: MachineCompiler
    choose: Callable[[Sequence[OpenRun], int], Sequence[OpenRun]]
    """So many of them, at random: no run is passed over for ever."""
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]


def sweep_runs(seconds: float, deps: SweepDependencies) -> None:
    """Take no more than about that time. Raises an ExceptionGroup, after all, of faults met with single runs."""
    faults = _Sweep(deps, deps.monotonic() + seconds).sweep()
    if faults:
        raise ExceptionGroup("Some runs could not be swept; the log says which.", faults)


class _Sweep:
    """One sweep; `end` is on the monotonic clock."""

    def __init__(self, deps: SweepDependencies, end: float) -> None:
        self._deps = deps
        self._end = end
        self._looks_left = MAX_LOOKS
        self._next_look = 0.0
        self._faults: list[Exception] = []

    def sweep(self) -> list[Exception]:
        """What went wrong with single runs, and has stopped none of the others."""
        now = self._deps.now()
        due = [run for run in self._open_runs() if now - run.accepted_at > STARTED_WITHIN]
        old = [run for run in due if now - run.accepted_at > LOOKED_AT_AFTER]
        looked_at = old if len(old) <= MAX_LOOKS else self._deps.choose(old, MAX_LOOKS)
        self._repair(deque(run for run in due if run.status is RunStatus.PENDING), deque(looked_at))
        return self._faults

    def _open_runs(self) -> Iterator[OpenRun]:
        """Oldest first."""
        after: UUID | None = None
        while self._deps.monotonic() < self._end:
            page = self._deps.runs.list_open(limit=PAGE, after=after)
            yield from page.runs
            if (after := page.next_run_id) is None:
                return

    def _repair(self, waiting: deque[OpenRun], looked_at: deque[OpenRun]) -> None:
        """Start between one look and the next: neither keeps the other from its turn, however many there are."""
        while waiting or looked_at:
            now = self._deps.monotonic()
            if now >= self._end:
                self._deps.log("sweep_out_of_time", waiting=str(len(waiting)), not_looked_at=str(len(looked_at)))
                return
            if looked_at and (not waiting or now >= self._next_look):
                self._try(self._look_at, looked_at.popleft())
            else:
                self._try(self._start, waiting.popleft())

    def _try(self, act: Callable[[OpenRun], None], run: OpenRun) -> None:
        try:
            act(run)
        except EngineUnavailableError as exc:
            self._deps.log("run_not_swept", run_id=str(run.run_id), error=str(exc))
        except Exception as exc:  # whatever it is: the others have done nothing wrong
            self._deps.log("run_not_swept", run_id=str(run.run_id), error=traceback.format_exc())
            self._faults.append(exc)

    def _start(self, waiting: OpenRun) -> None:
        run = self._deps.runs.get_for_work(waiting.run_id, ()).run
        if run.status is not RunStatus.PENDING:
            return  # since it was listed
        version = self._deps.workflows.get_version(run.workflow_id, run.workflow_version)
        content_hash = self._deps.compile(version, run.run_mode).content_hash
        if content_hash != run.content_hash and not self._moves(run, content_hash):
            return
        if execute(run, version, self._deps):
            self._log_repair("start_repeated", run.run_id)

    def _moves(self, run: Run, content_hash: str) -> bool:
        """Whether a run that an earlier release was to start is now one of this release's machine."""
        if self._look(run.execution_name, run.content_hash) is not ExecutionStatus.MISSING:
            return False  # it was started, or there is no look left to see that it was not: never on two machines
        self._deps.runs.move_machine(run, seen=run.content_hash, content_hash=content_hash)
        self._log_repair("machine_moved", run.run_id)
        return True

    def _look_at(self, run: OpenRun) -> None:
        execution = self._look(run.execution_name, run.content_hash)
        is_yet_to_start = run.status is RunStatus.PENDING and execution is ExecutionStatus.MISSING
        if execution in {None, ExecutionStatus.RUNNING} or is_yet_to_start:
            return
        if end_unseen_run(run, execution, self._deps):
            self._log_repair("ended", run.run_id)

    def _look(self, name: str, content_hash: str) -> ExecutionStatus | None:
        """How the execution is; None when this sweep has looked at as many as it may."""
        if not self._looks_left:
            return None
        self._looks_left -= 1
        self._deps.sleep(max(0.0, self._next_look - self._deps.monotonic()))
        self._next_look = self._deps.monotonic() + SECONDS_PER_LOOK
        return self._deps.engine.describe(name, content_hash)

    def _log_repair(self, kind: str, run_id: UUID) -> None:
        self._deps.log("sweeper_repair", kind=kind, run_id=str(run_id))
