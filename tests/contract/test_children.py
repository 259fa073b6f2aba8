"""The runs that a run's tasks have started and not seen the end of: over memory and over DynamoDB."""

from dataclasses import replace

import pytest

from stepcall.domain.idempotency import StartOnce
from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import Run
from stepcall.domain.run_mode import RunMode
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.stores.payload_store import MAX_PAYLOAD_BYTES, PayloadStore, PayloadTooLargeError
from stepcall.stores.run_store import RunExistsError, RunStore, StartedOnceError
from tests.contract.conftest import nth_id
from tests.contract.test_run_store import PENDING, numbered

PARENT = PENDING
TASK = ParentTask(PARENT.run_id, 1, "call[17]", (PARENT.workflow_id,))
ONCE = StartOnce(TASK.start_key, str(TASK.run_id))


def child(number: int, task: ParentTask = TASK) -> Run:
    return replace(numbered(number), parent=task, principal=task.principal, principal_id=task.principal)


def test_a_child_is_read_with_its_parent_and_listed_until_it_is_forgotten(run_store: RunStore) -> None:
    for number in (3, 2):
        run_store.put(child(number), once=StartOnce(str(number), "same"))
    assert run_store.get("acme", nth_id(2)).run == child(2)
    assert [*run_store.list_children(PARENT)] == [nth_id(2), nth_id(3)]
    assert [run.parent for run in run_store.list_open(limit=10, after=None).runs] == [TASK, TASK]
    for _ in range(2):
        run_store.forget_child(TASK, nth_id(2))
    assert [*run_store.list_children(PARENT)] == [nth_id(3)]
    assert child(2).lineage == (PARENT.workflow_id, child(2).workflow_id)


def test_children_are_of_one_attempt_of_their_parent(run_store: RunStore) -> None:
    run_store.put(child(2))
    run_store.put(child(3, TASK._replace(run_attempt=2)))
    run_store.put(child(4, TASK._replace(run_attempt=21)))
    assert [*run_store.list_children(PARENT)] == [nth_id(2)]
    assert [*run_store.list_children(replace(PARENT, run_attempt=2))] == [nth_id(3)]


def test_of_two_children_with_one_key_one_is_stored_and_listed(run_store: RunStore) -> None:
    run_store.put(child(2), once=ONCE)
    with pytest.raises(StartedOnceError):
        run_store.put(child(3), once=ONCE)
    with pytest.raises(RunExistsError):
        run_store.put(child(2))
    assert [*run_store.list_children(PARENT)] == [nth_id(2)]


@pytest.mark.parametrize("length", [5, 20_000])
def test_a_value_is_kept_around_another_without_being_read(payload_store: PayloadStore, length: int) -> None:
    inner = payload_store.put("child/output", {"text": "x" * length})
    whole = payload_store.put_around("parent/call", '{"execution_id":"ex-1","output":', inner, "}")
    assert payload_store.get(whole) == {"execution_id": "ex-1", "output": {"text": "x" * length}}


def test_a_value_that_is_too_large_around_another_is_refused() -> None:
    payload_store = MemoryPayloadStore()
    inner = payload_store.put("child/output", "x" * (MAX_PAYLOAD_BYTES - 2))
    with pytest.raises(PayloadTooLargeError):
        payload_store.put_around("parent/call", '{"execution_id":"ex-1","output":', inner, "}")


def test_children_are_listed_by_the_task_that_its_elements_are_of(run_store: RunStore) -> None:
    for number, ref in ((2, "call[17]"), (3, "call[3]"), (4, "callback[3]"), (5, "call.fallback"), (6, "call")):
        run_store.put(child(number, TASK._replace(ref=ref)))
    assert [*run_store.list_children(PARENT, "call")] == [nth_id(2), nth_id(3), nth_id(6)]
    assert len([*run_store.list_children(PARENT)]) == 5


def test_runs_below_a_topmost_one_are_counted_and_are_no_children_of_it(run_store: RunStore) -> None:
    assert [run_store.count_below(PARENT.run_id, PARENT.created_at) for _ in range(3)] == [1, 2, 3]
    assert run_store.count_below(nth_id(9), PARENT.created_at) == 1
    assert [*run_store.list_children(PARENT)] == []


def test_a_child_says_which_run_is_topmost_and_in_which_mode_it_runs(run_store: RunStore) -> None:
    task = TASK._replace(top_run_id=nth_id(7), run_mode=RunMode.SOURCE)
    run_store.put(child(2, task))
    assert run_store.get("acme", nth_id(2)).run.parent == task
    assert (task.topmost, TASK.topmost) == (nth_id(7), PARENT.run_id)
