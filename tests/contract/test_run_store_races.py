"""Several at once on one run: whoever comes first wins, and the others learn it."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from stepcall.domain.run import RunStatus, StoredPayload, TaskStatus
from stepcall.stores.run_store import RunExistsError, RunHasEndedError, RunStore, TaskNotRunningError
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_run_store import ENDS, ERROR, LATER, OUTPUT, PENDING, RUN_ID, START, numbered, running


def test_of_many_who_store_one_run_one_wins(run_store: RunStore) -> None:
    runs = [replace(PENDING, principal=str(number)) for number in range(12)]
    raised = in_parallel([partial(run_store.put, run) for run in runs])
    [winner] = [index for index, error in enumerate(raised) if error is None]
    assert Counter(map(type, raised)) == {type(None): 1, RunExistsError: 11}
    assert run_store.get_for_end(RUN_ID).run == runs[winner]


def test_a_task_that_begins_many_times_at_once_begins_its_run_once(run_store: RunStore) -> None:
    run_store.put(PENDING)
    begins = [partial(run_store.begin_task, PENDING, "first", attempt=0, now=START) for _ in range(8)]
    assert in_parallel(begins) == [None] * 8
    found = run_store.get_for_end(RUN_ID)
    assert (found.run.status, found.run.started_at) == (RunStatus.RUNNING, START)
    assert [(task.ref, task.status, task.attempts) for task in found.tasks.values()] == [
        ("first", TaskStatus.RUNNING, 1)
    ]


@pytest.mark.parametrize("end", [RunStatus.CANCELLED, RunStatus.FAILED])
def test_a_run_that_ends_while_its_first_task_begins_stays_ended(run_store: RunStore, end: RunStatus) -> None:
    for number in range(1, 6):
        run = numbered(number)
        run_store.put(run)
        began, ended = in_parallel(
            [
                partial(run_store.begin_task, run, "first", attempt=0, now=START),
                partial(run_store.end, run, ENDS[end]),
            ]
        )
        assert ended is None
        found = run_store.get_for_end(run.run_id)
        assert found.run.status is end
        assert isinstance(began, RunHasEndedError) == ("first" not in found.tasks)


def test_a_task_that_fails_and_completes_at_once_does_one_of_the_two(run_store: RunStore) -> None:
    running(run_store)
    raised = in_parallel(
        [
            partial(run_store.complete_task, PENDING, "first", OUTPUT, LATER),
            partial(run_store.fail_task, PENDING, "first", ERROR, LATER),
        ]
    )
    assert Counter(map(type, raised)) == {type(None): 1, TaskNotRunningError: 1}
    task = run_store.get_for_end(RUN_ID).tasks["first"]
    if raised[0] is None:
        assert (task.status, task.output, task.error) == (TaskStatus.COMPLETED, OUTPUT, None)
    else:
        assert (task.status, task.output, task.error) == (TaskStatus.FAILED, None, ERROR)


def test_writers_of_different_tasks_do_not_lose_each_others_work(run_store: RunStore) -> None:
    run = running(run_store)
    outputs = {f"t{number}": StoredPayload(1, str(number)) for number in range(9)}
    assert in_parallel([partial(run_store.begin_task, run, ref, attempt=0, now=START) for ref in outputs]) == [None] * 9
    done = [partial(run_store.complete_task, PENDING, ref, output, LATER) for ref, output in outputs.items()]
    assert in_parallel(done) == [None] * 9
    tasks = run_store.get_for_end(RUN_ID).tasks
    assert {ref: tasks[ref].output for ref in outputs} == outputs


def test_runs_that_are_stored_at_once_are_all_there(run_store: RunStore) -> None:
    assert in_parallel([partial(run_store.put, numbered(number)) for number in range(1, 13)]) == [None] * 12
    page = run_store.list_by_workflow("acme", PENDING.workflow_id, status=None, limit=50, after=None)
    assert [run.run_id for run in page.runs] == [nth_id(number) for number in range(12, 0, -1)]
