"""What every run store does with a task that is done for each element of an array."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stepcall.domain.run import RunStatus, TaskStatus
from stepcall.stores.run_store import RunStore, TaskNotRunningError
from tests.contract.test_run_store import ENDS, ERROR, LATER, OUTPUT, RUN_ID, START, running

if TYPE_CHECKING:
    from stepcall.domain.run import Run


def begin(store: RunStore, run: "Run", *refs: str) -> None:
    for ref in refs:
        store.begin_task(run, ref, attempt=0, now=START)


def test_instances_are_listed_in_the_order_of_their_indexes(run_store: RunStore) -> None:
    run = running(run_store)
    begin(run_store, run, "page", "page[2]", "page[100]", "page[11]", "page[0]", "pages[1]", "pag[1]")
    run_store.complete_task(run, "page[11]", OUTPUT, LATER)
    run_store.fail_task(run, "page[2]", ERROR, LATER)
    listed = run_store.list_instances(RUN_ID, "page", of_attempt=1, start=0, stop=10_000)
    assert [task.ref for task in listed] == ["page[0]", "page[2]", "page[11]", "page[100]"]
    assert [task.status.value for task in listed] == ["RUNNING", "FAILED", "COMPLETED", "RUNNING"]
    assert (listed[1].error, listed[2].output, listed[3].attempts) == (ERROR, OUTPUT, 1)
    some = run_store.list_instances(RUN_ID, "page", of_attempt=1, start=2, stop=100)
    assert [task.ref for task in some] == ["page[2]", "page[11]"]
    assert run_store.list_instances(RUN_ID, "page", of_attempt=1, start=5, stop=5) == []
    assert run_store.list_instances(RUN_ID, "nothing", of_attempt=1, start=0, stop=10) == []


def test_who_reads_a_run_reads_none_of_its_instances_but_those_that_are_named(run_store: RunStore) -> None:
    run = running(run_store)
    begin(run_store, run, "page", "page[0]", "page[1]", "zone")
    for found in (run_store.get_for_end(RUN_ID), run_store.get("acme", RUN_ID)):
        assert found.tasks.keys() == {"first", "page", "zone"}
    assert run_store.get_for_work(RUN_ID, ("page[1]", "zone")).tasks.keys() == {"page[1]", "zone"}


def test_a_task_knows_for_how_many_elements_it_is_done(run_store: RunStore) -> None:
    run = running(run_store)
    begin(run_store, run, "page")
    assert run_store.get_for_end(RUN_ID).tasks["page"].instances is None
    run_store.set_instances(run, "page", 3)
    begin(run_store, run, "page[0]")
    run_store.complete_task(run, "page", OUTPUT, LATER)
    assert run_store.get_for_end(RUN_ID).tasks["page"].instances == 3
    with pytest.raises(TaskNotRunningError):
        run_store.set_instances(run, "page", 4)
    with pytest.raises(TaskNotRunningError):
        run_store.set_instances(run, "never_begun", 4)


def test_an_instance_that_has_ended_does_not_begin_again(run_store: RunStore) -> None:
    run = running(run_store)
    begin(run_store, run, "page", "page[0]")
    run_store.complete_task(run, "page[0]", OUTPUT, LATER)
    with pytest.raises(TaskNotRunningError):
        run_store.begin_task(run, "page[0]", attempt=1, now=LATER)


def test_of_what_an_earlier_attempt_has_left_nothing_counts(run_store: RunStore) -> None:
    run = running(run_store)
    begin(run_store, run, "page")
    run_store.set_instances(run, "page", 2)
    begin(run_store, run, "page[0]", "page[1]")
    run_store.complete_task(run, "page[0]", OUTPUT, LATER)
    run_store.end(run, ENDS[RunStatus.FAILED])
    seen = run_store.get_for_end(RUN_ID).run
    resumed = replace(seen, status=RunStatus.PENDING, run_attempt=2, error=None, completed_at=None, started_at=None)
    run_store.resume(seen, resumed, table=None)
    again = run_store.get_for_end(RUN_ID).run
    assert run_store.list_instances(RUN_ID, "page", of_attempt=2, start=0, stop=10) == []
    begin(run_store, again, "page", "page[0]")
    assert run_store.get_for_end(RUN_ID).tasks["page"].instances is None
    [begun] = run_store.list_instances(RUN_ID, "page", of_attempt=2, start=0, stop=10)
    assert (begun.status, begun.output, begun.run_attempt) == (TaskStatus.RUNNING, None, 2)


@pytest.mark.parametrize("ref", ["page[x]", "page[]", "page[1][2]", "]", "page[01]"])
def test_what_only_looks_like_an_instance_is_none(run_store: RunStore, ref: str) -> None:
    run = running(run_store)
    begin(run_store, run, "page", "page[1]")
    assert ref not in run_store.get_for_work(RUN_ID, (ref,)).tasks
