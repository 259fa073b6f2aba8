"""Attempts of a run, over both stores: what an earlier one writes late changes nothing, and a resume happens once."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from stepcall.domain.errors import StepcallError
from stepcall.domain.run import RESUMABLE, Run, RunStatus, StoredPayload, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.run_store import (
    LateAttemptError,
    RunHasEndedError,
    RunMoveRefusedError,
    RunNotFoundError,
    RunStore,
    TableClaimedError,
    TaskNotRunningError,
)
from tests.contract.conftest import RETENTION, in_parallel
from tests.contract.test_dynamo_faults import FaultyClient, canceled, faulty
from tests.contract.test_run_store import (
    ENDS,
    ERROR,
    LARGE,
    LATER,
    OUTPUT,
    PENDING,
    RUN_ID,
    START,
    bring_to,
    numbered,
    running,
)
from tests.contract.test_table_claims import CLAIM

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

RESUMED_AT, EVEN_LATER = LATER + timedelta(hours=1), LATER + timedelta(hours=2)


def next_attempt(run: Run, *kept: str, **changes: Any) -> Run:
    return replace(
        run,
        status=RunStatus.PENDING,
        run_attempt=run.run_attempt + 1,
        resumed_at=RESUMED_AT,
        kept_refs=frozenset(kept),
        started_at=None,
        completed_at=None,
        output=None,
        error=None,
        cancelled_from=None,
        **changes,
    )


def resumed(store: RunStore, *kept: str, run: Run = PENDING, table: str | None = None, **changes: Any) -> Run:
    """The run, which has ended, in its next attempt."""
    seen = store.get_for_end(run.run_id).run
    store.resume(seen, next_attempt(seen, *kept, **changes), table=table)
    return store.get_for_end(run.run_id).run


def failed_at_second(store: RunStore) -> None:
    """Its first task is done, its second one failed."""
    run = running(store)
    store.complete_task(run, "first", OUTPUT, START)
    store.begin_task(run, "second", attempt=1, now=START)
    store.record_task_error(run, "second", ERROR)
    store.fail_task(run, "second", ERROR, LATER)
    store.end(run, ENDS[RunStatus.FAILED])


@pytest.mark.parametrize("status", sorted(RESUMABLE))
def test_a_run_that_is_resumed_is_as_it_was_accepted_but_for_what_the_attempt_changes(
    run_store: RunStore, status: RunStatus
) -> None:
    bring_to(run_store, status)
    changes: dict[str, Any] = {
        "workflow_version": 4,
        "content_hash": "f" * 32,
        "input": LARGE,
        "provider_key": b"\x00\xffk",
    }
    again = resumed(run_store, "first", "other", workflow_name="Another", deadline=EVEN_LATER, **changes)
    expected = next_attempt(PENDING, "first", "other", workflow_name="Another", deadline=EVEN_LATER, **changes)
    assert again == expected
    assert run_store.get("acme", RUN_ID).run == expected
    [listed] = run_store.list_by_tenant("acme", limit=2, after=None).runs
    assert (listed.status, listed.completed_at, listed.error) == (RunStatus.PENDING, None, None)
    [is_open] = run_store.list_open(limit=5, after=None).runs
    assert (is_open.run_attempt, is_open.accepted_at, is_open.execution_name) == (2, RESUMED_AT, f"{RUN_ID}-2")


def test_a_resumed_run_ends_and_is_resumed_as_any_other(run_store: RunStore) -> None:
    bring_to(run_store, RunStatus.FAILED)
    again = resumed(run_store)
    run_store.begin_task(again, "first", attempt=0, now=EVEN_LATER)
    run_store.end(again, replace(ENDS[RunStatus.CANCELLED], completed_at=EVEN_LATER))
    ended = run_store.get_for_end(RUN_ID).run
    assert (ended.started_at, ended.completed_at, ended.cancelled_from) == (EVEN_LATER, EVEN_LATER, RunStatus.RUNNING)
    assert run_store.list_open(limit=5, after=None).runs == ()
    third = resumed(run_store, input=OUTPUT)
    assert (third.run_attempt, third.cancelled_from, third.input) == (3, None, OUTPUT)


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING, RunStatus.COMPLETED])
def test_only_a_run_that_failed_or_was_cancelled_is_resumed(run_store: RunStore, status: RunStatus) -> None:
    bring_to(run_store, status)
    before = run_store.get_for_end(RUN_ID)
    with pytest.raises(RunMoveRefusedError) as refused:
        resumed(run_store)
    assert refused.value.status is status
    assert run_store.get_for_end(RUN_ID) == before


def test_a_run_that_is_not_there_is_not_resumed(run_store: RunStore) -> None:
    with pytest.raises(RunNotFoundError):
        run_store.resume(PENDING, next_attempt(PENDING), table=None)


def test_of_many_resumes_at_once_one_wins(run_store: RunStore) -> None:
    bring_to(run_store, RunStatus.FAILED)
    seen = run_store.get_for_end(RUN_ID).run
    asked = [next_attempt(seen, str(number)) for number in range(12)]
    raised = in_parallel([partial(run_store.resume, seen, run, table=None) for run in asked])
    [winner] = [index for index, error in enumerate(raised) if error is None]
    assert Counter(map(type, raised)) == {type(None): 1, LateAttemptError: 11}
    assert run_store.get_for_end(RUN_ID).run == asked[winner]


def test_a_resumed_run_does_not_expire_and_an_end_lets_it_again(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    bring_to(store, RunStatus.CANCELLED)
    again = resumed(store)
    [item] = dynamodb.scan(TableName="RunsTable")["Items"]
    assert not item.keys() & {"expires_at", "error", "completed_at", "started_at", "cancelled_from", "output"}
    store.end(again, ENDS[RunStatus.FAILED])
    [item] = dynamodb.scan(TableName="RunsTable")["Items"]
    assert item["expires_at"]["N"] == str(int((LATER + RETENTION).timestamp()))


def test_a_conflict_of_a_resume_is_waited_out_and_throttling_is_not(dynamodb: "DynamoDBClient") -> None:
    for code, waits in (("TransactionConflict", 5), ("ThrottlingError", 0)):
        slept = list[float]()
        client: Any = FaultyClient(dynamodb, canceled(code))
        store = DynamoRunStore(client, "RunsTable", RETENTION, slept.append)
        with pytest.raises(Exception, match="TransactionCanceled"):
            store.resume(PENDING, next_attempt(PENDING), table=None)
        assert len(slept) == waits


# --- The claim to an output table


def test_a_job_is_resumed_while_it_has_its_output_table_and_not_any_more(run_store: RunStore) -> None:
    run_store.put_with_claim(PENDING, CLAIM, seen=None)
    for _ in range(2):
        run_store.end(run_store.get_for_end(RUN_ID).run, ENDS[RunStatus.FAILED])
        resumed(run_store, table=CLAIM.table)
    run_store.end(run_store.get_for_end(RUN_ID).run, ENDS[RunStatus.FAILED])
    other = numbered(2)
    run_store.put_with_claim(other, replace(CLAIM, run_id=other.run_id), seen=RUN_ID)
    before = run_store.get_for_end(RUN_ID)
    for table in (CLAIM.table, "nobody's"):
        with pytest.raises(TableClaimedError):
            resumed(run_store, table=table)
    assert run_store.get_for_end(RUN_ID) == before


def test_of_a_resume_and_another_call_at_once_both_may_run_and_the_table_is_the_calls(run_store: RunStore) -> None:
    for number in range(1, 9, 2):
        run, other = numbered(number), numbered(number + 1)
        claim = replace(CLAIM, run_id=run.run_id, table=f"t{number}")
        run_store.put_with_claim(run, claim, seen=None)
        run_store.end(run, ENDS[RunStatus.FAILED])
        seen = run_store.get_for_end(run.run_id).run
        put = partial(run_store.put_with_claim, other, replace(claim, run_id=other.run_id), seen=run.run_id)
        put_error, resume_error = in_parallel(
            [put, partial(run_store.resume, seen, next_attempt(seen), table=claim.table)]
        )
        assert put_error is None
        held = run_store.get_claim(claim.tenant, claim.table)
        assert held
        assert held.run_id == other.run_id
        assert resume_error is None or isinstance(resume_error, TableClaimedError)


def test_a_refusal_of_the_claim_alone_is_the_claims(dynamodb: "DynamoDBClient") -> None:
    store = faulty(FaultyClient(dynamodb, canceled("None", "ConditionalCheckFailed")))
    with pytest.raises(TableClaimedError):
        store.resume(PENDING, next_attempt(PENDING), table="t")


# --- Tasks


def test_of_an_earlier_attempt_what_is_kept_and_completed_counts_and_nothing_else(run_store: RunStore) -> None:
    failed_at_second(run_store)
    resumed(run_store, "first", "second", "never_begun")
    for found in (run_store.get("acme", RUN_ID), run_store.get_for_work(RUN_ID, ("first", "second"))):
        assert list(found.tasks) == ["first"]
        assert (found.task("first").output, found.task("second").status) == (OUTPUT, TaskStatus.PENDING)
    run_store.end(run_store.get_for_end(RUN_ID).run, ENDS[RunStatus.FAILED])
    resumed(run_store)
    assert run_store.get_for_end(RUN_ID).tasks == {}


@pytest.mark.parametrize("ref", ["first", "second", "third"])
@pytest.mark.parametrize("is_running", [False, True], ids=["run pending", "run running"])
def test_a_task_that_runs_again_begins_anew(run_store: RunStore, ref: str, is_running: bool) -> None:
    failed_at_second(run_store)
    again = resumed(run_store)
    if is_running:
        run_store.begin_run(again, EVEN_LATER)
        again = run_store.get_for_end(RUN_ID).run
    run_store.begin_task(again, ref, attempt=0, now=EVEN_LATER)
    found = run_store.get_for_end(RUN_ID)
    assert (found.run.status, found.run.started_at) == (RunStatus.RUNNING, EVEN_LATER)
    task = found.tasks[ref]
    assert (task.status, task.attempts, task.started_at, task.run_attempt) == (TaskStatus.RUNNING, 1, EVEN_LATER, 2)
    assert (task.completed_at, task.output, task.error) == (None, None, None)
    run_store.record_task_error(again, ref, ERROR)
    run_store.begin_task(found.run, ref, attempt=1, now=EVEN_LATER + timedelta(seconds=1))
    task = run_store.get_for_end(RUN_ID).tasks[ref]
    assert (task.attempts, task.started_at, task.error) == (2, EVEN_LATER, ERROR)
    run_store.complete_task(again, ref, LARGE, EVEN_LATER)
    assert run_store.get_for_end(RUN_ID).tasks[ref].output == LARGE


@pytest.mark.parametrize("ref", ["first", "second", "third"])
def test_a_task_that_never_began_in_its_attempt_can_fail(run_store: RunStore, ref: str) -> None:
    failed_at_second(run_store)
    again = resumed(run_store)
    run_store.fail_task(again, ref, ERROR, EVEN_LATER)
    task = run_store.get_for_end(RUN_ID).tasks[ref]
    assert (task.status, task.error, task.completed_at) == (TaskStatus.FAILED, ERROR, EVEN_LATER)
    assert (task.output, task.started_at, task.attempts, task.run_attempt) == (None, None, 0, 2)
    with pytest.raises(TaskNotRunningError):
        run_store.fail_task(again, ref, ERROR, EVEN_LATER)


def test_a_task_that_begins_anew_many_times_at_once_begins_once(run_store: RunStore) -> None:
    failed_at_second(run_store)
    run = resumed(run_store)
    begins = [partial(run_store.begin_task, run, "second", attempt=0, now=EVEN_LATER) for _ in range(8)]
    assert in_parallel(begins) == [None] * 8
    task = run_store.get_for_end(RUN_ID).tasks["second"]
    assert (task.status, task.attempts, task.error, task.started_at) == (TaskStatus.RUNNING, 1, None, EVEN_LATER)


def test_a_run_whose_tasks_need_not_begin_begins_all_the_same(run_store: RunStore) -> None:
    failed_at_second(run_store)
    again = resumed(run_store, "first")
    run_store.begin_run(again, EVEN_LATER)
    run_store.begin_run(again, EVEN_LATER + timedelta(seconds=1))
    begun = run_store.get_for_end(RUN_ID).run
    assert (begun.status, begun.started_at) == (RunStatus.RUNNING, EVEN_LATER)
    run_store.end(again, ENDS[RunStatus.COMPLETED])
    with pytest.raises(RunHasEndedError):
        run_store.begin_run(again, EVEN_LATER)


# --- Late news

Write = Callable[[RunStore, Run, str], None]
LATE: dict[str, Write] = {
    "begin": lambda store, run, ref: store.begin_task(run, ref, attempt=2, now=EVEN_LATER),
    "begin with run": lambda store, run, ref: store.begin_task(
        replace(run, status=RunStatus.PENDING), ref, attempt=0, now=EVEN_LATER
    ),
    "begin run": lambda store, run, _: store.begin_run(run, EVEN_LATER),
    "complete": lambda store, run, ref: store.complete_task(run, ref, StoredPayload(6, '"late"'), EVEN_LATER),
    "record": lambda store, run, ref: store.record_task_error(run, ref, replace(ERROR, message="late")),
    "fail": lambda store, run, ref: store.fail_task(run, ref, replace(ERROR, message="late"), EVEN_LATER),
    "end": lambda store, run, _: store.end(run, replace(ENDS[RunStatus.COMPLETED], completed_at=EVEN_LATER)),
    "give up": lambda store, run, _: store.abandon(run, ENDS[RunStatus.FAILED]),
    "cancel": lambda store, run, _: store.cancel(run, ENDS[RunStatus.CANCELLED]),
    "move": lambda store, run, _: store.move_machine(run, "a" * 32),
}


def overtaken(store: RunStore, after: str) -> tuple[Run, RunWithTasks]:
    """The run as its first attempt has read it, at its second task, and as it is since; its second attempt is there."""
    run = running(store)
    store.complete_task(run, "first", OUTPUT, START)
    store.begin_task(run, "second", attempt=1, now=START)
    store.end(run, ENDS[RunStatus.CANCELLED])
    again = resumed(store, "first")
    if after != "resume":
        store.begin_task(again, "second", attempt=0, now=RESUMED_AT)
    if after == "task":
        store.complete_task(again, "second", LARGE, RESUMED_AT)
    return run, store.get_for_end(RUN_ID)


@pytest.mark.parametrize("after", ["resume", "begin", "task"])
@pytest.mark.parametrize("kind", LATE)
def test_what_an_earlier_attempt_writes_changes_nothing_that_is_seen(
    run_store: RunStore, kind: str, after: str
) -> None:
    run, before = overtaken(run_store, after)
    for ref in ("first", "second", "third"):
        with suppress(StepcallError):
            LATE[kind](run_store, run, ref)
        assert run_store.get_for_end(RUN_ID) == before
    # and all goes on as if it had not been
    again = before.run
    for ref in ("second", "third"):
        if before.task(ref).status is not TaskStatus.COMPLETED:
            run_store.begin_task(again, ref, attempt=0, now=EVEN_LATER)
            run_store.complete_task(again, ref, LARGE, EVEN_LATER)
    run_store.end(again, ENDS[RunStatus.COMPLETED])
    found = run_store.get_for_end(RUN_ID)
    assert {ref: task.output for ref, task in found.tasks.items()} == {"first": OUTPUT, "second": LARGE, "third": LARGE}


@pytest.mark.parametrize("kind", ["end", "give up", "cancel", "move", "begin run", "begin with run"])
def test_who_writes_to_the_run_itself_is_told_that_it_is_late(run_store: RunStore, kind: str) -> None:
    run, _ = overtaken(run_store, "begin")
    with pytest.raises(LateAttemptError):
        LATE[kind](run_store, run, "second")


@pytest.mark.parametrize("kind", ["begin", "complete", "record", "fail"])
def test_who_writes_to_a_task_that_a_later_attempt_has_is_told_that_it_is_late(run_store: RunStore, kind: str) -> None:
    run, _ = overtaken(run_store, "begin")
    with pytest.raises(TaskNotRunningError):
        LATE[kind](run_store, run, "second")


# --- Cancel


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
def test_a_run_remembers_what_it_was_cancelled_from(run_store: RunStore, status: RunStatus) -> None:
    for number, write in ((1, run_store.cancel), (2, run_store.end)):
        bring_to(run_store, status, numbered(number))
        run = run_store.get_for_end(numbered(number).run_id).run
        for _ in range(2):  # AWS's client sends a write again when the answer to it is lost
            write(run, ENDS[RunStatus.CANCELLED])
        assert run_store.get_for_end(run.run_id).run.cancelled_from is status


def test_what_was_not_cancelled_has_no_such_thing(run_store: RunStore) -> None:
    bring_to(run_store, RunStatus.FAILED)
    assert run_store.get_for_end(RUN_ID).run.cancelled_from is None


def test_a_run_that_has_moved_on_is_not_cancelled_as_what_it_was(run_store: RunStore) -> None:
    running(run_store)
    with pytest.raises(RunMoveRefusedError) as refused:
        run_store.cancel(PENDING, ENDS[RunStatus.CANCELLED])
    assert refused.value.status is RunStatus.RUNNING
    assert run_store.get_for_end(RUN_ID).run.status is RunStatus.RUNNING


@pytest.mark.parametrize("status", list(ENDS))
def test_a_run_that_has_ended_is_not_cancelled(run_store: RunStore, status: RunStatus) -> None:
    bring_to(run_store, status)
    before = run_store.get_for_end(RUN_ID)
    for read in (before.run, PENDING):
        with pytest.raises(RunHasEndedError):
            run_store.cancel(read, replace(ENDS[RunStatus.CANCELLED], completed_at=EVEN_LATER))
    assert run_store.get_for_end(RUN_ID) == before


def test_of_many_cancels_at_once_one_wins(run_store: RunStore) -> None:
    run = running(run_store)
    ends = [replace(ENDS[RunStatus.CANCELLED], completed_at=LATER + timedelta(seconds=number)) for number in range(12)]
    raised = in_parallel([partial(run_store.cancel, run, end) for end in ends])
    assert Counter(map(type, raised)) == {type(None): 1, RunHasEndedError: 11}
    assert run_store.get_for_end(RUN_ID).run.completed_at == ends[raised.index(None)].completed_at


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.FAILED])
def test_of_a_cancel_and_an_end_at_once_one_counts(run_store: RunStore, status: RunStatus) -> None:
    for number in range(1, 6):
        bring_to(run_store, RunStatus.RUNNING, numbered(number))
        run = run_store.get_for_end(numbered(number).run_id).run
        cancel, end = (
            partial(run_store.cancel, run, ENDS[RunStatus.CANCELLED]),
            partial(run_store.end, run, ENDS[status]),
        )
        cancelled, ended = in_parallel([cancel, end])
        assert (cancelled is None) != (ended is None)
        assert isinstance(cancelled or ended, RunHasEndedError)
        found = run_store.get_for_end(run.run_id).run
        assert found.status is (RunStatus.CANCELLED if cancelled is None else status)
        assert found.cancelled_from is (RunStatus.RUNNING if cancelled is None else None)


def test_of_a_cancel_and_the_first_tasks_begin_at_once_one_is_first_and_the_run_is_consistent(
    run_store: RunStore,
) -> None:
    for number in range(1, 6):
        run = numbered(number)
        run_store.put(run)
        began, cancelled = in_parallel(
            [
                partial(run_store.begin_task, run, "first", attempt=0, now=START),
                partial(run_store.cancel, run, ENDS[RunStatus.CANCELLED]),
            ]
        )
        found = run_store.get_for_end(run.run_id)
        assert (began is None) != (cancelled is None)
        assert isinstance(began, RunHasEndedError | None)
        assert isinstance(cancelled, RunMoveRefusedError | None)
        assert found.run.status is (RunStatus.RUNNING if began is None else RunStatus.CANCELLED)
        assert ("first" in found.tasks) is (began is None)


def test_of_a_cancel_and_a_resume_at_once_each_has_one_outcome(run_store: RunStore) -> None:
    """Who cancels has read the first attempt: it has ended, and the second one is not what was read."""
    for number in range(1, 6):
        bring_to(run_store, RunStatus.FAILED, numbered(number))
        seen = run_store.get_for_end(numbered(number).run_id).run
        read = replace(seen, status=RunStatus.RUNNING)
        resume_error, cancel_error = in_parallel(
            [
                partial(run_store.resume, seen, next_attempt(seen), table=None),
                partial(run_store.cancel, read, ENDS[RunStatus.CANCELLED]),
            ]
        )
        assert resume_error is None
        assert isinstance(cancel_error, RunHasEndedError | LateAttemptError)
        assert run_store.get_for_end(seen.run_id).run == next_attempt(seen)
