"""What a resumed run does again of tasks that are done for each element."""

from typing import Any

import pytest

from stepcall.domain.resume_plan import Bound, Planner
from stepcall.domain.run import StoredPayload, TaskRun, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.workflow import WorkflowVersion
from tests.sample_workflows import Document, checked, declare, transform, workflow
from tests.unit.run_world import RunWorld

EACH = transform("each", "{{item}}") | {"for_each": "{{input.all}}"}
CHANGED = ("run again", "Its definition changed in version 2.")
REUSED = ("reused", "It has its output.")


def plan(before: Document, after: Document, was: Any = (1, 2), now: Any = (1, 2)) -> tuple[str, str]:
    """Of a run whose task has its output, when it goes on with another version or other inputs."""
    world = RunWorld()
    run = world.start(workflow(before, inputs=[declare("all", "array")]), all=[*was])
    done = TaskRun("each", TaskStatus.COMPLETED, output=StoredPayload(2, inline="[]"))
    before_and_after = {
        "before": Bound(_version(world, 1, before), {"all": [*was]}),
        "after": Bound(_version(world, 2, after), {"all": [*now]}),
    }
    found = RunWithTasks(run, {"each": done})
    planner = Planner(found, **before_and_after, is_kept=lambda *_: True, is_sql=lambda _: False)
    [planned] = planner.plan()
    return planned.resume.value, planned.reason


def _version(world: RunWorld, number: int, task: Document) -> WorkflowVersion:
    definition = checked(workflow(task, inputs=[declare("all", "array")]))
    return WorkflowVersion(world.deps.new_id(), number, "acme", definition, world.clock.now())


def test_the_same_elements_are_not_done_again() -> None:
    assert plan(EACH, EACH) == REUSED


@pytest.mark.parametrize("array", ["{{input.all[0]}}", [1, 2], ["{{input.all}}"]])
def test_elements_of_another_array_are_done(array: Any) -> None:
    assert plan(EACH, EACH | {"for_each": array}) == CHANGED


def test_a_task_that_is_done_for_each_from_now_on_is_done_again_and_so_is_one_that_is_no_more() -> None:
    once = transform("each", "{{input.all}}")
    each = once | {"for_each": "{{input.all}}"}
    assert (plan(once, each), plan(each, once)) == (CHANGED, CHANGED)


def test_an_array_with_another_value_is_another_array() -> None:
    assert plan(EACH, EACH, now=(2, 1)) == ("run again", "It uses the input `all`, which changed in version 2.")


def test_how_many_are_done_at_once_changes_nothing_of_what_was_done() -> None:
    assert plan(EACH, EACH | {"max_concurrency": 3}) == REUSED
