"""Runs in DynamoDB: a run and its tasks share a partition, and every change is one conditional write.

Writes of a run of n tasks: 1 put, 2 per task, 1 end. The first task's start moves the run too, in the same transaction.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.awaited import Awaited
from stepcall.domain.idempotency import EarlierStart, StartOnce, StartRecord, record_of
from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import (
    ErrorResult,
    Run,
    RunAttempt,
    RunEnd,
    RunStatus,
    StoredPayload,
    TableClaim,
    TaskEnd,
    TaskRun,
    statuses_before,
)
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.stores.dynamo_children import beside_child, count_below, forget_child, list_children
from stepcall.stores.dynamo_items import (
    INSTANCES,
    PROVIDER_KEY,
    RUN_ITEM,
    TASK_PREFIX,
    Item,
    attempt_of,
    instance_item,
    payload_values,
    read_ref,
    read_run,
    read_summary,
    read_task,
    run_key,
    run_values,
    task_key,
    write_error,
    write_time,
    write_values,
)
from stepcall.stores.dynamo_new_runs import Beside, put_run
from stepcall.stores.dynamo_open_runs import OPEN_RUN, move_to_machine, query_open, read_open_runs
from stepcall.stores.dynamo_pages import count_page, read_all, read_keys, read_page
from stepcall.stores.dynamo_resumes import resume_in
from stepcall.stores.dynamo_run_lists import query_by_tenant, query_by_workflow
from stepcall.stores.dynamo_starts import beside_run, put_start, read_start, start_key
from stepcall.stores.dynamo_table_claims import claim_key, put_claim, read_claim
from stepcall.stores.dynamo_task_writes import TaskWrites, begin_run
from stepcall.stores.dynamo_update import Update, refusal, refused_item
from stepcall.stores.run_store import (
    ALL_RUNS,
    OpenRuns,
    RunCount,
    RunFilter,
    RunNotFoundError,
    RunPage,
    TableClaimedError,
    refused_move,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoRunStore:
    """See RunStore. `retention` is how long a finished run is kept."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        retention: timedelta,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._retention = retention
        self._sleep = sleep
        self._tasks = TaskWrites(client, table, retention)

    def put(self, run: Run, *, once: StartOnce | None = None) -> None:
        self._put_with(run, once)

    def put_with_claim(self, run: Run, claim: TableClaim, *, seen: UUID | None, once: StartOnce | None = None) -> None:
        outrun = TableClaimedError(f"Another run has claimed {claim.table}.")
        self._put_with(run, once, Beside(put_claim(self._table, claim, seen), outrun))

    def _put_with(self, run: Run, once: StartOnce | None, *others: Beside) -> None:
        starts = [beside_run(self._table, record_of(run, once), self._retention)] if once else []
        beside = [*starts, *beside_child(self._table, run), *others]
        put_run(self._client, run.run_id, self._new_run(run), beside, self._sleep)

    def put_start(self, start: StartRecord) -> None:
        put_start(self._client, self._table, start, self._retention)

    def find_start(self, tenant: str, principal_id: str, key: str, now: datetime) -> EarlierStart | None:
        key_of_item = start_key(tenant, principal_id, key)
        item = self._client.get_item(TableName=self._table, Key=key_of_item, ConsistentRead=True).get("Item")
        return read_start(item, now) if item else None

    def list_children(self, run: RunAttempt, ref: str | None = None) -> Iterable[UUID]:
        return list_children(self._client, self._table, run, ref)

    def count_below(self, topmost: UUID, now: datetime) -> int:
        return count_below(self._client, self._table, topmost, now)

    def forget_child(self, parent: ParentTask, run_id: UUID) -> None:
        forget_child(self._client, self._table, parent, run_id)

    def get_claim(self, tenant: str, table: str) -> TableClaim | None:
        key = claim_key(tenant, table)
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return read_claim(item) if item else None

    def get(self, tenant: str, run_id: UUID) -> RunWithTasks:
        found = self.get_for_end(run_id)
        if found.run.tenant != tenant:
            raise RunNotFoundError(f"There is no run {run_id}.")
        return found

    def get_for_end(self, run_id: UUID) -> RunWithTasks:
        return _with_tasks(run_id, self._query(run_id, "#item < :instances", {":instances": INSTANCES}))

    def get_for_work(self, run_id: UUID, refs: Iterable[str]) -> RunWithTasks:
        keys = [
            run_key(run_id),
            *(task_key(run_id, ref) for ref in dict.fromkeys(refs)),
        ]
        return _with_tasks(run_id, self._read_keys(keys, ConsistentRead=True))

    def list_instances(self, run_id: UUID, ref: str, *, of_attempt: int, start: int, stop: int) -> list[TaskRun]:
        if start >= stop:
            return []
        between = {":first": instance_item(ref, start), ":last": instance_item(ref, stop - 1)}
        items = self._query(run_id, "#item BETWEEN :first AND :last", between)
        return [task for task in map(read_task, items) if task.run_attempt == of_attempt]

    def list_by_workflow(
        self, tenant: str, workflow_id: UUID, *, status: RunStatus | None, limit: int, after: UUID | None
    ) -> RunPage:
        return self._list(query_by_workflow(tenant, workflow_id, status, after), limit)

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunPage:
        return self._list(query_by_tenant(tenant, only, after), limit)

    def count_by_tenant(self, tenant: str, *, after: UUID | None, only: RunFilter = ALL_RUNS) -> RunCount:
        query = query_by_tenant(tenant, only, after)
        if query is None:
            return RunCount(0, None)
        number, last = count_page(self._client, {"TableName": self._table} | query)
        return RunCount(number, UUID(last["run_id"]["S"]) if last else None)

    def list_open(self, *, limit: int, after: UUID | None) -> OpenRuns:
        keys, last = read_page(self._client, {"TableName": self._table} | query_open(after), limit)
        # not consistent, for half the price: who acts on a run reads it again, or writes on a condition
        items = self._read_keys([run_key(UUID(key["run_id"]["S"])) for key in keys], **OPEN_RUN)
        return OpenRuns(read_open_runs(items), UUID(last["run_id"]["S"]) if last else None)

    def move_machine(self, run: RunAttempt, content_hash: str) -> None:
        self._move(run, move_to_machine(run, content_hash))

    def _list(self, query: dict[str, Any] | None, limit: int) -> RunPage:
        if query is None:
            return RunPage((), None)
        items, last = read_page(self._client, {"TableName": self._table} | query, limit)
        return RunPage(tuple(map(read_summary, items)), UUID(last["run_id"]["S"]) if last else None)

    def begin_task(self, run: Run, ref: str, *, attempt: int, now: datetime) -> None:
        self._tasks.begin(run, ref, attempt=attempt, now=now)

    def set_instances(self, run: RunAttempt, ref: str, instances: int) -> None:
        self._tasks.set_instances(run, ref, instances)

    def begin_run(self, run: RunAttempt, now: datetime) -> None:
        self._move(run, begin_run(run, now))

    def complete_task(self, run: RunAttempt, ref: str, output: StoredPayload, now: datetime) -> None:
        self._tasks.complete(run, ref, output, now)

    def skip_task(self, run: RunAttempt, ref: str, now: datetime) -> None:
        self._tasks.skip(run, ref, now)

    def record_task_error(self, run: RunAttempt, ref: str, error: ErrorResult) -> None:
        self._tasks.record_error(run, ref, error)

    def fail_task(self, run: RunAttempt, ref: str, error: ErrorResult, now: datetime) -> None:
        self._tasks.fail(run, ref, error, now)

    def await_task(self, run: RunAttempt, ref: str, awaited: Awaited, *, token: str, attempt: int) -> None:
        self._tasks.await_end(run, ref, awaited, token, attempt)

    def settle_task(self, run: RunAttempt, ref: str, end: TaskEnd) -> None:
        self._tasks.settle(run, ref, end)

    def abandon(self, run: RunAttempt, end: RunEnd) -> None:
        self._end(run, end, frozenset({RunStatus.PENDING}))

    def end(self, run: RunAttempt, end: RunEnd) -> None:
        self._end(run, end, statuses_before(end.status))

    def cancel(self, run: Run, end: RunEnd) -> None:
        if run.status.has_ended:
            raise refused_move(run.run_id, run.status)
        self._end(run, end, frozenset({run.status}))

    def resume(self, seen: Run, resumed: Run, *, table: str | None) -> None:
        resume_in(self._client, self._table, (seen, resumed), claimed=table, sleep=self._sleep)

    def _end(self, run: RunAttempt, end: RunEnd, allowed_from: frozenset[RunStatus]) -> None:
        update = Update(
            key=run_key(run.run_id),
            set={
                "status": end.status.value,
                "completed_at": write_time(end.completed_at),
                "error": write_error(end.error),
                "expires_at": self._expiry(end.completed_at),
                **payload_values("output", end.output),
            },
            copied={"cancelled_from": "status"} if end.status is RunStatus.CANCELLED else {},
            remove=("open", PROVIDER_KEY),
            allowed_from=frozenset(allowed_from),
            seen={"content_hash": run.content_hash},
            of_attempt=run.run_attempt,
        )
        self._move(run, update)

    def _move(self, run: RunAttempt, update: Update) -> None:
        try:
            self._client.update_item(**update.to_request(self._table))
        except ClientError as exc:
            stored = refused_item(exc)
            # AWS's client tries again when an answer is lost, and two sweeps may do the same: it may be done
            if not stored or attempt_of(stored) != run.run_attempt or not update.has_set(stored):
                raise refusal(run, stored) from exc

    def _new_run(self, run: Run) -> dict[str, Any]:
        expiry = {"expires_at": self._expiry(run.completed_at)} if run.completed_at else {}
        return {
            "TableName": self._table,
            "Item": write_values(run_values(run) | expiry),
            "ConditionExpression": "attribute_not_exists(run_id)",
        }

    def _expiry(self, after: datetime) -> int:
        return int((after + self._retention).timestamp())

    def _query(self, run_id: UUID, where: str, values: Mapping[str, str]) -> Iterator[Item]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": f"run_id = :run_id AND {where}",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": write_values({":run_id": str(run_id), **values}),
            "ConsistentRead": True,
        }
        return read_all(self._client, request)

    def _read_keys(self, keys: Sequence[Any], **how: Any) -> Iterator[Item]:
        return read_keys(self._client, self._table, keys, self._sleep, **how)


def _with_tasks(run_id: UUID, items: Iterable[Item]) -> RunWithTasks:
    run, tasks = None, {}
    for item in items:
        kind = item["item"]["S"]
        if kind == RUN_ITEM:
            run = read_run(item)
        elif kind.startswith(TASK_PREFIX):
            tasks[read_ref(kind)] = read_task(item)
    if run is None:
        raise RunNotFoundError(f"There is no run {run_id}.")
    return RunWithTasks(run, tasks)
