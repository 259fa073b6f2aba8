"""A task executes a workflow for each element, and fails while its run goes on: none of its children outlives it.

As in test_child_crashes, whose world this is.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local.moto_world.table_speed import fast_tables
from run_workflow_task.execute import Executor
from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import ErrorResult, Run, RunStatus
from stepcall.tasks.workflow import EXECUTE
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.follow_children import follow_children
from stepcall.use_cases.run_task import TaskInvocation, run_task
from stepcall.use_cases.tell_machines import StreamedFailure
from tests.contract.test_child_crashes import ChildWorld, ends_of
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, sent_by_the_machine

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class ElementsWorld(ChildWorld):
    """Its parents execute the child for each element, and go on where one fails."""

    def __init__(self, dynamodb: "DynamoDBClient") -> None:
        super().__init__(dynamodb)
        given = {"workflow_id": str(self.child.workflow_id)}
        each = {
            "ref": "call",
            "type": "Workflow.Execute",
            "input": given,
            "for_each": [0, 1, 2],
            "on_error": "continue",
        }
        self.calling = self.world.define(workflow(each))

    def start_elements(self) -> Run:
        parent = self.start_parent()
        self.world.runs.begin_task(parent, "call", attempt=0, now=self.world.clock.now())
        self.world.runs.set_instances(parent, "call", 3)
        return parent

    def prepare_element(self, parent: Run, index: int) -> None:
        more = {"ref": "call", "attempt": 0, "phase": "prepare", "token": f"token-{index}", "index": index}
        invocation = TaskInvocation.model_validate(sent_by_the_machine(parent) | more)
        accepting = {name: getattr(self.disturbed, name) for name in AcceptDependencies.__dataclass_fields__}
        work = Executor(AcceptDependencies(**accepting)).execute
        run_task(invocation, {EXECUTE.name: work}, lambda: 30.0, self.disturbed)

    def fail_task(self, parent: Run) -> StreamedFailure:
        error = ErrorResult(ErrorReason.INVALID, "call[0]", "Element 0: no.")
        self.world.runs.fail_task(parent, "call", error, self.world.clock.now())
        return StreamedFailure("5", parent.run_id, parent.run_attempt, "call")

    def statuses(self, parent: Run) -> list[RunStatus]:
        listed = self.world.runs.list_by_workflow(
            CALLER.tenant, self.child.workflow_id, status=None, limit=10, after=None
        )
        runs = [self.world.runs.get_for_end(run.run_id).run for run in listed.runs]
        return [run.status for run in runs if run.parent and run.parent.run_id == parent.run_id]


@pytest.fixture
def elements(dynamodb: "DynamoDBClient") -> Iterator[ElementsWorld]:
    with fast_tables():
        yield ElementsWorld(dynamodb)


def test_a_task_that_fails_cancels_what_its_other_elements_have_started_though_its_run_goes_on(
    elements: ElementsWorld,
) -> None:
    parent = elements.start_elements()
    for index in range(3):
        elements.prepare_element(parent, index)
    failure = elements.fail_task(parent)
    assert follow_children([], [], [failure], elements.disturbed, lambda: False) == ["5"]
    assert follow_children([], [], [failure], elements.disturbed, lambda: True) == []
    assert elements.statuses(parent) == [RunStatus.CANCELLED] * 3
    assert [*elements.world.runs.list_children(parent)] == []


def test_an_element_starts_nothing_once_its_task_has_failed_whenever_that_happens(elements: ElementsWorld) -> None:
    first = elements.start_elements()
    for at in ends_of(elements, lambda: elements.prepare_element(first, 0)):
        parent = elements.start_elements()

        def fail(parent: Run = parent) -> None:
            elements.interruptions.watch(None)
            assert follow_children([], [], [elements.fail_task(parent)], elements.world.deps, lambda: True) == []

        elements.interruptions.watch(at, fail)
        elements.prepare_element(parent, 0)
        elements.world.sweep(after=61)
        assert set(elements.statuses(parent)) <= {RunStatus.CANCELLED}, at


def test_a_run_that_is_completed_leaves_no_child_open(elements: ElementsWorld) -> None:
    parent = elements.start_elements()
    elements.prepare_element(parent, 1)
    elements.fail_task(parent)
    elements.world.finish(parent)
    assert elements.world.status(parent) is RunStatus.COMPLETED
    elements.hand_on(parent)
    assert elements.statuses(parent) == [RunStatus.CANCELLED]
