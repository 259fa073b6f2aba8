"""Runs of a tenant at once: as many as there are slots, the others in order as slots become free."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepcall.domain.run import RunStatus
from stepcall.domain.run_events import RunChange
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.stores.slot_store import Place, SlotsUnavailableError
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.dependencies import NamedRun, StartDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.enter_run import MAX_ADMITTED
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.start_waiting_runs import start_waiting_runs
from tests.unit.run_world import STRANGER, TIME_TO_RUN
from tests.unit.slot_world import MINUTE, SlotWorld, ids_of


def test_beyond_the_limit_a_run_is_accepted_as_any_other_and_waits() -> None:
    world = SlotWorld()
    runs = world.start_many(4)
    assert [(run.status, world.status(run)) for run in runs] == [(RunStatus.PENDING, RunStatus.PENDING)] * 4
    assert world.begun() == ids_of(runs[:2])
    assert (world.holders(), world.line()) == (set(ids_of(runs[:2])), ids_of(runs[2:]))
    assert world.events().count("run_waits") == 2


def test_runs_that_wait_are_started_in_order_as_others_end_and_all_of_them() -> None:
    world = SlotWorld()
    runs = world.start_many(7)
    for _ in range(7):
        [under_way, *_] = [run for run in runs if run.run_id in world.begun() and not world.status(run).has_ended]
        world.complete(under_way)
        assert len(world.holders()) <= 2
    assert world.begun() == ids_of(runs)
    assert {world.status(run) for run in runs} == {RunStatus.COMPLETED}
    assert (world.holders(), world.line(), world.slots.read("acme").mark) == (set(), [], None)


def test_a_new_run_does_not_overtake_those_that_wait() -> None:
    world = SlotWorld()
    runs = world.start_many(3)
    world.slots.give_back("acme", [Place(runs[0].run_id)])  # and nobody has been let in yet
    late = world.start_one()
    assert world.begun() == [*ids_of(runs)], "who comes last lets in who is before it"
    assert world.line() == [late.run_id]


def test_other_tenants_do_not_wait() -> None:
    world = SlotWorld()
    world.start_many(3)
    other = world.start_one(STRANGER)
    assert other.run_id in world.begun()


def test_without_a_limit_nobody_asks_for_slots() -> None:
    class NoSlots(MemorySlotStore):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked")

    world = SlotWorld(max_running=0, slots=NoSlots())
    runs = world.start_many(5)
    assert world.begun() == ids_of(runs)
    world.complete(runs[0])
    world.engine.is_down = True
    waiting = world.start_one()
    world.engine.is_down = False
    world.sweep(after=MINUTE + 1)
    assert waiting.run_id in world.begun()


def test_a_run_that_is_cancelled_while_it_waits_is_never_started_and_leaves_the_line() -> None:
    world = SlotWorld()
    runs = world.start_many(4)
    stop_run(runs[2], world.deps)
    world.tell(runs[2])
    assert world.line() == [runs[3].run_id]
    world.complete(runs[0])
    assert world.begun() == ids_of([*runs[:2], runs[3]])


def test_a_run_that_is_cancelled_and_of_which_nobody_was_told_yet_is_passed_over() -> None:
    world = SlotWorld()
    runs = world.start_many(4)
    stop_run(runs[2], world.deps)
    world.complete(runs[0])
    assert world.begun() == ids_of([*runs[:2], runs[3]])
    assert (world.holders(), world.line()) == ({runs[1].run_id, runs[3].run_id}, [])


def test_a_start_that_step_functions_does_not_take_keeps_its_slot_until_a_sweep_makes_it() -> None:
    world = SlotWorld()
    world.engine.is_down = True
    runs = world.start_many(3)
    assert (world.begun(), world.holders(), world.line()) == ([], set(ids_of(runs[:2])), [runs[2].run_id])
    world.engine.is_down = False
    result = world.sweep(after=MINUTE + 1)
    assert world.begun() == ids_of(runs[:2])
    assert result.repairs == {"start_repeated": 2}


def test_a_run_that_is_let_in_when_step_functions_takes_nothing_keeps_its_slot_and_is_swept_up() -> None:
    world = SlotWorld()
    runs = world.start_many(3)
    world.do_task(runs[0], "only")
    world.finish(runs[0])
    world.engine.is_down = True
    world.tell(runs[0])
    assert (world.holders(), world.line()) == (set(ids_of(runs[1:])), [])
    world.engine.is_down = False
    world.sweep(after=MINUTE + 1)
    assert world.begun() == ids_of(runs)


def test_a_run_that_step_functions_refuses_for_good_frees_its_slot() -> None:
    world = SlotWorld()
    world.engine.fault = PermissionError("denied")
    with pytest.raises(PermissionError):
        world.start_one()
    [found] = vars(world.runs)["_runs"].values()
    assert found.run.status is RunStatus.FAILED
    world.tell(found.run)
    assert world.holders() == set()


def test_what_goes_wrong_with_somebody_elses_run_is_not_the_callers_affair() -> None:
    world = SlotWorld()
    runs = world.start_many(3)
    world.slots.give_back("acme", [Place(runs[0].run_id)])
    world.engine.fault = PermissionError("denied")
    late = world.start_one()
    assert world.status(late) is RunStatus.PENDING
    assert world.status(runs[2]) is RunStatus.FAILED
    assert "runs_not_admitted" in world.events()


class Throttled(MemorySlotStore):
    """The first so many calls succeed, and then none does while `is_throttled`."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "calls":
            if self.calls == 0:
                raise SlotsUnavailableError("DynamoDB answered ThrottlingException.")
            self.calls -= 1
        return super().__getattribute__(name)


@pytest.mark.parametrize("calls", range(6))
def test_a_start_is_answered_whatever_becomes_of_its_slot_and_is_made_by_a_sweep(calls: int) -> None:
    slots = Throttled(-1)
    world = SlotWorld(max_running=1, slots=slots)
    first = world.start_one()
    slots.calls = calls
    late = world.start_one()
    slots.calls = -1
    assert world.status(late) is RunStatus.PENDING
    world.sweep(after=MINUTE + 1)
    world.complete(first)
    assert world.begun() == ids_of([first, late])


def test_what_cannot_be_given_back_comes_again_from_its_place_in_the_stream_and_stops_no_other_tenant() -> None:
    class OneThrottled(MemorySlotStore):
        def give_back(self, tenant: str, places: Any) -> Any:
            if tenant == "acme":
                raise SlotsUnavailableError("DynamoDB answered ThrottlingException.")
            return super().give_back(tenant, places)

    world = SlotWorld(slots=OneThrottled())
    runs = [world.start_one(STRANGER), world.start_one(), world.start_one(STRANGER)]
    for run in runs:
        stop_run(run, world.deps)
    changes = [StreamedChange(str(n), RunChange(world.found(run).run, RunStatus.PENDING)) for n, run in enumerate(runs)]
    assert start_waiting_runs(changes, world.deps, lambda: True) == "1"
    assert (world.holders("other"), len(world.holders())) == (set(), 1)


def test_a_waiting_run_of_an_earlier_release_is_left_to_the_sweep_which_looks_before_it_starts_it() -> None:
    world = SlotWorld(max_running=1)
    first, waiting = world.start_many(2)
    earlier = replace(world.found(waiting).run, content_hash="e" * 32)
    vars(world.runs)["_runs"][waiting.run_id] = replace(world.found(waiting), run=earlier)
    world.complete(first)
    assert world.begun() == [first.run_id]
    assert (world.holders(), world.line()) == ({waiting.run_id}, [])
    result = world.sweep(after=MINUTE + 1)
    assert world.begun() == ids_of([first, waiting])
    assert result.repairs == {"machine_moved": 1, "start_repeated": 1}


def test_a_runs_deadline_is_so_long_after_its_start() -> None:
    world = SlotWorld()
    run = world.start_one()
    assert run.deadline == run.created_at + TIME_TO_RUN == world.found(run).run.deadline


def test_waiting_runs_under_a_limit_that_was_lowered_start_as_soon_as_there_is_room() -> None:
    world = SlotWorld(max_running=3)
    runs = world.start_many(4)
    lowered = replace(world.deps, max_running=1)
    for done, expected in ((0, 3), (1, 3), (2, 4)):
        world.do_task(runs[done], "only")
        world.finish(runs[done])
        world.tell(runs[done], lowered)
        assert len(world.begun()) == expected


def test_an_outage_that_outlasts_a_sweep_is_no_fault_of_the_runs() -> None:
    world = SlotWorld(max_running=1)
    world.engine.on_start = lambda: (_ for _ in ()).throw(EngineUnavailableError("Not yet."))
    runs = world.start_many(2)
    for _ in range(3):
        world.sweep(after=MINUTE + 1)
    assert [world.status(run) for run in runs] == [RunStatus.PENDING] * 2
    assert timedelta() < world.clock.now() - runs[0].created_at < TIME_TO_RUN


def test_what_is_logged_of_a_run_that_is_let_in_is_logged_as_about_it() -> None:
    world = SlotWorld(max_running=1)
    first, waiting = world.start_many(2)

    @contextmanager
    def note(seen: NamedRun) -> Iterator[None]:
        before = len(world.logged)
        yield
        about.append((seen, [event for event, _ in world.logged[before:]]))

    about: list[tuple[NamedRun, list[str]]] = []
    world.deps = replace(world.deps, about=note)
    world.complete(first)
    assert about == [(waiting, ["run_admitted"])]


def with_room_for_all(world: SlotWorld, max_running: int) -> StartDependencies:
    """The limit was raised, and nobody has ended since."""
    return replace(world.deps, max_running=max_running)


def test_one_start_lets_in_itself_and_ten_others_at_most_and_those_behind_have_their_turn_later() -> None:
    world = SlotWorld(max_running=1)
    runs = world.start_many(30)
    raised = with_room_for_all(world, 100)
    runs.append(world.start_one(deps=raised))
    assert world.begun() == ids_of(runs[: 1 + MAX_ADMITTED])
    assert world.line() == ids_of(runs[1 + MAX_ADMITTED :])
    world.do_task(runs[0], "only")
    world.finish(runs[0])
    world.tell(runs[0], raised)
    assert world.begun() == ids_of(runs)
    assert (world.line(), world.slots.read("acme").mark) == ([], None)


def test_the_stream_lets_in_runs_of_tenants_in_turn_and_as_many_as_it_has_time_for() -> None:
    world = SlotWorld(max_running=1)
    crowd, others = world.start_many(20), [world.start_one(STRANGER) for _ in range(3)]
    ended = [crowd[0], others[0]]
    for run in ended:
        world.do_task(run, "only")
        world.finish(run)
    changes = [
        StreamedChange(str(n), RunChange(world.found(run).run, RunStatus.RUNNING)) for n, run in enumerate(ended)
    ]
    time_left = iter([True] * 6 + [False])
    deps = with_room_for_all(world, 100)
    assert start_waiting_runs(changes, deps, lambda: next(time_left)) is None
    assert [run_id for run_id in world.begun() if run_id not in ids_of(ended)] == ids_of(
        [crowd[1], others[1], crowd[2], others[2], crowd[3]]
    )
    assert ("admission_out_of_time", {"tenants": "1"}) in world.logged
    assert world.slots.read("acme").mark is not None, "nobody overtakes those that wait yet"


def test_slots_are_given_back_although_there_is_no_time_to_let_anybody_in() -> None:
    world = SlotWorld(max_running=1)
    first, waiting = world.start_many(2)
    world.do_task(first, "only")
    world.finish(first)
    change = StreamedChange("1", RunChange(world.found(first).run, RunStatus.RUNNING))
    assert start_waiting_runs([change], world.deps, lambda: False) is None
    assert (world.holders(), world.line()) == (set(), [waiting.run_id])
    world.sweep(after=MINUTE + 1)
    assert world.begun() == ids_of([first, waiting])
