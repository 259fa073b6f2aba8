"""What a reader sees of a run."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from stepcall.domain.run import RunEnd, RunStatus, TaskStatus
from stepcall.stores.run_store import RunNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.tasks.data import TransformOutput
from stepcall.use_cases.read_run import SHOWN_LIMIT_BYTES, list_runs, read_run, wait_for_end
from stepcall.use_cases.start_run import StartRun, start_run
from tests.clock import Clock
from tests.sample_workflows import declare, give, transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

TWO = workflow(transform("z"), transform("a"), inputs=[declare("n", default="x")])


def test_a_run_is_shown_with_all_its_tasks_in_the_definitions_order() -> None:
    world = RunWorld()
    run = world.start(TWO)
    world.do_task(run, "z")
    view = read_run(run.run_id, CALLER, world.deps)
    assert [(task.ref, task.status) for task in view.tasks] == [
        ("z", TaskStatus.COMPLETED),
        ("a", TaskStatus.PENDING),
    ]
    assert (view.run.status, view.input.value, view.output) == (RunStatus.RUNNING, {"n": "x"}, None)


def test_another_tenants_run_is_as_good_as_none() -> None:
    world = RunWorld()
    run = world.start(TWO)
    with pytest.raises(RunNotFoundError) as theirs:
        read_run(run.run_id, STRANGER, world.deps)
    nobody = world.deps.new_id()
    with pytest.raises(RunNotFoundError) as nobodys:
        read_run(nobody, CALLER, world.deps)
    assert str(theirs.value).replace(str(run.run_id), "") == str(nobodys.value).replace(str(nobody), "")


def test_a_run_is_found_under_its_own_workflow_only() -> None:
    world = RunWorld()
    run, other = world.start(TWO), world.define(TWO)
    assert read_run(run.run_id, CALLER, world.deps, workflow_id=run.workflow_id).run == run
    with pytest.raises(RunNotFoundError):
        read_run(run.run_id, CALLER, world.deps, workflow_id=other.workflow_id)


@pytest.mark.parametrize(("size", "by_url"), [(SHOWN_LIMIT_BYTES, False), (SHOWN_LIMIT_BYTES + 1, True)])
def test_an_output_over_256_kilobytes_is_shown_by_its_address(size: int, by_url: bool) -> None:
    world = RunWorld()
    text = "x" * (size - len('{"o":""}'))
    run = world.start(workflow(transform("only"), outputs=[give("o", "{{refs.only.output.result}}")]))
    world.do_task(run, "only", lambda _input, _context: TransformOutput(result=text))
    world.finish(run)
    output = read_run(run.run_id, CALLER, world.deps).output
    assert output
    assert (output.url is not None, output.value is None) == (by_url, by_url)


def test_a_large_value_that_is_kept_no_more_is_said_to_have_expired() -> None:
    world = RunWorld()
    run = world.start(workflow(inputs=[declare("n")]), n="x" * 20_000)
    vars(world.payloads)["_texts"].clear()
    shown = read_run(run.run_id, CALLER, world.deps).input
    assert (shown.has_expired, shown.value, shown.url) == (True, None, None)


@dataclass
class BusyClock(Clock):
    """Something happens while somebody sleeps for the fifth time."""

    meanwhile: Callable[[], None] = lambda: None
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.naps.append(seconds)
        if len(self.naps) == 5:
            self.meanwhile()


def test_who_waits_gets_the_run_as_soon_as_it_has_ended() -> None:
    clock = BusyClock()
    world = RunWorld(clock=clock)
    run = world.start(workflow())
    clock.meanwhile = lambda: world.runs.end(run, RunEnd(RunStatus.CANCELLED, clock.now()))
    view = wait_for_end(run.run_id, CALLER, world.deps, seconds=25)
    assert view.run.status is RunStatus.CANCELLED
    assert clock.naps == sorted(clock.naps)
    assert len(clock.naps) == 5
    assert sum(clock.naps) < 1


def test_who_waits_in_vain_is_answered_in_time() -> None:
    world = RunWorld()
    run, began = world.start(workflow()), world.clock.monotonic()
    assert wait_for_end(run.run_id, CALLER, world.deps, seconds=25).run.status is RunStatus.PENDING
    assert world.clock.monotonic() - began == pytest.approx(25)


def test_nobody_waits_for_another_tenants_run() -> None:
    world = RunWorld()
    run = world.start(workflow())
    with pytest.raises(RunNotFoundError):
        wait_for_end(run.run_id, STRANGER, world.deps, seconds=25)


def test_runs_of_a_workflow_are_listed_newest_first_and_strangers_see_none() -> None:
    world = RunWorld()
    version = world.define(TWO)
    started = [start_run(StartRun(version.workflow_id, {}), CALLER, world.deps).run_id for _ in range(5)]
    first = list_runs(version.workflow_id, CALLER, world.deps, status=None, limit=2, after=None)
    rest = list_runs(version.workflow_id, CALLER, world.deps, status=None, limit=3, after=first.next_run_id)
    assert [run.run_id for run in (*first.runs, *rest.runs)] == started[::-1]
    assert rest.next_run_id is None
    with pytest.raises(WorkflowNotFoundError):
        list_runs(version.workflow_id, STRANGER, world.deps, status=None, limit=2, after=None)
