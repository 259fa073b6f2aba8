"""What a task is told whose child has ended, where that cannot be handed on as it is."""

from dataclasses import replace

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import ErrorReason
from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import RunStatus, StoredPayload, TaskStatus
from stepcall.use_cases.settle_parent import settle_parent
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import RunWorld


def test_an_output_that_was_deleted_fails_the_task_and_its_key_is_nobodys_business() -> None:
    world = RunWorld()
    parent, child = world.start(workflow(transform("call"))), world.start(workflow(transform("only")))
    world.runs.begin_task(parent, "call", attempt=0, now=world.clock.now())
    world.runs.await_task(parent, "call", Awaited(child_run_id=child.run_id), token="token", attempt=0)
    of_parent, gone = ParentTask(parent.run_id, 1, "call", (parent.workflow_id,)), StoredPayload(99_999, key="x/y.json")
    settle_parent(replace(child, parent=of_parent, status=RunStatus.COMPLETED, output=gone), world.deps)
    task = world.task(parent, "call")
    assert task.status is TaskStatus.FAILED
    assert task.error
    assert (task.error.reason, "y.json" in task.error.message) == (ErrorReason.NOT_FOUND, False)
