"""Runs in DynamoDB: a run and its tasks share a partition, and every change is one conditional write.

Writes of a run of n tasks: 1 put, 2 per task, 1 end. The first task's start moves the run too, in the same transaction.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.run import (
    ErrorResult,
    Run,
    RunEnd,
    RunStatus,
    RunWithTasks,
    StoredPayload,
    TableClaim,
    TaskStatus,
    statuses_before,
)
from stepcall.stores.dynamo_items import (
    OUTRUN,
    PROVIDER_KEY,
    RUN_ITEM,
    TASK_PREFIX,
    TRANSACTION_CANCELED,
    Item,
    codes_of,
    payload_values,
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
from stepcall.stores.dynamo_pages import count_page, read_all, read_page
from stepcall.stores.dynamo_run_lists import query_by_tenant, query_by_workflow
from stepcall.stores.dynamo_table_claims import claim_key, put_claim, read_claim
from stepcall.stores.dynamo_update import CONDITION_FAILED, Update, refused_item
from stepcall.stores.run_store import (
    ALL_RUNS,
    RunCount,
    RunExistsError,
    RunFilter,
    RunNotFoundError,
    RunPage,
    TableClaimedError,
    TaskNotRunningError,
    refused_move,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

BATCH_GET_LIMIT = 100
READ_ATTEMPTS = 6
LONGEST_EXECUTION = timedelta(days=366)  # Step Functions ends a standard execution after a year


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

    def put(self, run: Run) -> None:
        try:
            self._client.put_item(**self._new_run(run))
        except ClientError as exc:
            if exc.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            raise _exists(run) from exc

    def put_with_claim(self, run: Run, claim: TableClaim, *, seen: UUID | None) -> None:
        puts = [self._new_run(run), put_claim(self._table, claim, seen)]
        try:
            self._client.transact_write_items(TransactItems=[{"Put": put} for put in puts])  # type: ignore[typeddict-item]
        except ClientError as exc:
            if exc.response["Error"]["Code"] != TRANSACTION_CANCELED or not codes_of(exc) <= OUTRUN:
                raise  # throttling, or more than a conflict: not ours to judge
            if exc.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed":
                raise _exists(run) from exc
            raise TableClaimedError(f"Another run has claimed {claim.table}.") from exc

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
        return _with_tasks(run_id, self._query(run_id))

    def get_for_work(self, run_id: UUID, refs: Iterable[str]) -> RunWithTasks:
        keys = [
            run_key(run_id),
            *(task_key(run_id, ref) for ref in dict.fromkeys(refs)),
        ]
        pages = (keys[start : start + BATCH_GET_LIMIT] for start in range(0, len(keys), BATCH_GET_LIMIT))
        return _with_tasks(run_id, (item for page in pages for item in self._batch_get(page)))

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

    def _list(self, query: dict[str, Any] | None, limit: int) -> RunPage:
        if query is None:
            return RunPage((), None)
        items, last = read_page(self._client, {"TableName": self._table} | query, limit)
        return RunPage(tuple(map(read_summary, items)), UUID(last["run_id"]["S"]) if last else None)

    def begin_task(self, run: Run, ref: str, *, attempt: int, now: datetime) -> None:
        begin = Update(
            key=task_key(run.run_id, ref),
            set={"status": TaskStatus.RUNNING.value, "attempts": attempt + 1},
            # tasks go with their run; no run outlasts its execution, so this never takes one from a run that goes on
            set_once={"started_at": write_time(now), "expires_at": self._expiry(now + LONGEST_EXECUTION)},
            allowed_from=frozenset({TaskStatus.RUNNING}),
            allowed_when_absent=True,
        )
        if run.status is not RunStatus.PENDING:
            self._update_task(run.run_id, ref, begin)
            return
        start = Update(
            key=run_key(run.run_id),
            set={"status": RunStatus.RUNNING.value},
            set_once={"started_at": write_time(now)},
            allowed_from=statuses_before(RunStatus.RUNNING) | {RunStatus.RUNNING},
        )
        self._begin_run_and_task(run.run_id, ref, (start, begin))

    def complete_task(self, run_id: UUID, ref: str, output: StoredPayload, now: datetime) -> None:
        values = {"status": TaskStatus.COMPLETED.value, "completed_at": write_time(now)}
        self._update_task(
            run_id, ref, _task_update(run_id, ref, values | payload_values("output", output), remove=("error",))
        )

    def record_task_error(self, run_id: UUID, ref: str, error: ErrorResult) -> None:
        self._update_task(run_id, ref, _task_update(run_id, ref, {"error": write_error(error)}))

    def fail_task(self, run_id: UUID, ref: str, error: ErrorResult, now: datetime) -> None:
        failed = Update(
            key=task_key(run_id, ref),
            set={
                "status": TaskStatus.FAILED.value,
                "completed_at": write_time(now),
                "error": write_error(error),
            },
            set_once={"expires_at": self._expiry(now + LONGEST_EXECUTION)},
            allowed_from=frozenset({TaskStatus.RUNNING}),
            allowed_when_absent=True,
        )
        self._update_task(run_id, ref, failed)

    def abandon(self, run_id: UUID, end: RunEnd) -> None:
        self._end(run_id, end, frozenset({RunStatus.PENDING}))

    def end(self, run_id: UUID, end: RunEnd) -> None:
        self._end(run_id, end, statuses_before(end.status))

    def _end(self, run_id: UUID, end: RunEnd, allowed_from: frozenset[RunStatus]) -> None:
        update = Update(
            key=run_key(run_id),
            set={
                "status": end.status.value,
                "completed_at": write_time(end.completed_at),
                "error": write_error(end.error),
                "expires_at": self._expiry(end.completed_at),
                **payload_values("output", end.output),
            },
            remove=("open", PROVIDER_KEY),
            allowed_from=frozenset(allowed_from),
        )
        try:
            self._client.update_item(**update.to_request(self._table))
        except ClientError as exc:
            stored = refused_item(exc)
            # AWS's client tries again when an answer is lost: the end that stands there may be this one
            if not stored or not update.has_set(stored):
                raise _refusal(run_id, stored) from exc

    def _new_run(self, run: Run) -> dict[str, Any]:
        expiry = {"expires_at": self._expiry(run.completed_at)} if run.completed_at else {}
        return {
            "TableName": self._table,
            "Item": write_values(run_values(run) | expiry),
            "ConditionExpression": "attribute_not_exists(run_id)",
        }

    def _expiry(self, after: datetime) -> int:
        return int((after + self._retention).timestamp())

    def _update_task(self, run_id: UUID, ref: str, update: Update) -> None:
        try:
            self._client.update_item(**update.to_request(self._table))
        except ClientError as exc:
            refused_item(exc)
            raise TaskNotRunningError(f"The task {ref} of the run {run_id} is not running.") from exc

    def _begin_run_and_task(self, run_id: UUID, ref: str, updates: Sequence[Update]) -> None:
        try:
            self._client.transact_write_items(
                TransactItems=[{"Update": update.to_request(self._table)} for update in updates]  # type: ignore[typeddict-item]
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != TRANSACTION_CANCELED:
                raise
            run_reason, task_reason = exc.response["CancellationReasons"]
            if run_reason["Code"] == "ConditionalCheckFailed":
                raise _refusal(run_id, run_reason.get("Item")) from exc
            if task_reason["Code"] == "ConditionalCheckFailed":
                raise TaskNotRunningError(f"The task {ref} of the run {run_id} is not running.") from exc
            raise  # a conflict or throttling: Lambda's caller tries again

    def _query(self, run_id: UUID) -> Iterator[Item]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "run_id = :run_id",
            "ExpressionAttributeValues": {":run_id": {"S": str(run_id)}},
            "ConsistentRead": True,
        }
        return read_all(self._client, request)

    def _batch_get(self, keys: list[Any]) -> Iterator[Item]:
        wanted: Mapping[str, Any] = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for attempt in range(READ_ATTEMPTS):
            answer = self._client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._table, [])
            wanted = answer["UnprocessedKeys"]
            if not wanted:
                return
            self._sleep(0.05 * 2**attempt)
        raise TimeoutError("DynamoDB left keys of BatchGetItem unread six times: the table is throttled.")


def _task_update(
    run_id: UUID, ref: str, values: Mapping[str, str | int | None], remove: tuple[str, ...] = ()
) -> Update:
    return Update(task_key(run_id, ref), values, frozenset({TaskStatus.RUNNING}), remove=remove)


def _exists(run: Run) -> RunExistsError:
    return RunExistsError(f"The run {run.run_id} is already stored.")


def _refusal(run_id: UUID, item: Item | None) -> Exception:
    if not item:
        return RunNotFoundError(f"There is no run {run_id}.")
    return refused_move(run_id, RunStatus(item["status"]["S"]))


def _with_tasks(run_id: UUID, items: Iterable[Item]) -> RunWithTasks:
    run, tasks = None, {}
    for item in items:
        kind = item["item"]["S"]
        if kind == RUN_ITEM:
            run = read_run(item)
        elif kind.startswith(TASK_PREFIX):
            tasks[kind.removeprefix(TASK_PREFIX)] = read_task(item)
    if run is None:
        raise RunNotFoundError(f"There is no run {run_id}.")
    return RunWithTasks(run, tasks)
