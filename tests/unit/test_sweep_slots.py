"""What the sweep does about runs that wait, slots that nobody gave back, and deadlines."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from stepcall.domain.errors import ErrorReason, InvalidDefinitionError, Problem
from stepcall.domain.run import Run, RunStatus
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.stores.slot_store import Place, SlotsUnavailableError
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.resume_run import ResumeRun, resume_run
from stepcall.use_cases.sweep_slots import MAX_READ_AGAIN, SweptSlots
from tests.unit.run_world import CALLER, STRANGER, TIME_TO_RUN
from tests.unit.slot_world import MINUTE, SlotWorld, ids_of, place_in

CALLS = ("take", "give_back", "read", "put_waiting", "mark", "unmark", "list_waiting", "remove_waiting")
WRITES = {"take", "give_back", "put_waiting", "mark", "unmark", "remove_waiting"}


class Watched(MemorySlotStore):
    """Counts its calls, and lets the process die or DynamoDB fail in the n-th."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.dies_in: int | None = None
        self.dies_after = False
        self.is_down = False

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return (lambda *args, **kwargs: self._call(name, method, args, kwargs)) if name in CALLS else method

    def _call(self, name: str, method: Any, args: Any, kwargs: Any) -> Any:
        if self.is_down:
            raise SlotsUnavailableError("DynamoDB answered ThrottlingException.")
        self.calls[name] += 1
        is_last = self.dies_in is not None and self.calls.total() > self.dies_in
        if is_last and not self.dies_after:
            raise DiedError
        answer = method(*args, **kwargs)
        if is_last:
            raise DiedError
        return answer


class DiedError(BaseException):
    """The process ended here: no handler of ours sees it."""


def go_on(world: SlotWorld, runs: list[Run], minutes: int) -> None:
    """What is under way completes, and a sweep comes every minute."""
    for _ in range(minutes):
        for run in runs:
            if run.run_id in world.begun() and not world.status(run).has_ended:
                world.complete(run)
        world.sweep(after=MINUTE + 1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_in", range(3))
def test_a_start_that_dies_anywhere_on_its_way_into_the_line_comes_about(dies_in: int, after: bool) -> None:
    slots = Watched()
    world = SlotWorld(max_running=1, slots=slots)
    first = world.start_one()
    slots.calls.clear()
    slots.dies_in, slots.dies_after = dies_in, after
    with pytest.raises(DiedError):
        world.start_one()
    slots.dies_in = None
    late = world.start_one()
    runs = [found.run for found in vars(world.runs)["_runs"].values()]
    go_on(world, runs, 5)
    assert sorted(world.begun()) == sorted(ids_of(runs))
    assert {world.status(run) for run in runs} == {RunStatus.COMPLETED}
    assert (world.holders(), world.line(), len(runs)) == (set(), [], 3)
    assert {first.run_id, late.run_id} <= set(world.begun())


@pytest.mark.parametrize("is_told_again", [False, True], ids=["given up", "told again"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_in", range(4))
def test_an_end_that_dies_anywhere_on_its_way_to_let_in_the_next_loses_nobody(
    dies_in: int, after: bool, is_told_again: bool
) -> None:
    slots = Watched()
    world = SlotWorld(max_running=1, slots=slots)
    runs = world.start_many(3)
    slots.calls.clear()
    slots.dies_in, slots.dies_after = dies_in, after
    with pytest.raises(DiedError):
        world.complete(runs[0])
    slots.dies_in = None
    if is_told_again:
        world.tell(runs[0])
    go_on(world, runs, 6)
    assert world.begun() == ids_of(runs), "each once, in order"
    assert {world.status(run) for run in runs} == {RunStatus.COMPLETED}
    assert (world.holders(), world.line()) == (set(), [])


@pytest.mark.parametrize("step", [0, 1])
def test_a_process_that_dies_around_the_start_of_an_execution_loses_nobody(step: int) -> None:
    world = SlotWorld(max_running=1)
    first, waiting = world.start_many(2)
    died = list[int]()

    def die() -> None:
        died.append(1)
        if len(died) == 1:
            if step:
                world.engine.started[waiting.run_id] = world.engine.started[first.run_id]
            raise DiedError

    world.engine.on_start = die
    with pytest.raises(DiedError):
        world.complete(first)
    go_on(world, [first, waiting], 3)
    assert world.begun() == ids_of([first, waiting])
    assert world.status(waiting) is RunStatus.COMPLETED
    assert world.holders() == set()


def test_slots_that_nobody_gave_back_are_freed_when_they_are_needed_and_the_next_is_let_in() -> None:
    world = SlotWorld()
    runs = world.start_many(3)
    stop_run(runs[0], world.deps)  # and the stream's record of it is lost
    result = world.sweep(after=MINUTE + 1)
    assert world.begun() == ids_of(runs)
    assert result.repairs == {"slot_freed": 1, "start_repeated": 1}, "runs[1] has not begun, and was started again"
    assert world.line() == []


def test_a_run_that_only_waited_for_its_turn_is_no_repair() -> None:
    world = SlotWorld()
    runs = world.start_many(3)
    for run in runs[:2]:
        world.do_task(run, "only")
    world.finish(runs[0])
    world.slots.give_back("acme", [Place(runs[0].run_id)])  # who gave it back died before he let in the next
    result = world.sweep(after=MINUTE + 1)
    assert (world.begun(), world.line(), dict(result.repairs)) == (ids_of(runs), [], {})


def test_many_that_wait_in_line_cost_a_sweep_no_writes_and_no_looks() -> None:
    slots = Watched()
    world = SlotWorld(max_running=2, slots=slots)
    runs = world.start_many(2)
    for run in runs:
        world.do_task(run, "only")
    world.start_many(1500)
    slots.calls.clear()
    result = world.sweep(after=6 * MINUTE)
    assert {name: slots.calls[name] for name in WRITES if slots.calls[name]} == {"take": 1}
    assert set(world.engine.described) == set(ids_of(runs))
    assert (dict(result.repairs), world.begun()) == ({}, ids_of(runs))


def test_who_waits_behind_the_limit_of_its_own_tenant_is_as_old_as_it_likes() -> None:
    world = SlotWorld(max_running=1)
    first, *_ = world.start_many(2)
    world.do_task(first, "only")
    assert world.sweep(after=99).oldest_waiting_seconds == 0
    assert SlotWorld().sweep().oldest_waiting_seconds == 0


def test_the_sweep_says_how_long_the_oldest_waits_that_has_a_slot() -> None:
    world = SlotWorld(max_running=1)
    world.start_many(2)  # the first has a slot, and does not begin
    assert world.sweep(after=99).oldest_waiting_seconds == pytest.approx(99)


def test_the_sweep_says_how_long_the_oldest_waits_whose_tenant_has_a_slot_free() -> None:
    world = SlotWorld(max_running=1)
    first, _ = world.start_many(2)
    world.do_task(first, "only")
    world.finish(first)
    world.slots.give_back("acme", [place_in(first)])  # who gave it back died before he let in the next
    assert world.sweep(after=98).oldest_waiting_seconds == pytest.approx(100)


def test_the_sweep_says_how_long_the_oldest_waits_where_slots_cannot_be_asked_for() -> None:
    slots = Watched()
    world = SlotWorld(max_running=1, slots=slots)
    world.start_many(2)
    slots.is_down = True
    assert world.sweep(after=99).oldest_waiting_seconds == pytest.approx(99)


def test_of_many_holders_where_not_all_runs_were_listed_a_sweep_reads_some_again() -> None:
    world = SlotWorld(max_running=3 * MAX_READ_AGAIN)
    runs = world.start_many(3 * MAX_READ_AGAIN + 1)
    for run in runs[:-1]:
        stop_run(run, world.deps)  # and the stream's records of it are lost
    place = place_in(runs[-1])
    assert SweptSlots("acme", [place], world.deps, lambda *_: None, Random(0).sample).lets_in(place)
    assert len(world.holders()) == 2 * MAX_READ_AGAIN + 1
    world.sweep(after=MINUTE + 1)
    assert runs[-1].run_id in world.begun()


def test_while_slots_cannot_be_asked_for_nobody_of_theirs_is_started_and_others_are_looked_at() -> None:
    slots = Watched()
    world = SlotWorld(slots=slots)
    world.engine.is_down = True
    waiting = world.start_one()
    world.engine.is_down = False
    under_way = world.start_one(STRANGER)
    world.do_task(under_way, "only")
    slots.is_down = True
    result = world.sweep(after=6 * MINUTE)
    assert (waiting.run_id in world.begun(), result.faults) == (False, ())
    assert world.engine.described == [under_way.run_id]
    assert world.events().count("slots_not_read") == 1
    slots.is_down = False
    world.sweep()
    assert waiting.run_id in world.begun()


def test_a_holder_that_was_not_started_is_started_although_an_older_run_waits_for_a_slot() -> None:
    slots = Watched()
    world = SlotWorld(max_running=1, slots=slots)
    slots.dies_in = 0
    with pytest.raises(DiedError):
        world.start_one()
    slots.dies_in = None
    [older] = [found.run for found in vars(world.runs)["_runs"].values()]
    world.engine.is_down = True
    holder = world.start_one()
    world.engine.is_down = False
    world.sweep(after=MINUTE + 1)
    assert world.begun() == [holder.run_id]
    assert world.line() == [older.run_id]
    world.complete(holder)
    assert world.begun() == [holder.run_id, older.run_id]


# --- Deadlines


def test_a_run_that_has_not_ended_by_its_deadline_has_failed_and_its_execution_is_stopped() -> None:
    world = SlotWorld(max_running=1)
    under_way, waiting = world.start_many(2)
    world.do_task(under_way, "only")
    world.sweep(after=TIME_TO_RUN.total_seconds() - 2)
    assert [world.status(run) for run in (under_way, waiting)] == [RunStatus.RUNNING, RunStatus.PENDING]
    result = world.sweep(after=1)
    for run in (under_way, waiting):
        ended = world.found(run).run
        assert ended.error
        assert (ended.status, ended.error.reason, ended.error.location) == ("FAILED", ErrorReason.TIMEOUT, "query")
        assert ended.error.message == (
            "The run took longer than it may: it had 168 hours, until 2026-03-11T05:06:07.891Z."
        )
    assert result.repairs == {"deadline_passed": 2}
    assert set(world.engine.stopped) == {under_way.run_id, waiting.run_id}
    assert waiting.run_id not in world.begun()


def test_a_run_without_a_deadline_is_left_alone() -> None:
    world = SlotWorld()
    run = world.start_one()
    stored = replace(world.found(run).run, deadline=None)
    vars(world.runs)["_runs"][run.run_id] = replace(world.found(run), run=stored)
    world.do_task(run, "only")
    world.sweep(after=timedelta(days=365).total_seconds())
    assert world.status(run) is RunStatus.RUNNING


def test_a_run_that_has_ended_since_it_was_listed_stays_as_it_is() -> None:
    world = SlotWorld()
    run = world.start_one()
    world.do_task(run, "only")

    class EndsMeanwhile(type(world.runs)):  # type: ignore[misc] # the store's own class
        def list_open(self, **how: Any) -> Any:
            listed = super().list_open(**how)
            world.finish(run)
            return listed

    world.runs.__class__ = EndsMeanwhile
    result = world.sweep(after=TIME_TO_RUN.total_seconds())
    assert (world.status(run), dict(result.repairs), world.engine.stopped) == (RunStatus.COMPLETED, {}, [])


def test_a_late_run_whose_execution_cannot_be_stopped_now_has_failed_all_the_same() -> None:
    world = SlotWorld()
    run = world.start_one()
    world.engine.is_down = True
    world.sweep(after=TIME_TO_RUN.total_seconds())
    assert world.status(run) is RunStatus.FAILED
    assert "execution_not_stopped" in world.events()


def test_a_run_that_compiles_no_more_ends_at_its_deadline() -> None:
    """The release after it was accepted refuses what its version says."""
    world = SlotWorld(max_running=1)
    under_way, waiting = world.start_many(2)
    refused = InvalidDefinitionError([Problem("/tasks/0", "unknown_type", "There is no such task type.")])

    class RefusesAll(MachineCompiler):
        def __call__(self, *_: Any) -> Any:
            raise refused

    world.sweep_deps = replace(world.sweep_deps, compile=RefusesAll({}, {}))
    world.complete(under_way)
    vars(world.engine)["started"].pop(waiting.run_id)
    with pytest.raises(ExceptionGroup):
        world.sweep(after=MINUTE + 1)
    assert world.status(waiting) is RunStatus.PENDING
    assert world.sweep(after=TIME_TO_RUN.total_seconds()).repairs == {"deadline_passed": 1}
    world.tell(waiting)
    assert (world.status(waiting), world.holders(), world.line()) == (RunStatus.FAILED, set(), [])


def test_a_run_that_was_cancelled_and_resumed_since_it_was_listed_begins_by_its_own_slot() -> None:
    world = SlotWorld(max_running=1)
    first, waiting = world.start_many(2)
    stop_run(first, world.deps)

    class ResumedMeanwhile(type(world.runs)):  # type: ignore[misc] # the store's own class
        def list_open(self, **how: Any) -> Any:
            listed = super().list_open(**how)
            if world.found(waiting).run.run_attempt == 1:
                stop_run(waiting, world.deps)
                resume_run(ResumeRun(waiting.run_id, waiting.workflow_id), CALLER, world.deps)
            return listed

    world.runs.__class__ = ResumedMeanwhile
    world.sweep(after=MINUTE + 1)
    assert (world.begun(), world.holders()) == ([first.run_id], set())
    again = world.found(waiting).run
    world.sweep(after=MINUTE + 1)
    assert world.slots.read("acme").holders == {place_in(again)}
    assert world.begun() == [first.run_id, waiting.run_id]
