"""What workers write of tasks: one conditional write each, which changes nothing once a later attempt has the task.

A task's record says which attempt of its run has written it, where that is not the first. Tasks are not compared with
their run's record: that would double the price of each write. What a late worker writes into a record that no later
attempt has begun yet does not count (RunWithTasks), and is overwritten when one begins.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepcall.domain.awaited import Awaited
from stepcall.domain.run import (
    ErrorResult,
    Run,
    RunAttempt,
    RunStatus,
    StoredPayload,
    TaskEnd,
    TaskStatus,
    statuses_before,
)
from stepcall.domain.task_control import is_instance, whole_ref
from stepcall.stores.dynamo_items import (
    TASK_TOKEN,
    TRANSACTION_CANCELED,
    Item,
    attempt_of,
    payload_values,
    run_key,
    task_key,
    write_attempt,
    write_awaited,
    write_error,
    write_time,
)
from stepcall.stores.dynamo_transactions import REFUSED, refused_writes, write_together
from stepcall.stores.dynamo_update import Update, Value, refusal, refused_item
from stepcall.stores.run_store import TaskNotRunningError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

LONGEST_EXECUTION = timedelta(days=366)  # Step Functions ends a standard execution after a year
OF_AN_ATTEMPT = (
    *("attempts", "started_at", "output", "output_key", "output_size", "error", "completed_at", "instances"),
    *(TASK_TOKEN, "awaited", "decided_by"),
)
"""What a later attempt does not take over."""


class TaskWrites:
    """`retention` is how long a finished run is kept."""

    def __init__(self, client: "DynamoDBClient", table: str, retention: timedelta) -> None:
        self._client = client
        self._table = table
        self._life = LONGEST_EXECUTION + retention

    def begin(self, run: Run, ref: str, *, attempt: int, now: datetime) -> None:
        begin = self._begin(run, ref, attempt, now)
        # what an attempt before has left is taken over; of two deliveries one does it, and the other finds it done
        for write in (begin, _taken_over(begin, run), begin):
            stored = self._try_to_begin(run, write, now)
            if stored is None:
                return
            if write is begin and attempt_of(stored) >= run.run_attempt:
                break
        raise _not_running(run, ref)

    def complete(self, run: RunAttempt, ref: str, output: StoredPayload, now: datetime) -> None:
        values: dict[str, Value] = {"status": TaskStatus.COMPLETED.value, "completed_at": write_time(now)}
        done = _task_update(run, ref, values | payload_values("output", output))
        self._write(run, ref, replace(done, remove=("error",)))

    def skip(self, run: RunAttempt, ref: str, now: datetime) -> None:
        values: dict[str, Value] = {"status": TaskStatus.SKIPPED.value, "completed_at": write_time(now)}
        self._write(run, ref, replace(_task_update(run, ref, values), remove=("error",)))

    def record_error(self, run: RunAttempt, ref: str, error: ErrorResult) -> None:
        self._write(run, ref, _task_update(run, ref, {"error": write_error(error)}))

    def set_instances(self, run: RunAttempt, ref: str, instances: int) -> None:
        self._write(run, ref, _task_update(run, ref, {"instances": instances}))

    def fail(self, run: RunAttempt, ref: str, error: ErrorResult, now: datetime) -> None:
        values = {
            "status": TaskStatus.FAILED.value,
            "completed_at": write_time(now),
            "error": write_error(error),
            "run_attempt": write_attempt(run.run_attempt),
        }
        failed = replace(_task_update(run, ref, values), allowed_when_absent=True, set_once=self._expiry(now))
        stored = self._try(failed)
        if stored is None:
            return
        if attempt_of(stored) >= run.run_attempt or self._try(_taken_over(failed, run)) is not None:
            raise _not_running(run, ref)

    def await_end(self, run: RunAttempt, ref: str, awaited: Awaited, token: str, attempt: int) -> None:
        values: dict[str, Value] = {TASK_TOKEN: token, "awaited": write_awaited(awaited)}
        self._write(run, ref, replace(_task_update(run, ref, values), seen={"attempts": attempt + 1}))

    def settle(self, run: RunAttempt, ref: str, end: TaskEnd) -> None:
        """A transaction: a run that ends at this moment ends without it, or after it."""
        settled = _settled(run, ref, end)
        items = [
            {"ConditionCheck": _is_running(run).to_check(self._table)},
            {"Update": settled.to_request(self._table)},
        ]
        if is_instance(ref):
            whole = _task_update(run, whole_ref(ref), {})
            items.append({"ConditionCheck": whole.to_check(self._table)})
        try:
            write_together(self._client, self._table, items)
        except ClientError as exc:
            refused = refused_writes(exc)
            if not any(refused):
                raise
            _raise_unless_same(run, ref, settled, exc)

    def _begin(self, run: Run, ref: str, attempt: int, now: datetime) -> Update:
        values: dict[str, Value] = {"status": TaskStatus.RUNNING.value, "attempts": attempt + 1}
        return replace(
            _task_update(run, ref, values | {"run_attempt": write_attempt(run.run_attempt)}),
            allowed_when_absent=True,
            set_once={"started_at": write_time(now), **self._expiry(now)},
        )

    def _expiry(self, now: datetime) -> dict[str, Value]:
        # tasks go with their run; no run outlasts its execution, so this never takes one from a run that goes on
        return {"expires_at": int((now + self._life).timestamp())}

    def _try_to_begin(self, run: Run, begin: Update, now: datetime) -> Item | None:
        """None when it has begun, else the task's record, which is another than the write is meant for."""
        if run.status is not RunStatus.PENDING:
            return self._try(begin)
        return self._begin_with_run(run, begin_run(run, now), begin)

    def _try(self, update: Update) -> Item | None:
        """None when it is written, else what stands there."""
        try:
            self._client.update_item(**update.to_request(self._table))
        except ClientError as exc:
            return refused_item(exc) or {}
        return None

    def _write(self, run: RunAttempt, ref: str, update: Update) -> None:
        if self._try(update) is not None:
            raise _not_running(run, ref)

    def _begin_with_run(self, run: Run, start: Update, begin: Update) -> Item | None:
        items = [{"Update": update.to_request(self._table)} for update in (start, begin)]
        try:
            write_together(self._client, self._table, items)  # other branches begin as well
        except ClientError as exc:
            return _stored_instead(run, exc)
        return None


def _stored_instead(run: RunAttempt, error: ClientError) -> Item | None:
    """The task's record where that is why nothing has begun. Raises why, otherwise."""
    if error.response["Error"]["Code"] != TRANSACTION_CANCELED:
        raise error
    of_run, of_task = error.response["CancellationReasons"]
    if of_run["Code"] == REFUSED:
        raise refusal(run, of_run.get("Item")) from error
    if of_task["Code"] == REFUSED:
        return of_task.get("Item") or {}
    raise error  # still a conflict, or throttling: Lambda's caller tries again


def _raise_unless_same(run: RunAttempt, ref: str, settled: Update, error: ClientError) -> None:
    """Why nothing was settled. AWS's client tries again when an answer is lost: it may be settled just so."""
    reasons: Any = error.response["CancellationReasons"]
    stored = reasons[1].get("Item") or {}
    same = replace(settled, set={name: value for name, value in settled.set.items() if name != "completed_at"})
    if attempt_of(stored) == run.run_attempt and same.has_set(stored):
        return
    if reasons[0]["Code"] == REFUSED:
        raise refusal(run, reasons[0].get("Item")) from error
    raise _not_running(run, ref) from error


def _is_running(run: RunAttempt) -> Update:
    return Update(
        key=run_key(run.run_id),
        set={},
        allowed_from=frozenset({RunStatus.RUNNING}),
        seen={"content_hash": run.content_hash},
        of_attempt=run.run_attempt,
    )


def _settled(run: RunAttempt, ref: str, end: TaskEnd) -> Update:
    values: dict[str, Value] = {
        "status": end.status.value,
        "completed_at": write_time(end.completed_at),
        **payload_values("output", end.output),
        "error": write_error(end.error),
        "decided_by": end.decided_by,
    }
    gone = ("error",) if end.error is None else ()
    return replace(_task_update(run, ref, values), remove=gone, present=(TASK_TOKEN,))


def begin_run(run: RunAttempt, now: datetime) -> Update:
    """RUNNING already is fine: tasks may begin at once."""
    return Update(
        key=run_key(run.run_id),
        set={"status": RunStatus.RUNNING.value},
        set_once={"started_at": write_time(now)},
        allowed_from=statuses_before(RunStatus.RUNNING) | {RunStatus.RUNNING},
        seen={"content_hash": run.content_hash},
        of_attempt=run.run_attempt,
    )


def _task_update(run: RunAttempt, ref: str, values: Mapping[str, Value]) -> Update:
    """Of a task that this attempt has under way."""
    key, under_way = task_key(run.run_id, ref), frozenset({TaskStatus.RUNNING})
    return Update(key, values, under_way, of_attempt=run.run_attempt)


def _taken_over(update: Update, run: RunAttempt) -> Update:
    """The same over what an earlier attempt has left, of which nothing stays."""
    written = {**update.set, **update.set_once}
    return replace(
        update,
        set=written,
        set_once={},
        remove=tuple(name for name in OF_AN_ATTEMPT if name not in written),
        allowed_from=frozenset(TaskStatus),
        allowed_when_absent=False,
        of_attempt=None,
        before_attempt=run.run_attempt,
    )


def _not_running(run: RunAttempt, ref: str) -> TaskNotRunningError:
    return TaskNotRunningError(f"The task {ref} of the run {run.run_id} is not running.")
