"""Sweep runs, every minute: the road for what the other two have missed.

Runs that were accepted and not started are started, in order and as far as their tenants have slots; runs whose
execution ended unseen are ended, and those past their deadline. All of it may happen twice, or be broken off: the next
sweep begins from what the table says. docs/decisions/2026-11-21-three-roads.md, 2026-11-21-run-concurrency.md.
"""

import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from stepcall.domain.run import Run, RunStatus
from stepcall.stores.run_store import OpenRun
from stepcall.stores.slot_store import Place, SlotsUnavailableError, place_of
from stepcall.use_cases.admit_waiting_runs import run_in
from stepcall.use_cases.cancel_children import ABANDONED, cancel_child
from stepcall.use_cases.child_bond import Bond, bond_of
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.end_late_run import end_late_run
from stepcall.use_cases.end_unseen_run import end_unseen_run
from stepcall.use_cases.engine import EngineUnavailableError, ExecutionStatus
from stepcall.use_cases.enter_run import execute
from stepcall.use_cases.metrics import Metric, Metrics
from stepcall.use_cases.sweep_slots import SweptSlots

STARTED_WITHIN = timedelta(seconds=60)
"""Longer than any call goes on that starts a run."""
LOOKED_AT_AFTER = timedelta(minutes=5)
SECONDS_PER_LOOK = 0.1
"""AWS takes 15 DescribeExecution a second, in its smaller regions; others in the account may need some, too."""
MAX_LOOKS = 300
PAGE = 100
LISTING_SHARE = 1 / 3
"""Of a sweep's time, at most: what is listed and not repaired helps nobody."""

T = TypeVar("T")


class Choose(Protocol):
    """So many of them, at random."""

    def __call__(self, of: Sequence[T], count: int, /) -> Sequence[T]: ...


@dataclass(slots=True)
class ListedTo:
    """Where the sweep before has left off listing; None where it came to the end. It lives as long as the process."""

    run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDependencies(StartDependencies):
    """For the sweep."""

    metrics: Metrics
    choose: Choose
    """No run is passed over for ever."""
    listed_to: ListedTo
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]


class SweepResult(NamedTuple):
    """What a sweep has found and done."""

    oldest_waiting_seconds: float
    """How long the oldest run waits, not counting those behind their own tenant's limit; 0.0 when none does."""
    repairs: Mapping[str, int]
    """How many of each kind."""
    faults: tuple[Exception, ...]
    """Met with single runs: the log says which."""


def sweep_runs(seconds: float, deps: SweepDependencies) -> SweepResult:
    """Take no more than about that time."""
    return _Sweep(deps, deps.monotonic() + seconds).sweep()


class _Sweep:
    """One sweep; `end` is on the monotonic clock."""

    def __init__(self, deps: SweepDependencies, end: float) -> None:
        self._deps = deps
        self._end = end
        self._listing_end = deps.monotonic() + (end - deps.monotonic()) * LISTING_SHARE
        self._looks_left = MAX_LOOKS
        self._next_look = 0.0
        self._listed: frozenset[Place] = frozenset()
        self._slots: dict[str, SweptSlots | None] = {}
        self._repairs: Counter[str] = Counter()
        self._faults: list[Exception] = []

    def sweep(self) -> SweepResult:
        """What went wrong with single runs has stopped none of the others."""
        now, listed = self._deps.now(), self._list_open()
        self._listed = frozenset(map(place_of, listed))
        oldest = self._queue_age(listed, now)
        self._deps.metrics({Metric.QUEUE_AGE: [oldest]})  # first: no repair may keep it back
        late, in_time = list[OpenRun](), list[OpenRun]()
        for run in listed:
            (late if run.deadline is not None and run.deadline <= now else in_time).append(run)
        due = [run for run in in_time if now - run.accepted_at > STARTED_WITHIN]
        pending = [run for run in due if run.status is RunStatus.PENDING]
        old = [run for run in due if now - run.accepted_at > LOOKED_AT_AFTER and not self._only_waits(run)]
        looked_at = old if len(old) <= MAX_LOOKS else take_turns(self._deps.choose(old, len(old)))[:MAX_LOOKS]
        self._repair(deque(take_turns(late)), deque(take_turns(pending)), deque(looked_at))
        self._deps.metrics({Metric.SWEEPER_REPAIRS: [self._repairs.total()]})
        return SweepResult(oldest, dict(self._repairs), tuple(self._faults))

    def _list_open(self) -> list[OpenRun]:
        """Oldest first; where there is no time for all, those behind what the sweep before has listed."""
        begun_at = after = self._deps.listed_to.run_id
        listed = dict[UUID, OpenRun]()
        has_turned = begun_at is None
        while self._deps.monotonic() < self._listing_end:
            page = self._deps.runs.list_open(limit=PAGE, after=after)
            listed |= {run.run_id: run for run in page.runs}
            after = page.next_run_id
            if has_turned and (after is None or (begun_at is not None and after >= begun_at)):
                self._deps.listed_to.run_id = None
                break
            has_turned = has_turned or after is None
        else:
            self._deps.listed_to.run_id = after
            self._deps.log("runs_listed_in_part", listed=str(len(listed)))
        return [listed[run_id] for run_id in sorted(listed)]

    def _queue_age(self, listed: Sequence[OpenRun], now: datetime) -> float:
        """Seconds. To wait behind one's own tenant's limit is as it should be, and would hide what is not."""
        pending = sorted((run for run in listed if run.status is RunStatus.PENDING), key=lambda run: run.accepted_at)
        oldest = next((run.accepted_at for run in pending if not self._waits_for_its_own(run)), now)
        return max(0.0, (now - oldest).total_seconds())

    def _waits_for_its_own(self, run: OpenRun) -> bool:
        """Whether other runs of its tenant have all the slots."""
        if not self._deps.max_running or run.runs_for_parent:
            return False
        slots = self._slots_of(run.tenant)
        return slots is not None and slots.were_taken and not slots.held(place_of(run))

    def _repair(self, late: deque[OpenRun], waiting: deque[OpenRun], looked_at: deque[OpenRun]) -> None:
        """One of each kind in turn: none keeps the others from theirs, however many there are."""
        kinds = deque([(late, self._end_late), (looked_at, self._look_at), (waiting, self._start)])
        while late or waiting or looked_at:
            now = self._deps.monotonic()
            if now >= self._end:
                left = {"late": late, "waiting": waiting, "not_looked_at": looked_at}
                self._deps.log("sweep_out_of_time", **{name: str(len(runs)) for name, runs in left.items()})
                return
            runs, act = kinds[0]
            kinds.rotate(-1)
            would_only_sleep = runs is looked_at and now < self._next_look and (late or waiting)
            if runs and not would_only_sleep:
                self._try(act, runs.popleft())

    def _try(self, act: Callable[[OpenRun], None], run: OpenRun) -> None:
        with self._deps.about(run):
            self._try_logged(act, run)

    def _try_logged(self, act: Callable[[OpenRun], None], run: OpenRun) -> None:
        try:
            act(run)
        except (EngineUnavailableError, SlotsUnavailableError) as exc:
            self._deps.log("run_not_swept", run_id=str(run.run_id), error=str(exc))
        except Exception as exc:  # whatever it is: the others have done nothing wrong
            self._deps.log("run_not_swept", run_id=str(run.run_id), error=traceback.format_exc())
            self._faults.append(exc)

    def _end_late(self, run: OpenRun) -> None:
        if run.deadline and end_late_run(run, run.deadline, self._deps):
            self._log_repair("deadline_passed", run.run_id)

    def _only_waits(self, run: OpenRun) -> bool:
        """Whether it has never been let in: then nobody has started it, and there is nothing to look at."""
        if run.status is not RunStatus.PENDING or not self._deps.max_running or run.runs_for_parent:
            return False
        slots = self._slots_of(run.tenant)
        return slots is None or not slots.held(place_of(run))

    def _slots_of(self, tenant: str) -> SweptSlots | None:
        """None where they cannot be asked for."""
        choose = self._deps.choose if self._deps.listed_to.run_id else None
        if tenant not in self._slots:
            try:
                self._slots[tenant] = SweptSlots(tenant, self._listed, self._deps, self._tell, choose)
            except SlotsUnavailableError as exc:
                self._deps.log("slots_not_read", tenant=tenant, error=str(exc))
                self._slots[tenant] = None
        return self._slots[tenant]

    def _start(self, waiting: OpenRun) -> None:
        takes_slot, place = self._deps.max_running and not waiting.runs_for_parent, place_of(waiting)
        slots = self._slots_of(waiting.tenant) if takes_slot else None
        if takes_slot and not (slots and slots.lets_in(place)):
            return
        run = run_in(place, self._deps)
        if run is None:  # it has ended since it was listed, and may have been resumed
            if slots:
                slots.leaves(place)
            return
        bond = bond_of(run, self._deps) if run.runs_for_parent else None
        if bond is Bond.CUT:
            cancel_child(run.run_id, ABANDONED, self._deps)
            self._log_repair("child_cancelled", run.run_id)
        elif run.status is RunStatus.PENDING and bond is not Bond.NOT_YET:
            self._start_in(run, slots)

    def _start_in(self, run: Run, slots: SweptSlots | None) -> None:
        """`slots` are those that have let it in; None where there is no limit."""
        version = self._deps.workflows.get_version(run.workflow_id, run.workflow_version)
        content_hash = self._deps.compile(version, run.run_mode).content_hash
        if content_hash != run.content_hash:
            if not self._moves(run, content_hash):
                return
            run = replace(run, content_hash=content_hash)
        if execute(run, version, self._deps) and not (slots and slots.waited(place_of(run))):
            self._log_repair("start_repeated", run.run_id)

    def _moves(self, run: Run, content_hash: str) -> bool:
        """Whether a run that an earlier release was to start is now one of this release's machine."""
        if self._look(run.execution_name, run.content_hash) is not ExecutionStatus.MISSING:
            return False  # it was started, or there is no look left to see that it was not: never on two machines
        self._deps.runs.move_machine(run, content_hash)
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

    def _tell(self, kind: str, place: Place) -> None:
        self._log_repair(kind, place.run_id)

    def _log_repair(self, kind: str, run_id: UUID) -> None:
        self._repairs[kind] += 1
        self._deps.log("sweeper_repair", kind=kind, run_id=str(run_id))


def take_turns(runs: Iterable[OpenRun]) -> list[OpenRun]:
    """Each tenant's first, then each one's second: in their order, and no tenant behind all of another's."""
    turns = Counter[str]()

    def turn(run: OpenRun) -> int:
        turns[run.tenant] += 1
        return turns[run.tenant]

    return sorted(runs, key=turn)
