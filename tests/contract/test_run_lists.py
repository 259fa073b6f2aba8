"""Lists and counts of a tenant's runs, filtered: the same tests over memory and over DynamoDB."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from stepcall.domain.ids import EPOCH, uuid7
from stepcall.domain.run import Run, RunStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.stores.run_store import ALL_RUNS, RunFilter, RunStore
from tests.contract.test_run_store import LATER, OTHER_WORKFLOW_ID, PENDING, START, bring_to

if TYPE_CHECKING:
    pass

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
GROUP = "courier.group/run"


def run_at(created_at: datetime, number: int = 0, *, made_before: timedelta = MICROSECOND, **changes: Any) -> Run:
    """A run whose id was made a moment before it was, as `start_run` makes them."""
    noise = number.to_bytes(10, "big")
    return replace(PENDING, run_id=uuid7(created_at - made_before, lambda _: noise), created_at=created_at, **changes)


def every_second(count: int, **changes: Any) -> list[Run]:
    return [run_at(START + number * SECOND, number, **changes) for number in range(count)]


def put_all(store: RunStore, runs: list[Run]) -> None:
    for run in runs:
        store.put(run)


def found(
    store: RunStore,
    only: RunFilter = ALL_RUNS,
    limit: int = 3,
    between_pages: Callable[[], None] = lambda: None,
) -> list[UUID]:
    """The list to its end, page by page."""
    ids, after = list[UUID](), None
    for _ in range(200):
        page = store.list_by_tenant("acme", limit=limit, after=after, only=only)
        assert len(page.runs) <= limit
        ids += [run.run_id for run in page.runs]
        if (after := page.next_run_id) is None:
            return ids
        between_pages()
    raise AssertionError("the list has no end")


def counted(store: RunStore, only: RunFilter = ALL_RUNS) -> int:
    """The whole count, part by part."""
    number, after = 0, None
    for _ in range(200):
        part = store.count_by_tenant("acme", after=after, only=only)
        number += part.number
        if (after := part.next_run_id) is None:
            return number
    raise AssertionError("the count has no end")


def newest_first(runs: list[Run]) -> list[UUID]:
    return [run.run_id for run in reversed(runs)]


def check(store: RunStore, only: RunFilter, expected: list[Run]) -> None:
    for limit in (1, 2, 100):
        assert found(store, only, limit) == newest_first(expected)
    assert counted(store, only) == len(expected)


@pytest.mark.parametrize("made_before", [timedelta(0), MICROSECOND, SECOND, timedelta(seconds=59)])
def test_runs_are_found_from_the_first_time_and_before_the_second(run_store: RunStore, made_before: timedelta) -> None:
    runs = every_second(9, made_before=made_before)
    put_all(run_store, runs)
    check(run_store, RunFilter(created_from=runs[3].created_at), runs[3:])
    check(run_store, RunFilter(created_from=runs[3].created_at + MICROSECOND), runs[4:])
    check(run_store, RunFilter(created_to=runs[3].created_at), runs[:3])
    check(run_store, RunFilter(created_to=runs[3].created_at + MICROSECOND), runs[:4])
    check(run_store, RunFilter(created_from=runs[2].created_at, created_to=runs[5].created_at), runs[2:5])
    check(run_store, RunFilter(created_from=runs[2].created_at, created_to=runs[2].created_at), [])
    check(run_store, RunFilter(created_from=runs[5].created_at, created_to=runs[2].created_at), [])


@pytest.mark.parametrize("hour", [-3, 3])
def test_what_is_far_outside_is_not_found(run_store: RunStore, hour: int) -> None:
    runs = every_second(3)
    put_all(run_store, runs)
    far = START + timedelta(hours=hour)
    check(run_store, RunFilter(created_from=far), runs if hour < 0 else [])
    check(run_store, RunFilter(created_to=far), runs if hour > 0 else [])


@pytest.mark.parametrize(
    "time", [datetime.min.replace(tzinfo=UTC), EPOCH - SECOND, EPOCH, datetime.max.replace(tzinfo=UTC)]
)
def test_any_time_can_be_asked_for(run_store: RunStore, time: datetime) -> None:
    runs = every_second(3)
    put_all(run_store, runs)
    check(run_store, RunFilter(created_from=time), runs if time <= EPOCH else [])
    check(run_store, RunFilter(created_to=time), runs if time > EPOCH else [])
    check(run_store, RunFilter(ended_from=time, ended_to=time), [])


def test_times_of_another_offset_are_the_same_times(run_store: RunStore) -> None:
    runs = every_second(4)
    put_all(run_store, runs)
    elsewhere = datetime.fromisoformat("2026-03-04T10:36:09.891234+05:30")
    assert elsewhere == runs[2].created_at
    check(run_store, RunFilter(created_from=elsewhere), runs[2:])
    check(run_store, RunFilter(created_to=elsewhere), runs[:2])


def test_only_runs_that_have_ended_have_a_time_of_end(run_store: RunStore) -> None:
    runs = every_second(6)
    for run, status in zip(runs, (*RunStatus, RunStatus.FAILED), strict=True):
        bring_to(run_store, status, run)
    ended = runs[2:]
    check(run_store, RunFilter(ended_from=LATER), ended)
    check(run_store, RunFilter(ended_from=LATER + MICROSECOND), [])
    check(run_store, RunFilter(ended_to=LATER + MICROSECOND), ended)
    check(run_store, RunFilter(ended_to=LATER), [])
    check(run_store, RunFilter(ended_from=START, ended_to=LATER + SECOND), ended)
    check(run_store, RunFilter(ended_from=START, created_to=runs[4].created_at), runs[2:4])


@pytest.mark.parametrize("status", RunStatus)
def test_a_tenants_runs_are_found_by_status(run_store: RunStore, status: RunStatus) -> None:
    runs = every_second(10)
    for number, run in enumerate(runs):
        bring_to(run_store, list(RunStatus)[number % 5], run)
    check(run_store, RunFilter(status=status), runs[list(RunStatus).index(status) :: 5])


def test_a_tenants_runs_are_found_by_type_exactly(run_store: RunStore) -> None:
    types = [GROUP, "courier.group/run ", "Courier.Group/Run", "größe 🙂", GROUP, ""]
    runs = [run_at(START + number * SECOND, number, workflow_type=kind) for number, kind in enumerate(types)]
    put_all(run_store, runs)
    check(run_store, RunFilter(workflow_type=GROUP), [runs[0], runs[4]])
    check(run_store, RunFilter(workflow_type="größe 🙂"), [runs[3]])
    check(run_store, RunFilter(workflow_type="courier"), [])


def test_all_that_is_asked_for_must_be_true(run_store: RunStore) -> None:
    runs = [run_at(START + number * SECOND, number, workflow_type=(GROUP, "other")[number % 2]) for number in range(20)]
    for number, run in enumerate(runs):
        bring_to(run_store, RunStatus.FAILED if number % 3 == 0 else RunStatus.RUNNING, run)
    only = RunFilter(
        created_from=runs[2].created_at,
        created_to=runs[18].created_at,
        ended_from=LATER,
        ended_to=LATER + SECOND,
        status=RunStatus.FAILED,
        workflow_type=GROUP,
    )
    check(run_store, only, [runs[6], runs[12]])


def test_a_filtered_list_stays_with_its_tenant(run_store: RunStore) -> None:
    mine, theirs = run_at(START, 1, workflow_type=GROUP), run_at(START, 2, workflow_type=GROUP, tenant="other")
    put_all(run_store, [mine, theirs, run_at(START, 3, workflow_type=GROUP, tenant="acme2")])
    check(run_store, RunFilter(workflow_type=GROUP, created_from=START), [mine])
    assert run_store.count_by_tenant("nobody", after=None) == (0, None)


@pytest.mark.parametrize("only", [ALL_RUNS, RunFilter(workflow_type=GROUP), RunFilter(created_from=START)])
def test_pages_neither_lose_nor_repeat_a_run_while_others_are_stored(run_store: RunStore, only: RunFilter) -> None:
    runs = every_second(11, workflow_type=GROUP)
    put_all(run_store, runs)
    newer = iter(range(100, 200))

    def store_another() -> None:
        number = next(newer)
        run_store.put(run_at(START + number * SECOND, number, workflow_type=GROUP))

    assert found(run_store, only, 2, store_another) == newest_first(runs)
    assert counted(run_store, only) > len(runs)


def test_runs_of_one_millisecond_are_each_listed_once(run_store: RunStore) -> None:
    runs = [run_at(START, number) for number in range(7)]
    put_all(run_store, runs)
    check(run_store, RunFilter(created_from=START, created_to=START + MICROSECOND), runs)


def test_a_count_goes_on_after_a_run(run_store: RunStore) -> None:
    runs = every_second(5, workflow_type=GROUP)
    put_all(run_store, runs)
    for only in (ALL_RUNS, RunFilter(workflow_type=GROUP), RunFilter(created_from=START)):
        for number, run in enumerate(runs):
            assert run_store.count_by_tenant("acme", after=run.run_id, only=only) == (number, None)
    before_all = RunFilter(created_to=START)
    assert run_store.count_by_tenant("acme", after=UUID(int=0), only=before_all) == (0, None)


STARTED_IN_FULL = run_at(
    START,
    1,
    principal_id="key_0000000000000000000000001",
    workflow_name="Nightly — größe 🙂",
    workflow_type=GROUP,
    run_mode=RunMode.REFRESH,
    time_range=TimeRange(datetime(2025, 4, 18, tzinfo=UTC), datetime(2025, 4, 19, 0, 0, 0, 1, tzinfo=UTC)),
)


@pytest.mark.parametrize("mode", RunMode)
def test_a_run_knows_its_mode_and_the_time_it_is_about(run_store: RunStore, mode: RunMode) -> None:
    stored = replace(STARTED_IN_FULL, run_mode=mode)
    run_store.put(stored)
    run_store.put(run_at(START, 2))
    assert run_store.get("acme", stored.run_id).run == stored
    assert run_store.get_for_work(stored.run_id, ()).run.time_range == stored.time_range
    plain = run_store.get("acme", run_at(START, 2).run_id).run
    assert (plain.run_mode, plain.time_range) == (RunMode.FULL, None)


@pytest.mark.parametrize("status", RunStatus)
def test_a_tenants_list_tells_who_started_what(run_store: RunStore, status: RunStatus) -> None:
    bring_to(run_store, status, STARTED_IN_FULL)
    [run] = run_store.list_by_tenant("acme", limit=1, after=None, only=RunFilter(workflow_type=GROUP)).runs
    assert (run.principal_id, run.workflow_name, run.workflow_type) == (
        STARTED_IN_FULL.principal_id,
        STARTED_IN_FULL.workflow_name,
        GROUP,
    )
    assert run_store.get_for_end(run.run_id).run.time_range == STARTED_IN_FULL.time_range


def test_a_list_by_workflow_takes_up_after_any_run(run_store: RunStore) -> None:
    runs = every_second(4)
    put_all(run_store, [*runs, run_at(START, 9, workflow_id=OTHER_WORKFLOW_ID)])
    for number, run in enumerate(runs):
        page = run_store.list_by_workflow("acme", run.workflow_id, status=None, limit=9, after=run.run_id)
        assert ([each.run_id for each in page.runs], page.next_run_id) == (newest_first(runs[:number]), None)
    assert run_store.list_by_workflow("acme", run.workflow_id, status=None, limit=9, after=UUID(int=0)).runs == ()
