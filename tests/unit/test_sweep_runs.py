"""The sweep: starts what was accepted and not started, ends what ended unseen, and keeps to its time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.run import Run, RunStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.stores.run_store import LateAttemptError
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.dependencies import NamedRun
from stepcall.use_cases.end_unseen_run import end_unseen_run
from stepcall.use_cases.engine import EngineUnavailableError, ExecutionStatus
from stepcall.use_cases.metrics import Metric
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.sweep_runs import MAX_LOOKS, PAGE, SECONDS_PER_LOOK, sweep_runs
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, STRANGER, TIME_TO_RUN, RunWorld, sent_by_the_machine

MINUTE = 60.0
T = TypeVar("T")


def deferred(world: RunWorld, count: int = 1) -> list[Run]:
    """Runs that Step Functions has not taken, and would take now."""
    world.engine.is_down = True
    runs = start_many(world, count)
    world.engine.is_down = False
    return runs


def start_many(world: RunWorld, count: int) -> list[Run]:
    version = world.define(workflow())
    return [start_run(StartRun(version.workflow_id, {}), CALLER, world.deps) for _ in range(count)]


def repairs(world: RunWorld) -> list[tuple[str, str]]:
    return [(facts["kind"], facts["run_id"]) for event, facts in world.logged if event == "sweeper_repair"]


def test_a_run_that_was_not_started_is_started_after_a_minute_by_the_machine_and_input_of_any_start() -> None:
    world = RunWorld()
    [run] = deferred(world)
    world.sweep(after=MINUTE)
    assert world.engine.started == {}, "the call that accepted it may yet be about to start it"
    world.sweep(after=1)
    machine, execution_input = world.engine.started[run.run_id]
    assert machine.content_hash == run.content_hash
    assert execution_input == sent_by_the_machine(run)
    assert repairs(world) == [("start_repeated", str(run.run_id))]
    world.do_task(run, "only")
    world.finish(run)
    assert world.status(run) is RunStatus.COMPLETED


def test_each_tenants_runs_are_started_oldest_first_and_tenants_in_turn_however_many_pages_they_fill() -> None:
    world = RunWorld()
    runs = deferred(world, PAGE * 2)
    world.engine.is_down = True
    stranger = world.start(workflow(), STRANGER)
    world.engine.is_down = False
    world.sweep(after=MINUTE + 1)
    assert list(world.engine.started) == [run.run_id for run in (runs[0], stranger, *runs[1:])]


def test_a_run_that_step_functions_still_does_not_take_waits_for_the_next_sweep() -> None:
    world = RunWorld()
    [run] = deferred(world)
    world.engine.is_down = True
    world.sweep(after=MINUTE + 1)
    assert (world.status(run), repairs(world)) == (RunStatus.PENDING, [])
    world.engine.is_down = False
    world.sweep(after=MINUTE)
    assert list(world.engine.started) == [run.run_id]


def test_a_run_that_step_functions_refuses_for_good_is_failed_and_reported_and_the_others_are_started() -> None:
    world = RunWorld()
    refused, *others = deferred(world, 3)
    world.engine.on_start = lambda: setattr(
        world.engine, "fault", None if world.engine.fault or world.engine.started else PermissionError("denied")
    )
    with pytest.raises(ExceptionGroup) as raised:
        world.sweep(after=MINUTE + 1)
    assert [type(fault) for fault in raised.value.exceptions] == [PermissionError]
    assert list(world.engine.started) == [run.run_id for run in others]
    assert world.status(refused) is RunStatus.FAILED
    [facts] = [facts for event, facts in world.logged if event == "run_not_swept"]
    assert facts["run_id"] == str(refused.run_id)
    assert "PermissionError: denied" in facts["error"]


def test_a_run_whose_version_cannot_be_read_is_reported_and_stays() -> None:
    world = RunWorld()
    lost, other = deferred(world, 2)
    vars(world.runs)["_runs"][lost.run_id] = replace(
        world.found(lost), run=replace(lost, workflow_version=lost.workflow_version + 7)
    )
    with pytest.raises(ExceptionGroup):
        world.sweep(after=MINUTE + 1)
    assert (world.status(lost), list(world.engine.started)) == (RunStatus.PENDING, [other.run_id])


@pytest.mark.parametrize("execution", [ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT, ExecutionStatus.FAILED])
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_run_whose_execution_ended_unseen_is_ended_after_five_minutes(
    execution: ExecutionStatus, has_begun: bool
) -> None:
    world = RunWorld()
    run = world.start(workflow())
    if has_begun:
        world.do_task(run, "only")
    world.engine.ended[run.run_id] = execution
    world.sweep(after=4 * MINUTE)
    assert (world.engine.described, world.status(run).has_ended) == ([], False)
    world.sweep(after=MINUTE + 1)
    expected = RunStatus.CANCELLED if execution is ExecutionStatus.ABORTED else RunStatus.FAILED
    assert world.status(run) is expected
    assert repairs(world)[-1] == ("ended", str(run.run_id))
    world.sweep(after=MINUTE)
    assert world.engine.described == [run.run_id], "nobody asks again for what has ended"


def test_a_run_whose_execution_runs_is_left_alone_however_long_it_takes() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    for _ in range(5):
        world.sweep(after=60 * MINUTE)
    assert (world.status(run), repairs(world)) == (RunStatus.RUNNING, [])
    assert world.engine.described == [run.run_id] * 5


def test_a_run_under_way_whose_execution_is_not_known_any_more_has_failed_and_one_that_waits_has_not() -> None:
    world = RunWorld()
    begun = world.start(workflow())
    world.do_task(begun, "only")
    world.engine.started.clear()
    [waiting] = deferred(world)
    world.engine.on_start = lambda: setattr(world.engine, "fault", EngineUnavailableError("Not yet."))
    world.sweep(after=6 * MINUTE)
    assert set(world.engine.described) == {begun.run_id, waiting.run_id}
    assert (world.status(begun), world.status(waiting)) == (RunStatus.FAILED, RunStatus.PENDING)


def test_a_run_that_has_ended_is_not_looked_at() -> None:
    world = RunWorld()
    for run in start_many(world, 2):
        world.do_task(run, "only")
        world.finish(run)
    [cancelled] = deferred(world)
    stop_run(cancelled, world.deps)
    started = set(world.engine.started)
    world.sweep(after=60 * MINUTE)
    assert (world.engine.described, set(world.engine.started), repairs(world)) == ([], started, [])


def test_a_run_that_is_cancelled_while_it_is_swept_is_not_started() -> None:
    world = RunWorld()
    first, second = deferred(world, 2)
    world.engine.on_start = lambda: None if world.status(second).has_ended else stop_run(second, world.deps)
    world.sweep(after=MINUTE + 1)
    assert (list(world.engine.started), world.status(second)) == ([first.run_id], RunStatus.CANCELLED)


def test_executions_are_described_ten_a_second_and_three_hundred_a_sweep_others_each_time() -> None:
    world = RunWorld()
    runs = start_many(world, MAX_LOOKS + 100)
    for run in runs:
        world.runs.begin_task(run, "only", attempt=0, now=world.clock.now())
    begun = world.clock.monotonic() + 6 * MINUTE
    world.sweep(after=6 * MINUTE)
    assert len(set(world.engine.described)) == len(world.engine.described) == MAX_LOOKS
    assert world.clock.monotonic() - begun == pytest.approx((MAX_LOOKS - 1) * SECONDS_PER_LOOK)
    first = set(world.engine.described)
    world.sweep()
    assert set(world.engine.described) - first, "chance reaches all of them in time"


def test_an_outage_of_describe_stops_no_other_look_and_is_no_fault() -> None:
    world = RunWorld()
    runs = start_many(world, 3)
    world.engine.is_down = True
    world.sweep(after=6 * MINUTE)
    assert set(world.engine.described) == {run.run_id for run in runs}
    assert {world.status(run) for run in runs} == {RunStatus.PENDING}


def test_a_sweep_ends_in_its_time_and_says_what_it_leaves_and_looks_at_old_runs_whatever_else_waits() -> None:
    world = RunWorld()
    [old] = start_many(world, 1)
    world.runs.begin_task(old, "only", attempt=0, now=world.clock.now())
    world.engine.ended[old.run_id] = ExecutionStatus.ABORTED
    world.clock.sleep(4 * MINUTE)
    waiting = deferred(world, 100)
    world.engine.on_start = lambda: world.clock.sleep(1)
    begun = world.clock.monotonic() + MINUTE + 1
    world.sweep(after=MINUTE + 1, seconds=40)
    assert 40 <= world.clock.monotonic() - begun <= 41
    assert world.status(old) is RunStatus.CANCELLED
    assert len(world.engine.started) == 41
    assert ("sweep_out_of_time", {"late": "0", "waiting": "60", "not_looked_at": "0"}) in world.logged
    world.sweep(seconds=100)
    assert set(world.engine.started) == {old.run_id, *(run.run_id for run in waiting)}


def test_a_sweep_without_time_does_nothing() -> None:
    world = RunWorld()
    deferred(world)
    world.sweep(after=60 * MINUTE, seconds=0)
    assert (world.engine.started, world.engine.described) == ({}, [])


# --- A later release, which compiles another machine


EARLIER = "e" * 32


def of_an_earlier_release(world: RunWorld, run: Run) -> Run:
    stored = replace(run, content_hash=EARLIER)
    vars(world.runs)["_runs"][run.run_id] = replace(world.found(run), run=stored)
    return stored


def test_a_run_that_an_earlier_release_accepted_starts_on_this_releases_machine_which_its_record_names() -> None:
    world = RunWorld()
    [run] = deferred(world)
    of_an_earlier_release(world, run)
    recorded = list[str]()
    world.engine.on_start = lambda: recorded.append(world.found(run).run.content_hash)
    world.sweep(after=MINUTE + 1)
    assert recorded == [run.content_hash], "the record is moved first: who cancels stops the right execution"
    assert world.engine.started[run.run_id][0].content_hash == run.content_hash
    assert repairs(world) == [("machine_moved", str(run.run_id)), ("start_repeated", str(run.run_id))]


def test_a_run_that_an_earlier_release_did_start_is_never_started_on_a_second_machine() -> None:
    world = RunWorld()
    [run] = deferred(world)
    of_an_earlier_release(world, run)
    machine = CompiledWorkflow("{}", EARLIER, transitions=1, history_events=1)
    world.engine.started[run.run_id] = (machine, {})
    world.sweep(after=MINUTE + 1)
    assert (world.found(run).run.content_hash, repairs(world)) == (EARLIER, [])
    assert world.engine.started[run.run_id][0] is machine
    world.engine.ended[run.run_id] = ExecutionStatus.ABORTED
    world.sweep(after=5 * MINUTE)
    assert world.status(run) is RunStatus.CANCELLED


def test_a_run_that_cannot_be_looked_for_on_its_earlier_machine_is_not_moved() -> None:
    world = RunWorld()
    [run] = deferred(world)
    of_an_earlier_release(world, run)
    world.engine.is_down = True
    world.sweep(after=MINUTE + 1)
    assert (world.found(run).run.content_hash, world.engine.started) == (EARLIER, {})
    assert [event for event, _ in world.logged][-1] == "run_not_swept"


def test_moving_many_runs_keeps_to_the_number_of_looks() -> None:
    world = RunWorld()
    runs = deferred(world, MAX_LOOKS + 5)
    for run in runs:
        of_an_earlier_release(world, run)
    world.sweep(after=MINUTE + 1, seconds=100)
    assert len(world.engine.described) == len(world.engine.started) == MAX_LOOKS
    world.sweep(seconds=100)
    assert len(world.engine.started) == len(runs)


def test_what_is_chosen_when_there_are_too_many_is_chosen_of_all_of_them() -> None:
    world = RunWorld()
    runs = start_many(world, MAX_LOOKS + 1)
    asked = list[tuple[int, int]]()

    def choose(given: Sequence[T], count: int) -> Sequence[T]:
        asked.append((len(given), count))
        return given[::-1]

    world.clock.sleep(6 * MINUTE)
    sweep_runs(60, replace(world.sweep_deps, choose=choose))
    assert asked == [(len(runs), len(runs))]
    assert world.engine.described == [run.run_id for run in runs[:0:-1]]


def measured(world: RunWorld, metric: Metric) -> list[float]:
    return [value for each in world.measured for value in each.get(metric, ())]


def test_a_sweep_measures_how_long_the_oldest_run_has_waited_and_what_it_repaired() -> None:
    world = RunWorld()
    world.sweep()
    deferred(world, 2)
    world.sweep(after=MINUTE + 1)
    assert measured(world, Metric.QUEUE_AGE) == [0, MINUTE + 1]
    assert measured(world, Metric.SWEEPER_REPAIRS) == [0, 2]


def test_runs_that_are_under_way_wait_for_nothing() -> None:
    world = RunWorld()
    run = world.start(workflow())
    world.do_task(run, "only")
    world.sweep(after=MINUTE)
    assert measured(world, Metric.QUEUE_AGE) == [0]


def test_a_run_that_cannot_be_swept_keeps_no_figure_back() -> None:
    world = RunWorld()
    deferred(world)
    world.engine.fault = ValueError("broken")
    with pytest.raises(ExceptionGroup):
        world.sweep(after=MINUTE + 1)
    assert measured(world, Metric.QUEUE_AGE) == [MINUTE + 1]
    assert measured(world, Metric.SWEEPER_REPAIRS) == [0]


def test_what_is_logged_of_a_run_is_logged_as_about_it() -> None:
    world = RunWorld()
    [run] = deferred(world)
    about: list[str] = []

    @contextmanager
    def note(seen: NamedRun) -> Iterator[None]:
        about.append(f"begin {seen.run_id} {seen.tenant} {seen.correlation_id} {len(world.logged)}")
        yield
        about.append(f"end {len(world.logged)}")

    before = len(world.logged)
    world.sweep_deps = replace(world.sweep_deps, about=note)
    world.sweep(after=MINUTE + 1)
    assert about == [f"begin {run.run_id} acme {world.correlation_id} {before}", f"end {len(world.logged)}"]
    assert len(world.logged) > before


def moved_at_once(world: RunWorld) -> tuple[Run, Run]:
    """A run as an earlier release has started it, and as a later one has moved it at the same moment."""
    run = world.start(workflow())
    world.runs.move_machine(run, "1" * 32)
    return run, world.found(run).run


def test_of_two_machines_that_two_releases_have_started_for_a_run_only_that_of_its_record_does_anything() -> None:
    world = RunWorld()
    earlier, run = moved_at_once(world)
    with pytest.raises(LateAttemptError):
        world.do_task(earlier, "only")
    world.finish(earlier, "LateAttemptError")
    assert not end_unseen_run(earlier, ExecutionStatus.FAILED, world.deps)
    assert world.found(run) == RunWithTasks(run)
    world.do_task(run, "only")
    world.finish(earlier, "LateAttemptError")
    world.finish(run)
    assert world.status(run) is RunStatus.COMPLETED


def test_a_cancel_that_was_read_before_a_move_is_of_the_machine_that_the_run_is_on() -> None:
    world = RunWorld()
    earlier, run = moved_at_once(world)
    assert stop_run(earlier, world.deps).content_hash == run.content_hash
    assert world.status(run) is RunStatus.CANCELLED


# --- Many runs of one tenant


def with_slow_pages(world: RunWorld, seconds: float) -> None:
    class Slow(type(world.runs)):  # type: ignore[misc] # the store's own class
        def list_open(self, **how: Any) -> Any:
            world.clock.sleep(seconds)
            return super().list_open(**how)

    world.runs.__class__ = Slow


def test_where_not_all_runs_can_be_listed_each_sweep_repairs_what_it_has_and_the_next_goes_on_behind_it() -> None:
    world = RunWorld()
    crowd = start_many(world, 5 * PAGE)
    world.engine.is_down = True
    lonely = world.start(workflow(), STRANGER)
    world.engine.is_down = False
    world.engine.started.pop(crowd[0].run_id)
    with_slow_pages(world, seconds=5)
    world.sweep(after=MINUTE + 1, seconds=30)  # a third of it does for two pages
    assert ("runs_listed_in_part", {"listed": str(2 * PAGE)}) in world.logged
    assert crowd[0].run_id in world.engine.started
    assert lonely.run_id not in world.engine.started
    world.sweep(seconds=30)
    assert lonely.run_id not in world.engine.started
    world.sweep(seconds=30)
    assert lonely.run_id in world.engine.started
    assert world.sweep_deps.listed_to.run_id is None, "the next begins with the oldest again"


def test_where_there_is_time_again_all_runs_are_listed_wherever_the_sweep_before_has_left_off() -> None:
    world = RunWorld()
    runs = deferred(world, 3 * PAGE)
    world.sweep_deps.listed_to.run_id = runs[PAGE + 7].run_id
    world.sweep(after=MINUTE + 1, seconds=100)
    assert list(world.engine.started) == [run.run_id for run in runs]
    assert world.sweep_deps.listed_to.run_id is None
    assert "runs_listed_in_part" not in world.events()


def test_late_runs_looks_and_starts_have_their_turns_one_after_the_other() -> None:
    world = RunWorld()
    late = start_many(world, 50)
    for run in late:
        world.runs.begin_task(run, "only", attempt=0, now=world.clock.now())
    world.clock.sleep(TIME_TO_RUN.total_seconds() - 6 * MINUTE)
    [ended] = start_many(world, 1)
    world.runs.begin_task(ended, "only", attempt=0, now=world.clock.now())
    world.engine.ended[ended.run_id] = ExecutionStatus.ABORTED
    waiting = deferred(world, 1)
    vars(world.engine)["stop"] = lambda *_: world.clock.sleep(5)
    world.sweep(after=6 * MINUTE, seconds=10)
    kinds = [kind for kind, _ in repairs(world)]
    assert sorted(kinds) == ["deadline_passed", "deadline_passed", "ended", "start_repeated"]
    assert waiting[0].run_id in world.engine.started


def test_runs_of_one_tenant_do_not_take_all_looks_from_another() -> None:
    world = RunWorld()
    for run in start_many(world, 3 * MAX_LOOKS):
        world.runs.begin_task(run, "only", attempt=0, now=world.clock.now())
    stranger = world.start(workflow(), STRANGER)
    world.sweep(after=6 * MINUTE)
    assert stranger.run_id in world.engine.described
