"""Starts and ends at once, in every order of their calls to the store of slots: nobody is left waiting beside a free slot,
nobody has a slot too many, and every run is started."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from stepcall.domain.run import Run, RunStatus
from stepcall.domain.run_events import RunChange
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.enter_run import enter
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.start_run import pending_run, store
from stepcall.use_cases.start_waiting_runs import start_waiting_runs
from tests.sample_workflows import workflow
from tests.unit.interleaving import Gate, explore
from tests.unit.run_world import CALLER
from tests.unit.slot_world import SlotWorld

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
        self.world = SlotWorld(max_running=limit, slots=GatedSlots(gate))
        self.limit = limit
        self.old = self.world.start_many(limit + waiting)
        self.ending = self.old[:ending]
        for run in self.ending:
            self.world.do_task(run, "only")
            self.world.finish(run)
        self.cancelled = self.old[limit : limit + cancelling]
        for run in self.cancelled:
            stop_run(run, self.world.deps)
        version = self.world.define(workflow())
        self.version = version
        self.new = [pending_run(version, {}, CALLER, self.world.deps) for _ in range(starting)]
        for run in self.new:
            store(run, self.world.deps, None)

    def works(self) -> Sequence[Callable[[], object]]:
        return [
            *((lambda run=run: self._tell(run)) for run in (*self.ending, *self.cancelled)),
            *((lambda run=run: enter(run, self.version, self.world.deps)) for run in self.new),
        ]

    def _tell(self, run: Run) -> None:
        change = StreamedChange("1", RunChange(self.world.found(run).run, RunStatus.RUNNING))
        assert start_waiting_runs([change], self.world.deps) is None

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
    assert explore(lambda gate: Rush(gate, limit=1, waiting=0, ending=1, starting=1)) > 20


def test_two_ends_and_a_start_at_once() -> None:
    assert explore(lambda gate: Rush(gate, limit=2, waiting=0, ending=2, starting=1)) > 100


def test_two_ends_let_in_two_who_wait_each_once() -> None:
    assert explore(lambda gate: Rush(gate, limit=2, waiting=3, ending=2, starting=0)) > 20


def test_an_end_and_a_start_while_another_waits() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=1, ending=1, starting=1)) > 20


def test_two_starts_and_an_end() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=0, ending=1, starting=2)) > 100


def test_an_end_while_the_next_in_line_was_cancelled_and_a_start() -> None:
    assert explore(lambda gate: Rush(gate, limit=1, waiting=1, ending=1, starting=1, cancelling=1)) > 100


def test_the_check_finds_what_is_wrong() -> None:
    """A start that does not look once it is in line is left waiting in some order."""

    class Careless(Rush):
        def works(self) -> Sequence[Callable[[], object]]:
            slots = self.world.slots

            def wait_only() -> None:
                run = self.new[0]
                if not slots.take("acme", place(run), limit=self.limit, in_turn=False):
                    slots.put_waiting("acme", place(run))
                    slots.mark("acme", place(run))
                else:
                    enter(run, self.version, replace(self.world.deps, max_running=0))

            return [lambda: self._tell(self.ending[0]), wait_only]

    from tests.unit.slot_world import place_in as place  # noqa: PLC0415

    try:
        explore(lambda gate: Careless(gate, limit=1, waiting=0, ending=1, starting=1))
    except AssertionError:
        return
    raise AssertionError("Nothing was found.")
