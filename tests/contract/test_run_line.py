"""Many starts at once over each slot store: never more under way than may be, and all of them end, in order."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from stepcall.domain.run import Run, RunStatus
from stepcall.stores.dynamo_slot_store import DynamoSlotStore
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.stores.slot_store import SlotStore
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER
from tests.unit.slot_world import SlotWorld, ids_of

# moto takes a hundred times as long as memory
STARTS_AND_LIMITS = {MemorySlotStore: (200, 50), DynamoSlotStore: (40, 10)}


def test_of_many_starts_at_once_never_more_than_the_limit_are_under_way_and_all_end(
    slot_store: SlotStore,
) -> None:
    starts, limit = STARTS_AND_LIMITS[type(slot_store)]
    world = SlotWorld(max_running=limit, slots=slot_store)
    version = world.define(workflow())
    gate, guard, most, begun = threading.Barrier(starts), threading.RLock(), list[int](), threading.Condition()
    ids, ended = world.deps.new_id, set[Any]()

    def new_id() -> Any:
        with guard:  # the clock and the numbers are everybody's
            return ids()

    def note() -> None:
        with guard:
            most.append(len(world.engine.started.keys() - ended))

    world.engine.on_start = note
    deps = replace(world.deps, new_id=new_id)

    def one() -> None:
        gate.wait()
        run = start_run(StartRun(version.workflow_id, {}), CALLER, deps)
        with begun:
            begun.wait_for(lambda: run.run_id in world.engine.started, timeout=60)
        end(run)
        with begun:
            begun.notify_all()

    def end(run: Run) -> None:
        with guard:
            world.do_task(run, "only")
            world.finish(run)
            ended.add(run.run_id)
        world.tell(run)

    threads = [threading.Thread(target=one) for _ in range(starts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {found.run.status for found in vars(world.runs)["_runs"].values()} == {RunStatus.COMPLETED}
    assert len(world.engine.started) == starts
    assert max(most) <= limit
    assert (world.holders(), world.line()) == (set(), [])


def test_runs_that_were_accepted_one_after_another_start_in_that_order(slot_store: SlotStore) -> None:
    world = SlotWorld(max_running=3, slots=slot_store)
    runs = world.start_many(12)
    for run in runs:
        assert len(world.holders()) == min(3, len([one for one in runs if not world.status(one).has_ended]))
        world.complete(run)
    assert world.begun() == ids_of(runs)
    assert world.slots.read("acme") == ((frozenset()), None)


@pytest.mark.parametrize("limit", [0, 1])
def test_the_next_run_after_a_line_that_has_gone_does_not_wait(slot_store: SlotStore, limit: int) -> None:
    world = SlotWorld(max_running=limit, slots=slot_store)
    for run in world.start_many(3):
        world.complete(run)
    assert world.start_one().run_id in world.begun()
    assert "run_waits" not in world.events()[-3:]
