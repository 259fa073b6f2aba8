"""Runs as jobs: who sees which, how those of other faces are shown, and how far a list counts."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, SourceGrant
from stepcall.domain.connection import default_connection
from stepcall.domain.run import Run, RunStatus
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.run_store import ALL_RUNS, RunFilter, RunHasEndedError, RunNotFoundError, RunPage
from stepcall.use_cases.read_job import MAX_COUNTED, MAX_READS, cancel_job, list_jobs, read_job
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import workflow
from tests.unit.job_world import GIVEN, JobWorld
from tests.unit.run_world import CALLER, STRANGER


def by_sources(*sources: tuple[str, str], workflows: frozenset[UUID] = frozenset()) -> Caller:
    return replace(CALLER, grants=Grants(workflows, tuple(SourceGrant(*source) for source in sources)))


def seen(world: JobWorld, run: Run, caller: Caller) -> bool:
    """By the job itself and by the list, which must agree."""
    listed = run.run_id in {job.run.run_id for job in list_jobs(caller, world.deps, page=1, size=100).jobs}
    try:
        read = read_job(run.run_id, "carto_dw", caller, world.deps).run.run_id == run.run_id
    except (NotGrantedError, RunNotFoundError):
        read = False
    assert read == listed
    return read


def start_natively(world: JobWorld) -> Run:
    return start_run(StartRun(world.version.workflow_id, GIVEN), CALLER, world.deps)


@pytest.mark.parametrize("starts", [JobWorld.call, start_natively])
def test_a_job_is_seen_by_who_is_granted_its_procedure_its_workflow_or_the_job_itself(starts: Any) -> None:
    world = JobWorld()
    run = starts(world)
    project = world.name.partition(".")[0]
    for caller in (
        CALLER,
        by_sources(("carto_dw", world.name)),
        by_sources(("carto_dw", f"{project}.*")),
        by_sources(workflows=frozenset({world.version.workflow_id})),
        replace(CALLER, run_id=run.run_id),
    ):
        assert seen(world, run, caller)
    for caller in (
        STRANGER,
        by_sources(),
        by_sources(("other", "*")),
        by_sources(("carto_dw", world.name + "_out_*")),
        by_sources(workflows=frozenset({world.deps.new_id()})),
        replace(CALLER, run_id=world.call("1, 2, 'x'", {}).run_id),
    ):
        assert not seen(world, run, caller)


def test_a_run_of_another_face_is_shown_as_the_call_that_it_could_have_been() -> None:
    world = JobWorld()
    run = start_natively(world)
    job = read_job(run.run_id, "carto_dw", CALLER, world.deps)
    assert job.call.query == f"CALL `{world.name}`(@number_of_clusters,@buffer_radius,@store_type)"
    assert (job.call.connection, job.call.output_table, job.call.location) == ("carto_dw", None, "US")
    assert job.call.connection_id == default_connection("acme").connection_id
    without_inputs = start_run(StartRun(world.define(workflow()).workflow_id, {}), CALLER, world.deps)
    assert read_job(without_inputs.run_id, "carto_dw", CALLER, world.deps).call.query.endswith("`()")


def test_a_run_of_another_face_belongs_to_the_connection_of_its_definition() -> None:
    world = JobWorld()
    warehouse = replace(default_connection("acme"), name="warehouse", connection_id=world.deps.new_id(), location="EU")
    world.connections.put(warehouse, [])
    version = world.define(workflow() | {"connection": "warehouse"})
    run = start_run(StartRun(version.workflow_id, {}), CALLER, world.deps)
    job = read_job(run.run_id, "warehouse", CALLER, world.deps)
    assert (job.call.connection_id, job.call.location) == (warehouse.connection_id, "EU")
    with pytest.raises(RunNotFoundError):
        read_job(run.run_id, "carto_dw", CALLER, world.deps)
    world.connections.delete("acme", "warehouse")
    assert read_job(run.run_id, "carto_dw", CALLER, world.deps).run.run_id == run.run_id


def test_a_job_is_found_on_its_own_connection_only() -> None:
    world = JobWorld()
    run = world.call()
    for connection in ("warehouse", "nothing"):
        with pytest.raises(RunNotFoundError):
            read_job(run.run_id, connection, CALLER, world.deps)
    with pytest.raises(RunNotFoundError):
        read_job(world.deps.new_id(), "carto_dw", CALLER, world.deps)


def test_a_cancelled_job_is_stopped_once() -> None:
    world = JobWorld()
    run = world.call()
    job = cancel_job(run.run_id, "carto_dw", CALLER, world.deps)
    assert (job.run.status, world.engine.stopped) == (RunStatus.CANCELLED, [run.run_id])
    assert job.run.error
    assert job.run.error.reason == "stopped"
    world.clock.sleep(1)
    with pytest.raises(RunHasEndedError):
        cancel_job(run.run_id, "carto_dw", CALLER, world.deps)
    for caller, refusal in ((STRANGER, RunNotFoundError), (by_sources(), NotGrantedError)):
        with pytest.raises(refusal):
            cancel_job(run.run_id, "carto_dw", caller, world.deps)
    assert world.engine.stopped == [run.run_id]


def ids(world: JobWorld, page: int, size: int, caller: Caller = CALLER) -> tuple[list[UUID], int]:
    listed = list_jobs(caller, world.deps, page=page, size=size)
    return [job.run.run_id for job in listed.jobs], listed.total


def test_jobs_are_listed_newest_first_page_by_page() -> None:
    world = JobWorld()
    runs = [world.call(f"{number}, 1, 'x'", {}) for number in range(7)]
    newest = [run.run_id for run in reversed(runs)]
    assert ids(world, 1, 3) == (newest[:3], 7)
    assert ids(world, 3, 3) == (newest[6:], 7)
    assert ids(world, 4, 3) == ([], 7)
    assert ids(world, 1, 100) == (newest, 7)
    assert ids(world, 1, 100, STRANGER) == ([], 0)


class CountingStore(MemoryRunStore):
    """Counts the lists that are read, and gives 400 runs at once."""

    reads = 0

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunPage:
        self.reads += 1
        return super().list_by_tenant(tenant, limit=min(limit, 400), after=after, only=only)


def test_a_list_reads_no_further_than_its_bounds() -> None:
    store = CountingStore()
    world = JobWorld(runs=store)
    run = world.call()
    for _ in range(2100):
        store.put(replace(run, run_id=world.deps.new_id()))
    assert ids(world, 1, 5)[1] == ids(world, 10, 100)[1] == MAX_COUNTED
    assert store.reads == 2 * 3
    assert ids(world, 1, 5, by_sources(("other", "*"))) == ([], 0)
    assert store.reads == 2 * 3 + MAX_READS
