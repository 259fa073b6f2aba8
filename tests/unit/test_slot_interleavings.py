"""Starts and ends at once, in every order of their calls to the store of slots.

Nobody is left waiting beside a free slot, nobody has a slot too many, every run is started in its turn.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from stepcall.domain.run import Run, RunEnd, RunStatus
from stepcall.domain.run_events import RunChange
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.stores.slot_store import Taking
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.enter_run import enter
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.start_run import pending_run, store
from stepcall.use_cases.start_waiting_runs import start_waiting_runs
from tests.sample_workflows import workflow
from tests.unit.interleaving import Gate, explore
from tests.unit.run_world import CALLER
from tests.unit.slot_world import SlotWorld, place_in

KNOWN = SlotWorld()
VERSION = KNOWN.define(workflow())
METHODS = ("take", "give_back", "put_waiting", "mark", "unmark", "list_waiting", "remove_waiting")


class GatedSlots(MemorySlotStore):
    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name not in METHODS:
            return method
        return lambda *args, **kwargs: self._gate.call(lambda: method(*args, **kwargs))


class Rush:
    """Runs under way, of which some end now, while others wait and start."""

    def __init__(
        self, gate: Gate, *, limit: int, waiting: int, ending: int, starting: int, cancelling: int = 0
    ) -> None:
        self.world = SlotWorld(max_running=limit, slots=GatedSlots(gate), workflows=KNOWN.workflows)
        self.world.deps = replace(self.world.deps, compile=KNOWN.deps.compile)
        self.limit = limit
        self.old = [self._put() for _ in range(limit + waiting)]
        for run in self.old:
            enter(run, VERSION, self.world.deps)
        self.ending = self.old[:ending]
        now = self.world.clock.now()
        for run in self.ending:
            self.world.runs.begin_task(run, "only", attempt=0, now=now)
            self.world.runs.end(run, RunEnd(RunStatus.COMPLETED, now, output=run.input))
        self.cancelled = self.old[limit : limit + cancelling]
        for run in self.cancelled:
            stop_run(run, self.world.deps)
        self.new = [self._put() for _ in range(starting)]

    def _put(self) -> Run:
        run = pending_run(VERSION, {}, CALLER, self.world.deps)
        store(run, self.world.deps, None)
        return run

    def works(self) -> Sequence[Callable[[], object]]:
        return [
            *((lambda run=run: self._tell(run)) for run in (*self.ending, *self.cancelled)),
            *((lambda run=run: enter(run, VERSION, self.world.deps)) for run in self.new),
        ]

    def _tell(self, run: Run) -> None:
        change = StreamedChange("1", RunChange(self.world.found(run).run, RunStatus.RUNNING))
        assert start_waiting_runs([change], self.world.deps, lambda: True) is None

    def state(self) -> object:
        slots = self.world.slots.read("acme")
        line = vars(self.world.slots)["_waiting"]["acme"]
        return slots, frozenset(line), tuple(self.world.engine.started)

    def check(self) -> None:
        """What may be under way is: as many as may be, the oldest first, the others in line with the mark up."""
        open_runs = [run for run in (*self.old, *self.new) if not self.world.status(run).has_ended]
        begun = [run for run in open_runs if run.run_id in self.world.engine.started]
        waiting = [run.run_id for run in open_runs if run.run_id not in self.world.engine.started]
        assert len(begun) == min(self.limit, len(open_runs))
        assert self.world.holders() == {run.run_id for run in begun}
        assert self.world.line() == waiting
        assert (self.world.slots.read("acme").mark is not None) or not waiting
        assert all(run.run_id not in self.world.engine.started for run in self.cancelled)


def test_an_end_while_a_start_is_refused_lets_it_in() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=0, ending=1, starting=1)) == 20


def test_two_ends_and_a_start_at_once() -> None:
    assert explore(lambda gate: Rush(gate, limit=2, waiting=0, ending=2, starting=1)) > 100


def test_two_ends_let_in_two_who_wait_each_once() -> None:
    assert explore(lambda gate: Rush(gate, limit=2, waiting=3, ending=2, starting=0)) > 20


def test_an_end_and_a_start_while_another_waits() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=1, ending=1, starting=1)) > 20


def test_two_starts_and_an_end() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=0, ending=1, starting=2)) > 100


def test_an_end_while_the_next_in_line_was_cancelled() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=2, ending=1, starting=0, cancelling=1)) > 20


def test_the_check_finds_what_is_wrong() -> None:
    """A start that does not look once it is in line is left waiting in some order."""

    class Careless(Rush):
        def works(self) -> Sequence[Callable[[], object]]:
            slots = self.world.slots

            def wait_only() -> None:
                run = self.new[0]
                if Taking.REFUSED is slots.take("acme", place_in(run), limit=self.limit, in_turn=False):
                    slots.put_waiting("acme", place_in(run))
                    slots.mark("acme", place_in(run))
                else:
                    enter(run, VERSION, replace(self.world.deps, max_running=0))

            return [lambda: self._tell(self.ending[0]), wait_only]

    with pytest.raises(AssertionError):
        explore(lambda gate: Careless(gate, limit=1, waiting=0, ending=1, starting=1))
