"""A start over every pair of stores: what a run of a part of a workflow is when it is read again."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.run import TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.stores.run_store import RunFilter, RunStore
from stepcall.stores.workflow_store import WorkflowStore
from stepcall.use_cases.start_once import Started, start_once
from stepcall.use_cases.start_run import StartRun, start_run
from tests.contract.conftest import in_parallel
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, RunWorld

SOURCES = workflow(transform("pull") | {"stage": "source"}, transform("rest")) | {
    "type": "courier.group/run",
    "config_id": "cg-nightly",
}
DAY = TimeRange(datetime(2025, 4, 18, tzinfo=UTC), datetime(2025, 4, 19, tzinfo=UTC))


@pytest.fixture
def world(run_store: Any, workflow_store: Any) -> RunWorld:
    return RunWorld(runs=run_store, workflows=workflow_store)


@pytest.mark.parametrize("mode", RunMode)
def test_a_run_by_config_id_of_a_mode_and_a_time_is_read_as_it_was_started(
    world: RunWorld, run_store: RunStore, workflow_store: WorkflowStore, mode: RunMode
) -> None:
    world.define(SOURCES)
    workflow_id = workflow_store.find_config_id(CALLER.tenant, "cg-nightly")
    run = start_run(StartRun(workflow_id, {}, run_mode=mode, time_range=DAY), CALLER, world.deps)
    found = run_store.get(CALLER.tenant, run.run_id).run
    assert found == run
    assert (found.run_mode, found.time_range, found.workflow_type) == (mode, DAY, "courier.group/run")
    only = RunFilter(workflow_type="courier.group/run", created_from=run.created_at)
    [listed] = run_store.list_by_tenant(CALLER.tenant, limit=5, after=None, only=only).runs
    assert (listed.run_id, listed.workflow_name) == (run.run_id, "a workflow")


def test_a_mode_that_leaves_nothing_to_run_leaves_no_run(world: RunWorld, run_store: RunStore) -> None:
    version = world.define(workflow())
    with pytest.raises(EmptyRunModeError):
        start_run(StartRun(version.workflow_id, {}, run_mode=RunMode.SOURCE), CALLER, world.deps)
    assert run_store.count_by_tenant(CALLER.tenant, after=None) == (0, None)


def test_of_200_equal_calls_at_once_one_makes_a_run_and_all_are_answered_with_it(
    world: RunWorld, run_store: RunStore
) -> None:
    version, once = world.define(workflow()), StartOnce("key", "a" * 64)
    answers: list[Started] = []

    def call() -> None:
        answers.append(start_once(start_run, StartRun(version.workflow_id, {}, once=once), CALLER, world.deps))

    assert in_parallel([call] * 200) == [None] * 200
    assert Counter(answer.is_replayed for answer in answers) == {True: 199, False: 1}
    [run_id] = {answer.run.run_id for answer in answers}
    assert [run.run_id for run in run_store.list_by_tenant(CALLER.tenant, limit=9, after=None).runs] == [run_id]
    assert list(world.engine.started) == [run_id]
