"""Which elements of many a page holds."""

import pytest

from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import ErrorResult, Run, TaskStatus
from stepcall.use_cases.read_instances import MOST_LOOKED_AT, AskedTask, InstancePage, read_instances
from tests.unit.run_world import CALLER, RunWorld

MANY = 2 * MOST_LOOKED_AT + 500
FAILED = (3, MOST_LOOKED_AT + 7, MOST_LOOKED_AT + 8)
TRANSFORM = {"expression": "$", "data": "{{item}}"}
TASK = {"ref": "page", "type": "Data.Transform", "for_each": [1], "input": TRANSFORM}


@pytest.fixture
def world() -> RunWorld:
    return RunWorld()


@pytest.fixture
def run(world: RunWorld) -> Run:
    """Its task has begun with many elements, of which some have failed: the machine is played here."""
    run = world.start({"name": "Pages", "tasks": [TASK]})
    world.runs.begin_task(run, "page", attempt=0, now=world.clock.now())
    world.runs.set_instances(run, "page", MANY)
    for index in FAILED:
        world.runs.begin_task(run, f"page[{index}]", attempt=0, now=world.clock.now())
        error = ErrorResult(ErrorReason.INVALID, f"page[{index}]", "No.")
        world.runs.fail_task(run, f"page[{index}]", error, world.clock.now())
    return run


def failed(world: RunWorld, run: Run, after: int | None, limit: int = 50) -> InstancePage:
    asked = AskedTask(run.workflow_id, run.run_id, "page")
    return read_instances(asked, CALLER, world.deps, status=TaskStatus.FAILED, limit=limit, after=after)


def indexes(page: InstancePage) -> list[str]:
    return [one.ref for one in page.instances]


def test_a_page_of_one_status_looks_at_so_many_elements_and_says_where_to_go_on(world: RunWorld, run: Run) -> None:
    first = failed(world, run, None)
    assert (indexes(first), first.next_index) == (["page[3]"], MOST_LOOKED_AT - 1)
    second = failed(world, run, first.next_index)
    assert (indexes(second), second.next_index) == (["page[1007]", "page[1008]"], 2 * MOST_LOOKED_AT - 1)
    last = failed(world, run, second.next_index)
    assert (indexes(last), last.next_index) == ([], None)


def test_a_full_page_of_one_status_goes_on_where_the_next_one_is(world: RunWorld, run: Run) -> None:
    first = failed(world, run, MOST_LOOKED_AT - 1, limit=1)
    assert (indexes(first), first.next_index) == (["page[1007]"], 1007)
    second = failed(world, run, first.next_index, limit=1)
    assert (indexes(second), second.next_index) == (["page[1008]"], 1008 + MOST_LOOKED_AT - 1)


def test_without_a_status_a_page_is_full_until_the_last(world: RunWorld, run: Run) -> None:
    asked = AskedTask(run.workflow_id, run.run_id, "page")
    page = read_instances(asked, CALLER, world.deps, status=None, limit=100, after=None)
    assert (len(page.instances), page.next_index) == (100, 99)
    page = read_instances(asked, CALLER, world.deps, status=None, limit=100, after=MANY - 101)
    assert (len(page.instances), page.next_index) == (100, None)
