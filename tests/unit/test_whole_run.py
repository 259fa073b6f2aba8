"""Runs that were started or stopped are shown by what is known by then: nothing that fails after it hides it."""

from uuid import UUID

import pytest

from stepcall.domain.run import Run, RunEnd, RunStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.run_store import RunHasEndedError
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.whole_run import read_whole_run, stop_whole_run, view_started_run
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, RunWorld

TWO = workflow(transform("one"), transform("two"))


class UnreadWorkflows(MemoryWorkflowStore):
    """Which version is the newest is answered once."""

    reads = 0

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        self.reads += 1
        if self.reads > 1:
            raise TimeoutError
        return super().get_latest(tenant, workflow_id)


class UnreadRuns(MemoryRunStore):
    """No run is read once one has ended."""

    has_ended = False

    def cancel(self, run: Run, end: RunEnd) -> None:
        super().cancel(run, end)
        self.has_ended = True

    def get(self, tenant: str, run_id: UUID) -> RunWithTasks:
        if self.has_ended:
            raise TimeoutError
        return super().get(tenant, run_id)


def test_a_run_that_was_started_is_of_the_newest_version_and_nobody_is_asked_again() -> None:
    world = RunWorld(workflows=UnreadWorkflows())
    version = world.define(TWO)
    run = start_run(StartRun(version.workflow_id, {}), CALLER, world.deps)
    whole = view_started_run(run, world.deps)
    assert (whole.run, whole.version, whole.current_version) == (run, version, 1)
    assert [task.ref for task in whole.tasks] == ["one", "two"]


def test_a_run_that_was_stopped_is_shown_as_its_record_has_it_and_is_not_read_again() -> None:
    world = RunWorld(runs=UnreadRuns())
    run = world.start(TWO)
    world.do_task(run, "one")
    before = read_whole_run(run.run_id, CALLER, world.deps)
    whole = stop_whole_run(run.run_id, CALLER, world.deps)
    assert whole == before._replace(run=world.found(run).run)
    assert (whole.run.status, whole.run.completed_at) == (RunStatus.CANCELLED, world.clock.now())
    assert world.engine.stopped == [run.run_id]


def test_a_run_that_has_ended_is_not_stopped_again() -> None:
    world = RunWorld()
    run = world.start(TWO)
    stop_whole_run(run.run_id, CALLER, world.deps)
    world.clock.sleep(0.001)
    with pytest.raises(RunHasEndedError):
        stop_whole_run(run.run_id, CALLER, world.deps)
