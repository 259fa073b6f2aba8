"""What every run store does with tasks that somebody's answer ends: the same tests over memory and over DynamoDB."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import ErrorResult, Run, RunEnd, RunStatus, StoredPayload, TaskEnd, TaskStatus
from stepcall.stores.dynamo_items import TASK_TOKEN, task_key
from stepcall.stores.dynamo_run_changes import read_failed_each, read_settled
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError, RunStore, TaskNotRunningError
from tests.contract.conftest import RETENTION, in_parallel
from tests.contract.test_run_store import ENDS, ERROR, LATER, OUTPUT, PENDING, RUN_ID, START, running

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ASKED = Awaited("Pay 300 €?", START + timedelta(days=7))
TOKEN = "AQB8-a-token"
REFUSED = ErrorResult(ErrorReason.STOPPED, "ask", "Too much.")
YES = TaskEnd(TaskStatus.COMPLETED, LATER, output=OUTPUT, decided_by="ann")
NO = TaskEnd(TaskStatus.FAILED, LATER, error=REFUSED, decided_by="bob")


def asking(store: RunStore, *, attempt: int = 0) -> Run:
    """A run whose task `ask` awaits an answer."""
    run = running(store)
    store.begin_task(run, "ask", attempt=attempt, now=START)
    store.await_task(run, "ask", ASKED, token=TOKEN, attempt=attempt)
    return run


def test_a_task_that_awaits_an_answer_is_running_and_says_what_it_awaits(run_store: RunStore) -> None:
    asking(run_store)
    task = run_store.get_for_end(RUN_ID).task("ask")
    assert (task.status, task.awaited, task.decided_by) == (TaskStatus.RUNNING, ASKED, None)
    assert TOKEN not in repr(run_store.get_for_end(RUN_ID))


@pytest.mark.parametrize("end", [YES, NO], ids=["yes", "no"])
def test_an_answer_ends_the_task_and_the_same_once_more_changes_nothing(run_store: RunStore, end: TaskEnd) -> None:
    run = asking(run_store)
    run_store.settle_task(run, "ask", end)
    task = run_store.get_for_end(RUN_ID).task("ask")
    assert (task.status, task.completed_at, task.output, task.error, task.decided_by) == (
        end.status,
        end.completed_at,
        end.output,
        end.error,
        end.decided_by,
    )
    run_store.settle_task(run, "ask", replace(end, completed_at=LATER + timedelta(hours=1)))
    assert run_store.get_for_end(RUN_ID).task("ask") == task


@pytest.mark.parametrize(
    "other",
    [NO, replace(YES, decided_by="bob"), replace(YES, output=StoredPayload(5, inline="false"))],
    ids=["no", "somebody else", "something else"],
)
def test_another_answer_does_not_change_the_first(run_store: RunStore, other: TaskEnd) -> None:
    run = asking(run_store)
    run_store.settle_task(run, "ask", YES)
    with pytest.raises(TaskNotRunningError):
        run_store.settle_task(run, "ask", other)
    assert run_store.get_for_end(RUN_ID).task("ask").output == OUTPUT


def test_nobody_answers_what_was_not_asked(run_store: RunStore) -> None:
    run = running(run_store)
    for ref in ("first", "never begun"):
        with pytest.raises(TaskNotRunningError):
            run_store.settle_task(run, ref, YES)
    assert run_store.get_for_end(RUN_ID).task("first").status is TaskStatus.RUNNING


@pytest.mark.parametrize("status", [RunStatus.CANCELLED, RunStatus.FAILED])
def test_an_answer_comes_too_late_for_a_run_that_has_ended(run_store: RunStore, status: RunStatus) -> None:
    run = asking(run_store)
    run_store.end(run, ENDS[status])
    with pytest.raises(RunHasEndedError):
        run_store.settle_task(run, "ask", YES)
    assert run_store.get_for_end(RUN_ID).tasks["ask"].output is None


def test_an_answer_that_was_given_stays_given_when_its_run_has_ended(run_store: RunStore) -> None:
    run = asking(run_store)
    run_store.settle_task(run, "ask", YES)
    run_store.end(run, ENDS[RunStatus.COMPLETED])
    run_store.settle_task(run, "ask", YES)


def resumed(store: RunStore, run: Run) -> Run:
    store.end(run, ENDS[RunStatus.CANCELLED])
    again = replace(run, status=RunStatus.PENDING, run_attempt=2, resumed_at=LATER, started_at=None)
    store.resume(run, again, table=None)
    return again


def test_an_answer_to_an_earlier_attempt_of_the_run_does_not_answer_the_new_one(run_store: RunStore) -> None:
    run = asking(run_store)
    again = resumed(run_store, run)
    run_store.begin_task(again, "ask", attempt=0, now=LATER)
    with pytest.raises(LateAttemptError):
        run_store.settle_task(run, "ask", YES)
    now = run_store.get_for_end(RUN_ID).run
    with pytest.raises(TaskNotRunningError):
        run_store.settle_task(now, "ask", YES)
    assert run_store.get_for_end(RUN_ID).task("ask").awaited is None
    run_store.await_task(now, "ask", ASKED, token="new", attempt=0)
    run_store.settle_task(now, "ask", YES)
    assert run_store.get_for_end(RUN_ID).task("ask").decided_by == "ann"


def test_only_the_attempt_that_has_the_task_may_say_what_it_awaits(run_store: RunStore) -> None:
    run = running(run_store)
    run_store.begin_task(run, "ask", attempt=1, now=START)
    for attempt in (0, 2):
        with pytest.raises(TaskNotRunningError):
            run_store.await_task(run, "ask", ASKED, token=TOKEN, attempt=attempt)
    run_store.fail_task(run, "ask", ERROR, LATER)
    with pytest.raises(TaskNotRunningError):
        run_store.await_task(run, "ask", ASKED, token=TOKEN, attempt=1)


def test_an_answer_for_an_element_counts_only_while_its_task_is_under_way(run_store: RunStore) -> None:
    run = asking(run_store)
    for index in range(2):
        run_store.begin_task(run, f"ask[{index}]", attempt=0, now=START)
        run_store.await_task(run, f"ask[{index}]", ASKED, token=TOKEN, attempt=0)
    run_store.settle_task(run, "ask[0]", YES)
    run_store.fail_task(run, "ask", REFUSED, LATER)
    with pytest.raises(TaskNotRunningError):
        run_store.settle_task(run, "ask[1]", YES)
    run_store.settle_task(run, "ask[0]", YES)
    found = run_store.get_for_work(RUN_ID, ("ask[0]", "ask[1]")).tasks
    assert [found[f"ask[{index}]"].status for index in range(2)] == [TaskStatus.COMPLETED, TaskStatus.RUNNING]


def test_of_two_answers_at_once_one_counts(run_store: RunStore) -> None:
    run = asking(run_store)
    settled: list[TaskEnd] = []

    def settle(end: TaskEnd) -> None:
        try:
            run_store.settle_task(run, "ask", end)
        except TaskNotRunningError:
            return
        settled.append(end)

    in_parallel([partial(settle, end) for end in (YES, NO) * 4])
    task = run_store.get_for_end(RUN_ID).task("ask")
    assert {end.decided_by for end in settled} == {task.decided_by}
    assert (task.decided_by == "ann") == (task.status is TaskStatus.COMPLETED)


def test_of_an_answer_and_the_runs_end_at_once_either_comes_first(run_store: RunStore) -> None:
    run = asking(run_store)
    outcome: list[str] = []

    def settle() -> None:
        try:
            run_store.settle_task(run, "ask", YES)
        except RunHasEndedError:
            outcome.append("too late")

    cancelled = RunEnd(RunStatus.CANCELLED, LATER, error=replace(ERROR, reason=ErrorReason.STOPPED))
    in_parallel([settle, partial(run_store.end, run, cancelled)])
    task = run_store.get_for_end(RUN_ID).tasks["ask"]
    assert (task.status is TaskStatus.COMPLETED) != bool(outcome)


def test_what_the_stream_has_of_a_settled_task_names_its_token_until_it_has_ended_once(
    dynamodb: "DynamoDBClient",
) -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    run = asking(store)

    def item() -> object:
        return dynamodb.get_item(TableName="RunsTable", Key=task_key(RUN_ID, "ask"))["Item"]

    assert item()[TASK_TOKEN] == {"S": TOKEN}  # type: ignore[index]
    assert read_settled(item()) is None  # type: ignore[arg-type]
    store.settle_task(run, "ask", NO)
    assert read_settled(item()) == (RUN_ID, TOKEN, TaskStatus.FAILED, None)  # type: ignore[arg-type]
    assert PENDING.run_id == RUN_ID


def test_the_stream_has_that_a_task_has_failed_that_was_done_for_each_element(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    run = running(store)
    store.begin_task(run, "each", attempt=0, now=START)
    store.set_instances(run, "each", 3)
    key = task_key(RUN_ID, "each")
    assert read_failed_each(dynamodb.get_item(TableName="RunsTable", Key=key)["Item"]) is None
    store.fail_task(run, "each", REFUSED, LATER)
    assert read_failed_each(dynamodb.get_item(TableName="RunsTable", Key=key)["Item"]) == (RUN_ID, 1, "each")
