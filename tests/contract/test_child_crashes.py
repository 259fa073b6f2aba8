"""Whoever starts, settles or cancels a child run may die before or after any of his AWS calls, and its parent may end
between any two of them: there is one child, its end is its parent's task's, and none outlives its parent.

The real use cases, worker and store; DynamoDB is moto's, and each test plays the machines and the stream itself.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest

from local.moto_world.table_speed import fast_tables
from run_workflow_task.execute import Executor
from stepcall.domain.run import Run, RunStatus, TaskStatus
from stepcall.domain.run_events import RunChange
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError
from stepcall.tasks.workflow import EXECUTE
from stepcall.use_cases.cancel_run import stop_run
from stepcall.use_cases.dependencies import AcceptDependencies, FaceDependencies
from stepcall.use_cases.follow_children import follow_children
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.run_task import TaskInvocation, run_task
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.tell_machines import StreamedEnd
from tests.contract.conftest import AS_ON_AWS, RETENTION
from tests.contract.test_trigger_crashes import DeathError
from tests.sample_workflows import give, transform, workflow
from tests.unit.run_world import CALLER, RunWorld, sent_by_the_machine

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CHILD = workflow(transform("only", 1), outputs=[give("one", "{{refs.only.output.result}}", "integer")])


class Interruptions:
    """Counts what a client has called and the engine is about to start, and acts at one of them."""

    def __init__(self, client: Any) -> None:
        self.ends = 0
        self.at: int | None = None
        self.act: Callable[[], None] = self.die
        client.meta.events.register("after-call", self.count)  # it is as well the one before the next call

    def watch(self, at: int | None, act: Callable[[], None] | None = None) -> None:
        self.ends, self.at, self.act = 0, at, act or self.die

    def count(self, **_: Any) -> None:
        self.ends += 1
        if self.at == self.ends - 1:
            self.act()

    @staticmethod
    def die() -> None:
        raise DeathError


class ChildWorld:
    def __init__(self, dynamodb: "DynamoDBClient") -> None:
        own = boto3.client("dynamodb", config=AS_ON_AWS)
        self.interruptions = Interruptions(own)
        undisturbed = cast("MemoryRunStore", DynamoRunStore(dynamodb, "RunsTable", RETENTION))
        self.world = RunWorld(runs=undisturbed)
        self.world.engine.on_start = self.interruptions.count
        self.disturbed: FaceDependencies = replace(self.world.deps, runs=DynamoRunStore(own, "RunsTable", RETENTION))
        self.child = self.world.define(CHILD)
        calling = {"ref": "call", "type": "Workflow.Execute", "input": {"workflow_id": str(self.child.workflow_id)}}
        self.calling: WorkflowVersion = self.world.define(workflow(calling))

    def start_parent(self) -> Run:
        return start_run(StartRun(self.calling.workflow_id, {}), CALLER, self.world.deps)

    def prepare(self, parent: Run, attempt: int = 0) -> None:
        more = {"ref": "call", "attempt": attempt, "phase": "prepare", "token": f"token-{attempt}"}
        invocation = TaskInvocation.model_validate(sent_by_the_machine(parent) | more)
        accepting = {name: getattr(self.disturbed, name) for name in AcceptDependencies.__dataclass_fields__}
        work = Executor(AcceptDependencies(**accepting)).execute
        run_task(invocation, {EXECUTE.name: work}, lambda: 30.0, self.disturbed)

    def children(self, parent: Run) -> list[Run]:
        listed = self.world.runs.list_by_workflow(
            CALLER.tenant, self.child.workflow_id, status=None, limit=2, after=None
        )
        runs = (self.world.runs.get_for_end(run.run_id).run for run in listed.runs)
        return [run for run in runs if run.parent and run.parent.run_id == parent.run_id]

    def play(self, child: Run) -> None:
        """Its machine, once it was started."""
        assert child.run_id in self.world.engine.started
        self.world.do_task(child, "only")
        self.world.finish(child)

    def hand_on(self, run: Run, deps: FaceDependencies | None = None) -> None:
        """As the stream hands on how a run has ended."""
        ended = self.world.runs.get_for_end(run.run_id).run
        change = StreamedChange("1", RunChange(ended, RunStatus.RUNNING))
        assert follow_children([change], [], [], deps or self.disturbed, lambda: True) == []

    def cancel(self, parent: Run) -> None:
        """Undisturbed, and the stream is as quick as it can be."""
        stop_run(self.world.runs.get_for_end(parent.run_id).run, self.world.deps)
        self.hand_on(parent, self.world.deps)

    def assert_told(self, parent: Run, at: int) -> None:
        [child] = self.children(parent)
        task = self.world.task(parent, "call")
        assert (task.status, task.child_run_id) == (TaskStatus.COMPLETED, child.run_id), at
        assert self.world.value(task.output)["output"] == {"one": None} | self.world.value(child.output), at
        assert [*self.world.runs.list_children(parent)] == [], at

    def assert_none_is_left(self, parent: Run, at: int) -> None:
        self.world.sweep(after=61)
        assert {child.status for child in self.children(parent)} <= {RunStatus.CANCELLED}, at
        assert len(self.children(parent)) <= 1, at


@pytest.fixture
def world(dynamodb: "DynamoDBClient") -> Iterator[ChildWorld]:
    with fast_tables():
        yield ChildWorld(dynamodb)


def ends_of(world: ChildWorld, act: Callable[[], None]) -> range:
    world.interruptions.watch(None)
    act()
    return range(world.interruptions.ends)


def test_a_worker_that_dies_and_is_tried_again_starts_one_child_whose_end_is_told(world: ChildWorld) -> None:
    first = world.start_parent()
    ends = ends_of(world, lambda: world.prepare(first))
    assert len(ends) > 5
    for at in ends:
        parent = world.start_parent()
        world.interruptions.watch(at)
        with pytest.raises(DeathError):
            world.prepare(parent)
        world.interruptions.watch(None)
        world.prepare(parent, attempt=1)
        [child] = world.children(parent)
        world.play(child)
        world.hand_on(child)
        world.assert_told(parent, at)


def test_a_worker_that_dies_for_good_leaves_no_child_when_its_run_has_failed(world: ChildWorld) -> None:
    first = world.start_parent()
    for at in ends_of(world, lambda: world.prepare(first)):
        parent = world.start_parent()
        world.interruptions.watch(at)
        with pytest.raises(DeathError):
            world.prepare(parent)
        world.interruptions.watch(None)
        world.world.finish(parent, "Sandbox.Timedout")
        world.hand_on(parent)
        world.assert_none_is_left(parent, at)


def test_a_parent_that_is_cancelled_between_two_calls_of_the_start_leaves_no_child(world: ChildWorld) -> None:
    first = world.start_parent()
    for at in ends_of(world, lambda: world.prepare(first)):
        parent = world.start_parent()
        world.interruptions.watch(at, lambda: world.cancel(parent))  # noqa: B023 - it is called before the next
        with suppress(RunHasEndedError, LateAttemptError):
            world.prepare(parent)
        world.interruptions.watch(None)
        world.assert_none_is_left(parent, at)


def test_an_end_is_told_once_whoever_dies_while_he_tells_it(world: ChildWorld) -> None:
    def prepared() -> tuple[Run, Run]:
        parent = world.start_parent()
        world.interruptions.watch(None)
        world.prepare(parent)
        [child] = world.children(parent)
        world.play(child)
        return parent, child

    _, told = prepared()
    for at in ends_of(world, lambda: world.hand_on(told)):
        parent, child = prepared()
        world.interruptions.watch(at)
        with pytest.raises(DeathError):
            world.hand_on(child)
        world.interruptions.watch(None)
        world.hand_on(child)
        world.assert_told(parent, at)
        world.hand_on(child)
        world.assert_told(parent, at)


def test_children_are_cancelled_whoever_dies_while_he_cancels_them(world: ChildWorld) -> None:
    def cancelled() -> Run:
        parent = world.start_parent()
        world.interruptions.watch(None)
        world.prepare(parent)
        stop_run(world.world.runs.get_for_end(parent.run_id).run, world.world.deps)
        return parent

    first = cancelled()
    for at in ends_of(world, lambda: world.hand_on(first)):
        parent = cancelled()
        world.interruptions.watch(at)
        with pytest.raises(DeathError):
            world.hand_on(parent)
        world.interruptions.watch(None)
        world.hand_on(parent)
        assert [child.status for child in world.children(parent)] == [RunStatus.CANCELLED], at
        assert [*world.world.runs.list_children(parent)] == [], at


def test_a_child_that_ended_before_its_task_waited_for_it_is_told_by_the_worker(world: ChildWorld) -> None:
    parent = world.start_parent()
    world.world.engine.fault = RuntimeError("It is not taken.")
    with pytest.raises(RuntimeError):
        world.prepare(parent)
    assert world.world.task(parent, "call").status is TaskStatus.RUNNING
    [child] = world.children(parent)
    assert child.status is RunStatus.FAILED
    world.prepare(parent, attempt=1)
    task = world.world.task(parent, "call")
    assert (task.status, task.error and task.error.location) == (TaskStatus.FAILED, "call")


def test_a_failed_end_of_a_task_cancels_the_child_that_it_waited_for(world: ChildWorld) -> None:
    parent = world.start_parent()
    world.prepare(parent)
    [child] = world.children(parent)
    end = StreamedEnd("1", "token-0", str(parent.run_id), TaskStatus.FAILED, child.run_id)
    assert follow_children([], [end], [], world.disturbed, lambda: True) == []
    assert [each.status for each in world.children(parent)] == [RunStatus.CANCELLED]


def test_a_child_that_was_stored_and_never_begun_is_begun_by_the_sweep_where_its_task_waits(world: ChildWorld) -> None:
    parent = world.start_parent()
    world.world.engine.is_down = True
    world.prepare(parent)
    [child] = world.children(parent)
    world.world.engine.is_down = False
    world.world.sweep(after=61)
    world.play(child)
    world.hand_on(child)
    world.assert_told(parent, 0)


def test_a_cancellation_that_is_out_of_time_comes_again(world: ChildWorld) -> None:
    parent = world.start_parent()
    world.prepare(parent)
    stop_run(world.world.runs.get_for_end(parent.run_id).run, world.world.deps)
    ended = world.world.runs.get_for_end(parent.run_id).run
    change = StreamedChange("7", RunChange(ended, RunStatus.RUNNING))
    assert follow_children([change], [], [], world.disturbed, lambda: False) == ["7"]
