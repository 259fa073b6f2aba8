"""Lists of a tenant's runs: what a page holds, where it goes on, and how many there are."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants
from stepcall.domain.run import Run, RunStatus
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.run_store import ALL_RUNS, RunCount, RunFilter, RunPage
from stepcall.use_cases.list_tenant_runs import (
    MAX_READS,
    TooManyRunsError,
    count_tenant_runs,
    list_tenant_runs,
)
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

SOON = 20.0


@dataclass
class PartRunStore(MemoryRunStore):
    """Searches two runs at a time, as a long list is searched in parts, each of which takes a second."""

    world: RunWorld = field(kw_only=True)
    reads: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunPage:
        self.reads += 1
        self.world.clock.sleep(1)
        part = super().list_by_tenant(tenant, limit=min(limit, 2), after=after)
        shown = super().list_by_tenant(tenant, limit=len(part.runs), after=after, only=only)
        return RunPage(tuple(run for run in shown.runs if run in part.runs), part.next_run_id)

    def count_by_tenant(self, tenant: str, *, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunCount:
        page = self.list_by_tenant(tenant, limit=2, after=after, only=only)
        return RunCount(len(page.runs), page.next_run_id)


def world_in_parts() -> tuple[RunWorld, PartRunStore]:
    world = RunWorld()
    runs = PartRunStore(world=world)
    world.runs, world.deps = runs, replace(world.deps, runs=runs)
    return world, runs


def start(world: RunWorld, number: int) -> list[Run]:
    return [world.start(workflow()) for _ in range(number)]


def ids(page: RunPage) -> list[UUID]:
    return [run.run_id for run in page.runs]


def pages(world: RunWorld, caller: Caller, **given: Any) -> Iterator[RunPage]:
    after: UUID | None = None
    while True:
        page = list_tenant_runs(caller, world.deps, after=after, **given)
        yield page
        if (after := page.next_run_id) is None:
            return


def count(world: RunWorld, caller: Caller = CALLER, only: RunFilter = ALL_RUNS, seconds: float = SOON) -> int:
    return count_tenant_runs(caller, world.deps, only=only, seconds=seconds)


def narrowed(*runs: Run) -> Caller:
    return replace(CALLER, grants=Grants(frozenset(run.workflow_id for run in runs)))


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("in_parts", [False, True])
def test_pages_show_each_run_once_newest_first(limit: int, in_parts: bool) -> None:
    world = world_in_parts()[0] if in_parts else RunWorld()
    runs = start(world, 7)
    world.start(workflow(), STRANGER)
    found = [run_id for page in pages(world, CALLER, limit=limit) for run_id in ids(page)]
    assert found == [run.run_id for run in runs[::-1]]
    assert (count(world), count(world, STRANGER)) == (7, 1)


def test_a_full_last_page_goes_on_nowhere() -> None:
    world = RunWorld()
    runs = start(world, 2)
    for caller in (CALLER, narrowed(*runs)):
        assert list_tenant_runs(caller, world.deps, limit=2, after=None).next_run_id is None


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_narrowed_caller_is_shown_its_runs_over_all_pages(limit: int, in_parts: bool) -> None:
    world = world_in_parts()[0] if in_parts else RunWorld()
    runs = start(world, 9)
    caller = narrowed(*runs[::3])
    found = list(pages(world, caller, limit=limit))
    assert [run_id for page in found for run_id in ids(page)] == [run.run_id for run in runs[::3][::-1]]
    assert all(len(page.runs) <= limit for page in found)
    assert count(world, caller) == 3


def test_a_page_is_given_after_some_reads_even_if_nothing_was_found() -> None:
    world, store = world_in_parts()
    runs = start(world, 2 * MAX_READS + 1)
    store.reads = 0
    page = list_tenant_runs(narrowed(runs[0]), world.deps, limit=1, after=None)
    assert (page.runs, store.reads) == ((), MAX_READS)
    [last] = ids(list_tenant_runs(narrowed(runs[0]), world.deps, limit=1, after=page.next_run_id))
    assert last == runs[0].run_id


def test_a_page_that_is_full_is_not_read_on_from() -> None:
    world, store = world_in_parts()
    start(world, 5)
    store.reads = 0
    page = list_tenant_runs(CALLER, world.deps, limit=2, after=None)
    assert (len(page.runs), page.next_run_id, store.reads) == (2, page.runs[-1].run_id, 1)


def test_counting_that_takes_too_long_is_given_up() -> None:
    world, _ = world_in_parts()
    runs = start(world, 11)
    for caller in (CALLER, narrowed(*runs)):
        with pytest.raises(TooManyRunsError):
            count(world, caller, seconds=4.5)
        assert count(world, caller, seconds=6.5) == 11


def test_a_filter_counts_for_pages_and_for_the_total() -> None:
    world = RunWorld()
    runs = start(world, 5)
    world.do_task(runs[2], "only")
    only = RunFilter(status=RunStatus.RUNNING)
    assert ids(list_tenant_runs(CALLER, world.deps, only=only, limit=5, after=None)) == [runs[2].run_id]
    assert count(world, only=only) == 1


def test_a_job_token_is_shown_its_run_on_the_page_that_it_is_on() -> None:
    world = RunWorld()
    runs = start(world, 3)
    reader = replace(CALLER, run_id=runs[1].run_id)
    for after, expected in ((None, [runs[1]]), (runs[2], [runs[1]]), (runs[1], []), (runs[0], [])):
        page = list_tenant_runs(reader, world.deps, limit=1, after=after.run_id if after else None)
        assert (ids(page), page.next_run_id) == ([run.run_id for run in expected], None)
    assert count(world, reader) == 1
    assert count(world, reader, RunFilter(status=RunStatus.FAILED)) == 0
