"""What every run store does: the same tests over memory and over DynamoDB."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import (
    RUN_MOVES,
    ErrorResult,
    JobCall,
    Run,
    RunEnd,
    RunStatus,
    StoredPayload,
    TaskStatus,
    failed_end,
)
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.run_store import (
    RunExistsError,
    RunHasEndedError,
    RunMoveRefusedError,
    RunNotFoundError,
    RunStore,
    TaskNotRunningError,
)
from tests.contract.conftest import RETENTION, in_parallel, nth_id

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

START = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
LATER = START + timedelta(seconds=5)
RUN_ID, WORKFLOW_ID, OTHER_WORKFLOW_ID = nth_id(1), nth_id(100), nth_id(200)
PENDING = Run(
    run_id=RUN_ID,
    tenant="acme",
    principal="nightly",
    workflow_id=WORKFLOW_ID,
    workflow_version=3,
    content_hash="0" * 32,
    status=RunStatus.PENDING,
    created_at=START,
    input=StoredPayload(12, inline='{"number":1}'),
)
OUTPUT = StoredPayload(4, inline="true")
LARGE = StoredPayload(20_000_000, key="runs/a/page.json")
ERROR = ErrorResult(ErrorReason.BACKEND_ERROR, "page", "example.com answered 503 — später 🙂")
ENDS = {
    RunStatus.COMPLETED: RunEnd(RunStatus.COMPLETED, LATER, output=OUTPUT),
    RunStatus.FAILED: RunEnd(RunStatus.FAILED, LATER, error=ERROR),
    RunStatus.CANCELLED: RunEnd(RunStatus.CANCELLED, LATER, error=replace(ERROR, reason=ErrorReason.STOPPED)),
}


def bring_to(store: RunStore, status: RunStatus, run: Run = PENDING) -> None:
    """A stored run of that status."""
    store.put(run)
    if status in {RunStatus.RUNNING, RunStatus.COMPLETED}:
        store.begin_task(run, "first", attempt=0, now=START)
    if status in ENDS:
        store.end(run, ENDS[status])


def running(store: RunStore) -> Run:
    bring_to(store, RunStatus.RUNNING)
    return store.get_for_end(RUN_ID).run


def test_a_run_is_read_as_it_was_stored(run_store: RunStore) -> None:
    run_store.put(PENDING)
    assert run_store.get("acme", RUN_ID).run == PENDING
    assert run_store.get("acme", RUN_ID).tasks == {}


def test_a_run_with_a_large_input_is_read_as_it_was_stored(run_store: RunStore) -> None:
    run_store.put(replace(PENDING, input=LARGE))
    assert run_store.get("acme", RUN_ID).run.input == LARGE


def test_another_tenants_run_is_not_found_and_neither_is_none(run_store: RunStore) -> None:
    run_store.put(PENDING)
    for tenant, run_id in (("other", RUN_ID), ("acme", nth_id(2))):
        with pytest.raises(RunNotFoundError):
            run_store.get(tenant, run_id)
    for read in (run_store.get_for_end, lambda run_id: run_store.get_for_work(run_id, ("first",))):
        with pytest.raises(RunNotFoundError):
            read(nth_id(2))


def test_a_run_is_stored_once(run_store: RunStore) -> None:
    run_store.put(PENDING)
    with pytest.raises(RunExistsError):
        run_store.put(replace(PENDING, tenant="other"))
    assert run_store.get_for_end(RUN_ID).run == PENDING


@pytest.mark.parametrize(("before", "after"), list(product(RunStatus, ENDS)))
def test_a_run_ends_only_by_a_move_of_the_table(run_store: RunStore, before: RunStatus, after: RunStatus) -> None:
    bring_to(run_store, before)
    stored = run_store.get_for_end(RUN_ID)
    if after in RUN_MOVES[before]:
        run_store.end(PENDING, ENDS[after])
        ended = run_store.get_for_end(RUN_ID).run
        assert (ended.status, ended.completed_at) == (after, LATER)
        assert (ended.output, ended.error) == (ENDS[after].output, ENDS[after].error)
        return
    later = replace(ENDS[after], completed_at=LATER + timedelta(seconds=1))
    with pytest.raises(RunHasEndedError if before.has_ended else RunMoveRefusedError) as refused:
        run_store.end(PENDING, later)
    assert refused.value.status is before
    assert run_store.get_for_end(RUN_ID) == stored


@pytest.mark.parametrize("status", ENDS)
def test_an_end_that_is_written_twice_is_one_end(run_store: RunStore, status: RunStatus) -> None:
    """AWS's client sends a write again when the answer to it is lost."""
    running(run_store)
    run_store.end(PENDING, ENDS[status])
    ended = run_store.get_for_end(RUN_ID)
    run_store.end(PENDING, ENDS[status])
    assert run_store.get_for_end(RUN_ID) == ended


WITH_KEY = replace(PENDING, provider_key=b"\x00\xffencrypted")


def test_a_provider_key_is_there_for_work_until_the_run_ends(run_store: RunStore) -> None:
    bring_to(run_store, RunStatus.RUNNING, WITH_KEY)
    run_store.complete_task(PENDING, "first", OUTPUT, LATER)
    assert run_store.get_for_work(RUN_ID, ("first",)).run.provider_key == b"\x00\xffencrypted"
    [listed] = run_store.list_by_workflow("acme", WORKFLOW_ID, status=None, limit=1, after=None).runs
    assert "encrypted" not in f"{listed!r} {run_store.get_for_end(RUN_ID)!r}"


@pytest.mark.parametrize(("before", "after"), [(b, a) for b, a in product(RunStatus, ENDS) if a in RUN_MOVES[b]])
def test_every_end_erases_the_provider_key(run_store: RunStore, before: RunStatus, after: RunStatus) -> None:
    bring_to(run_store, before, WITH_KEY)
    run_store.end(PENDING, ENDS[after])
    assert run_store.get_for_end(RUN_ID).run.provider_key is None
    run_store.end(PENDING, ENDS[after])


def test_a_run_that_is_abandoned_loses_its_provider_key(run_store: RunStore) -> None:
    run_store.put(WITH_KEY)
    run_store.abandon(PENDING, ENDS[RunStatus.FAILED])
    assert run_store.get_for_end(RUN_ID).run.provider_key is None


def test_an_end_leaves_no_provider_key_in_the_item(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    bring_to(store, RunStatus.PENDING, WITH_KEY)
    [item] = dynamodb.scan(TableName="RunsTable")["Items"]
    assert item["provider_key"] == {"B": b"\x00\xffencrypted"}
    store.end(PENDING, ENDS[RunStatus.CANCELLED])
    [item] = dynamodb.scan(TableName="RunsTable")["Items"]
    assert "provider_key" not in item


def test_only_a_run_that_nothing_has_begun_is_abandoned(run_store: RunStore) -> None:
    run_store.put(PENDING)
    run_store.abandon(PENDING, ENDS[RunStatus.FAILED])
    assert run_store.get_for_end(RUN_ID).run.status is RunStatus.FAILED
    bring_to(run_store, RunStatus.RUNNING, numbered(2))
    with pytest.raises(RunMoveRefusedError):
        run_store.abandon(numbered(2), ENDS[RunStatus.FAILED])
    assert run_store.get_for_end(nth_id(2)).run.status is RunStatus.RUNNING


def test_a_run_that_is_not_there_cannot_end(run_store: RunStore) -> None:
    with pytest.raises(RunNotFoundError):
        run_store.end(PENDING, ENDS[RunStatus.FAILED])


def test_of_many_ends_at_once_one_wins(run_store: RunStore) -> None:
    running(run_store)
    ends = [failed_end(LATER, ErrorReason.INVALID, "query", str(number)) for number in range(20)]
    raised = in_parallel([partial(run_store.end, PENDING, end) for end in ends])
    [winner] = [index for index, error in enumerate(raised) if error is None]
    assert all(isinstance(error, RunHasEndedError) for index, error in enumerate(raised) if index != winner)
    assert run_store.get_for_end(RUN_ID).run.error == ends[winner].error


def test_the_first_task_moves_the_run_and_a_later_one_does_not_move_its_start(run_store: RunStore) -> None:
    run_store.put(PENDING)
    run_store.begin_task(PENDING, "first", attempt=0, now=START)
    run_store.begin_task(PENDING, "second", attempt=0, now=LATER)  # read before the first had begun
    found = run_store.get_for_end(RUN_ID)
    assert (found.run.status, found.run.started_at) == (RunStatus.RUNNING, START)
    assert {ref: (task.status, task.started_at) for ref, task in found.tasks.items()} == {
        "first": (TaskStatus.RUNNING, START),
        "second": (TaskStatus.RUNNING, LATER),
    }


def test_a_second_attempt_keeps_the_start_and_counts(run_store: RunStore) -> None:
    run = running(run_store)
    run_store.record_task_error(PENDING, "first", ERROR)
    run_store.begin_task(run, "first", attempt=1, now=LATER)
    task = run_store.get_for_end(RUN_ID).tasks["first"]
    assert (task.attempts, task.started_at, task.error) == (2, START, ERROR)
    run_store.complete_task(PENDING, "first", LARGE, LATER)
    done = run_store.get_for_end(RUN_ID).tasks["first"]
    assert (done.status, done.output, done.completed_at, done.error) == (TaskStatus.COMPLETED, LARGE, LATER, None)


@pytest.mark.parametrize("ended", list(ENDS))
def test_no_task_begins_in_a_run_that_ended_after_it_was_read(run_store: RunStore, ended: RunStatus) -> None:
    bring_to(run_store, ended)
    with pytest.raises(RunHasEndedError) as refused:
        run_store.begin_task(PENDING, "next", attempt=0, now=LATER)
    assert refused.value.status is ended
    assert "next" not in run_store.get_for_end(RUN_ID).tasks


def test_a_finished_task_does_not_begin_again(run_store: RunStore) -> None:
    run = running(run_store)
    run_store.complete_task(PENDING, "first", OUTPUT, LATER)
    for read in (run, PENDING):
        with pytest.raises(TaskNotRunningError):
            run_store.begin_task(read, "first", attempt=1, now=LATER)
    assert run_store.get_for_end(RUN_ID).tasks["first"].status is TaskStatus.COMPLETED


def test_of_two_workers_on_one_task_one_stores_its_output(run_store: RunStore) -> None:
    running(run_store)
    outputs = [StoredPayload(1, inline=str(number)) for number in range(8)]
    raised = in_parallel([partial(run_store.complete_task, PENDING, "first", output, LATER) for output in outputs])
    [winner] = [index for index, error in enumerate(raised) if error is None]
    assert all(isinstance(error, TaskNotRunningError) for index, error in enumerate(raised) if index != winner)
    assert run_store.get_for_end(RUN_ID).tasks["first"].output == outputs[winner]


def test_late_news_of_a_task_changes_nothing(run_store: RunStore) -> None:
    running(run_store)
    run_store.fail_task(PENDING, "first", ERROR, LATER)
    failed = run_store.get_for_end(RUN_ID)
    assert (failed.tasks["first"].status, failed.tasks["first"].error) == (TaskStatus.FAILED, ERROR)
    for late in (
        partial(run_store.complete_task, PENDING, "first", OUTPUT, LATER),
        partial(run_store.skip_task, PENDING, "first", LATER),
        partial(run_store.record_task_error, PENDING, "first", ERROR),
        partial(run_store.fail_task, PENDING, "first", ERROR, LATER),
        partial(run_store.complete_task, PENDING, "never_begun", OUTPUT, LATER),
    ):
        with pytest.raises(TaskNotRunningError):
            late()
    assert run_store.get_for_end(RUN_ID) == failed


def test_a_task_that_is_skipped_has_ended_without_output_or_error(run_store: RunStore) -> None:
    running(run_store)
    run_store.record_task_error(PENDING, "first", ERROR)
    run_store.skip_task(PENDING, "first", LATER)
    skipped = run_store.get_for_end(RUN_ID).tasks["first"]
    assert (skipped.status, skipped.completed_at, skipped.output, skipped.error) == (
        TaskStatus.SKIPPED,
        LATER,
        None,
        None,
    )
    with pytest.raises(TaskNotRunningError):
        run_store.complete_task(PENDING, "first", OUTPUT, LATER)


def test_a_task_that_was_never_begun_can_fail(run_store: RunStore) -> None:
    run_store.put(PENDING)
    run_store.fail_task(PENDING, "first", ERROR, LATER)
    assert run_store.get_for_end(RUN_ID).tasks["first"].status is TaskStatus.FAILED


def test_a_late_success_does_not_reopen_a_failed_run(run_store: RunStore) -> None:
    running(run_store)
    run_store.end(PENDING, ENDS[RunStatus.FAILED])
    run_store.complete_task(PENDING, "first", OUTPUT, LATER)
    with pytest.raises(RunHasEndedError):
        run_store.end(PENDING, ENDS[RunStatus.COMPLETED])
    assert run_store.get_for_end(RUN_ID).run.status is RunStatus.FAILED


def test_a_worker_reads_the_tasks_it_asks_for(run_store: RunStore) -> None:
    run = running(run_store)
    refs = [f"task_{number}" for number in range(230)]  # BatchGetItem takes 100 keys
    for ref in refs:
        run_store.begin_task(run, ref, attempt=0, now=START)
    found = run_store.get_for_work(RUN_ID, [*refs[1:], "never_begun"])
    assert found.run.run_id == RUN_ID
    assert set(found.tasks) == set(refs[1:])


def test_a_run_larger_than_a_page_of_dynamodb_is_read_whole(run_store: RunStore) -> None:
    run = running(run_store)
    large = StoredPayload(8000, inline='"' + "x" * 7998 + '"')
    for number in range(180):  # 1.4 MB; a Query answers 1 MB
        run_store.begin_task(run, f"t{number}", attempt=0, now=START)
        run_store.complete_task(PENDING, f"t{number}", large, LATER)
    assert len(run_store.get("acme", RUN_ID).tasks) == 181


def numbered(number: int, **changes: Any) -> Run:
    return replace(PENDING, run_id=nth_id(number), **changes)


def listed(store: RunStore, **options: Any) -> list[UUID]:
    """Every page, one after the other."""
    request: dict[str, Any] = {"status": None, "limit": 4, "after": None} | options
    found = list[UUID]()
    for _ in range(50):
        page = store.list_by_workflow("acme", WORKFLOW_ID, **request)
        assert len(page.runs) <= request["limit"]
        found += [run.run_id for run in page.runs]
        if page.next_run_id is None:
            return found
        request["after"] = page.next_run_id
    raise AssertionError("the list has no end")


def test_runs_are_listed_newest_first_page_by_page(run_store: RunStore) -> None:
    for number in range(1, 14):
        run_store.put(numbered(number))
    run_store.put(numbered(20, workflow_id=OTHER_WORKFLOW_ID))
    run_store.put(numbered(21, tenant="other"))
    expected = [nth_id(number) for number in range(13, 0, -1)]
    for limit in (1, 4, 13, 14, 100):
        assert listed(run_store, limit=limit) == expected
    assert run_store.list_by_workflow("acme", WORKFLOW_ID, status=None, limit=13, after=None).next_run_id is None
    first = run_store.list_by_workflow("acme", WORKFLOW_ID, status=None, limit=1, after=None).runs[0]
    assert (first.tenant, first.status, first.created_at) == ("acme", RunStatus.PENDING, START)


def test_runs_are_listed_by_status(run_store: RunStore) -> None:
    for number in range(1, 31):
        bring_to(run_store, RunStatus.FAILED if number % 7 == 0 else RunStatus.RUNNING, numbered(number))
    assert listed(run_store, status=RunStatus.FAILED, limit=2) == [nth_id(number) for number in (28, 21, 14, 7)]
    assert listed(run_store, status=RunStatus.CANCELLED) == []
    assert len(listed(run_store, status=RunStatus.RUNNING, limit=5)) == 26


def test_only_open_runs_are_in_their_index_and_ended_ones_expire(dynamodb: "DynamoDBClient") -> None:
    store = DynamoRunStore(dynamodb, "RunsTable", RETENTION)
    bring_to(store, RunStatus.RUNNING)
    bring_to(store, RunStatus.COMPLETED, numbered(2))
    found = dynamodb.scan(TableName="RunsTable", IndexName="open_runs")["Items"]
    assert [item["run_id"]["S"] for item in found] == [str(RUN_ID)]
    items = {(item["run_id"]["S"], item["item"]["S"]): item for item in dynamodb.scan(TableName="RunsTable")["Items"]}
    assert "expires_at" not in items[str(RUN_ID), "RUN"]
    assert items[str(nth_id(2)), "RUN"]["expires_at"]["N"] == str(int((LATER + RETENTION).timestamp()))
    assert int(items[str(nth_id(2)), "TASK#first"]["expires_at"]["N"]) > (LATER + RETENTION).timestamp()


JOB = JobCall(
    query="CALL `p`(@größe)\n",
    connection="carto_dw",
    connection_id=nth_id(300),
    location="US",
    output_table="acme.workflows_temp.wfproc_0123456789abcdef_out_0123456789abcdef",
)


@pytest.mark.parametrize("job", [JOB, replace(JOB, output_table=None)])
def test_a_run_knows_how_it_was_called_as_a_job_for_as_long_as_it_lives(run_store: RunStore, job: JobCall) -> None:
    called = replace(PENDING, job=job)
    bring_to(run_store, RunStatus.COMPLETED, called)
    assert run_store.get("acme", RUN_ID).run.job == job
    assert run_store.get_for_work(RUN_ID, ()).run.job == job


ENDED_BEFORE_IT_BEGAN = {
    "reused": replace(
        PENDING, status=RunStatus.COMPLETED, completed_at=START, output=LARGE, reused_run_id=nth_id(9), job=JOB
    ),
    "refused": replace(PENDING, status=RunStatus.FAILED, completed_at=START, error=ERROR, job=JOB),
}


@pytest.mark.parametrize("kind", ENDED_BEFORE_IT_BEGAN)
def test_a_run_that_has_ended_already_is_stored_whole_and_stays_ended(run_store: RunStore, kind: str) -> None:
    ended = ENDED_BEFORE_IT_BEGAN[kind]
    run_store.put(ended)
    assert run_store.get("acme", RUN_ID).run == ended
    with pytest.raises(RunExistsError):
        run_store.put(ended)
    with pytest.raises(RunHasEndedError):
        run_store.begin_task(PENDING, "first", attempt=0, now=LATER)
    with pytest.raises(RunHasEndedError):
        run_store.end(PENDING, ENDS[RunStatus.CANCELLED])
    with pytest.raises(RunHasEndedError):
        run_store.abandon(PENDING, ENDS[RunStatus.FAILED])
    assert run_store.get("acme", RUN_ID).run == ended


@pytest.mark.parametrize("kind", ENDED_BEFORE_IT_BEGAN)
def test_a_run_that_has_ended_already_is_never_open_and_expires(dynamodb: "DynamoDBClient", kind: str) -> None:
    DynamoRunStore(dynamodb, "RunsTable", RETENTION).put(ENDED_BEFORE_IT_BEGAN[kind])
    assert dynamodb.scan(TableName="RunsTable", IndexName="open_runs")["Items"] == []
    [item] = dynamodb.scan(TableName="RunsTable")["Items"]
    assert item["expires_at"]["N"] == str(int((START + RETENTION).timestamp()))


def all_of_tenant(store: RunStore, tenant: str, limit: int) -> list[UUID]:
    found, after = list[UUID](), None
    for _ in range(50):
        page = store.list_by_tenant(tenant, limit=limit, after=after)
        assert len(page.runs) <= limit
        found += [run.run_id for run in page.runs]
        if (after := page.next_run_id) is None:
            return found
    raise AssertionError("the list has no end")


def test_a_tenants_runs_of_all_workflows_are_listed_newest_first_page_by_page(run_store: RunStore) -> None:
    for number in range(1, 10):
        run_store.put(numbered(number, workflow_id=(WORKFLOW_ID, OTHER_WORKFLOW_ID)[number % 2]))
    run_store.put(numbered(20, tenant="other"))
    for limit in (1, 4, 9, 10, 100):
        assert all_of_tenant(run_store, "acme", limit) == [nth_id(number) for number in range(9, 0, -1)]
    assert all_of_tenant(run_store, "other", 5) == [nth_id(20)]
    assert all_of_tenant(run_store, "acm", 5) == []


def test_a_tenants_list_tells_calls_and_errors(run_store: RunStore) -> None:
    bring_to(run_store, RunStatus.FAILED, replace(PENDING, job=JOB))
    bring_to(run_store, RunStatus.RUNNING, numbered(2))
    run_store.put(replace(ENDED_BEFORE_IT_BEGAN["reused"], run_id=nth_id(3)))
    runs = run_store.list_by_tenant("acme", limit=5, after=None).runs
    assert [(run.status, run.job, run.error) for run in runs] == [
        (RunStatus.COMPLETED, JOB, None),
        (RunStatus.RUNNING, None, None),
        (RunStatus.FAILED, JOB, ERROR),
    ]


class PartlyThrottled:
    """A client whose BatchGetItem leaves half of the keys unread each time, as a throttled table does."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self.calls = 0

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - the argument is DynamoDB's
        self.calls += 1
        [(table, request)] = RequestItems.items()
        half = (len(request["Keys"]) + 1) // 2
        answer = self._client.batch_get_item(RequestItems={table: request | {"Keys": request["Keys"][:half]}})
        left = request["Keys"][half:]
        return answer | {"UnprocessedKeys": {table: request | {"Keys": left}} if left else {}}


def test_keys_that_dynamodb_leaves_unread_are_asked_for_again(dynamodb: "DynamoDBClient") -> None:
    bring_to(DynamoRunStore(dynamodb, "RunsTable", RETENTION), RunStatus.RUNNING)
    throttled, slept = PartlyThrottled(dynamodb), list[float]()
    store = DynamoRunStore(throttled, "RunsTable", RETENTION, slept.append)  # type: ignore[arg-type]
    found = store.get_for_work(RUN_ID, ("first", "second", "third", "fourth"))
    assert set(found.tasks) == {"first"}
    assert throttled.calls == 3  # 5 keys: 3, then 1 of 2, then 1
    assert slept == [0.05, 0.1]
