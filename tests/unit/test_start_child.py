"""A task starts a run: what is handed on to it, how many there may be, and whose it is. The test plays the machines."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from run_workflow_task.execute import Executor
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.parent_task import MAX_BELOW
from stepcall.domain.run import Run, RunStatus, TaskStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.domain.workflow import WorkflowVersion
from stepcall.tasks.workflow import EXECUTE
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.resume_run import ResumeRun, resume_run
from stepcall.use_cases.run_task import TaskInvocation, run_task
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import Document, transform, workflow
from tests.unit.run_world import CALLER, RunWorld, sent_by_the_machine

MAY = TimeRange(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
STAGED = workflow(transform("load") | {"stage": "source"}, transform("send") | {"stage": "activation"})


class StartWorld(RunWorld):
    """Each workflow has one task that executes another, `call`."""

    def define_call(self, called: WorkflowVersion, **more: Any) -> WorkflowVersion:
        task: Document = {"ref": "call", "type": "Workflow.Execute", "input": {"workflow_id": str(called.workflow_id)}}
        return self.define(workflow(task | more))

    def begin(self, version: WorkflowVersion, mode: RunMode = RunMode.FULL) -> Run:
        command = StartRun(version.workflow_id, {}, run_mode=mode, time_range=MAY)
        return start_run(command, CALLER, self.deps)

    def prepare(self, parent: Run, attempt: int = 0) -> Run:
        """The run that the task has started."""
        more = {"ref": "call", "attempt": attempt, "phase": "prepare", "token": "token"}
        invocation = TaskInvocation.model_validate(sent_by_the_machine(parent) | more)
        accepting = {name: getattr(self.deps, name) for name in AcceptDependencies.__dataclass_fields__}
        work = Executor(AcceptDependencies(**accepting)).execute
        run_task(invocation, {EXECUTE.name: work}, lambda: 30.0, self.deps)
        [child] = self.runs.list_children(parent)
        return self.runs.get_for_end(child).run


@pytest.fixture
def world() -> StartWorld:
    return StartWorld()


def test_a_child_is_about_its_parents_time_and_runs_in_its_mode(world: StartWorld) -> None:
    calling = world.define_call(world.define(STAGED), stage="source")
    parent = world.begin(calling, RunMode.SOURCE)
    child = world.prepare(parent)
    assert (child.run_mode, child.time_range) == (RunMode.SOURCE, MAY)
    assert [task.status for task in world.found(child).tasks_of(version_of(world, child))][1] is TaskStatus.SKIPPED
    assert world.prepare(world.begin(calling)).run_mode is RunMode.FULL


def test_a_mode_reaches_through_a_workflow_that_knows_none(world: StartWorld) -> None:
    between = world.define_call(world.define(STAGED))
    parent = world.begin(world.define_call(between, stage="source"), RunMode.SOURCE)
    child = world.prepare(parent)
    assert child.run_mode is RunMode.FULL, "it has no stages: it is done whole"
    grandchild = world.prepare(child)
    assert (grandchild.run_mode, grandchild.time_range) == (RunMode.SOURCE, MAY)


def test_a_mode_that_leaves_nothing_of_a_child_fails_the_task(world: StartWorld) -> None:
    only = world.define(workflow(transform("send") | {"stage": "activation"}))
    parent = world.begin(world.define_call(only, stage="source"), RunMode.SOURCE)
    with pytest.raises(PermanentTaskError, match="`source` leaves nothing to run"):
        world.prepare(parent)


def test_executions_below_one_topmost_run_are_bounded_on_all_levels_together(world: StartWorld) -> None:
    lowest = world.define(workflow(transform("only")))
    parent = world.begin(world.define_call(world.define_call(lowest)))
    child = world.prepare(parent)
    for _ in range(MAX_BELOW - 2):
        world.runs.count_below(parent.run_id, world.clock.now())
    last = world.prepare(child)
    assert (last.parent and last.parent.topmost) == parent.run_id
    assert world.runs.count_below(parent.run_id, world.clock.now()) == MAX_BELOW + 1
    beyond = replace(child, run_id=world.deps.new_id())
    world.runs.put(beyond)
    with pytest.raises(PermanentTaskError, match="10,000 executions were started") as refused:
        world.prepare(beyond)
    assert refused.value.reason is ErrorReason.RESOURCES_EXCEEDED
    assert world.task(beyond, "call").status is TaskStatus.FAILED


def test_a_child_that_was_started_counts_once_however_often_its_task_is_tried(world: StartWorld) -> None:
    parent = world.begin(world.define_call(world.define(workflow(transform("only")))))
    for attempt in range(3):
        world.prepare(parent, attempt)
    assert world.runs.count_below(parent.run_id, world.clock.now()) == 2


def test_a_child_that_somebody_has_resumed_before_its_task_waits_for_it_is_not_its_own(world: StartWorld) -> None:
    parent = world.begin(world.define_call(world.define(workflow(transform("only")))))
    world.engine.is_down = True
    child = world.prepare(parent)
    stop_run(child, world.deps)
    world.engine.is_down = False
    resume_run(ResumeRun(child.run_id, workflow_id=child.workflow_id), CALLER, world.deps)
    resumed = world.found(child).run
    assert (resumed.run_attempt, resumed.status) == (2, RunStatus.PENDING)
    world.prepare(parent, attempt=1)
    task = world.task(parent, "call")
    assert (task.status, task.error and task.error.reason) == (TaskStatus.FAILED, ErrorReason.STOPPED)
    assert task.error
    assert "was resumed by somebody" in task.error.message
    assert world.found(child).run.status is RunStatus.PENDING


def version_of(world: StartWorld, run: Run) -> Any:
    return world.workflows.get_version(run.workflow_id, run.workflow_version).definition
