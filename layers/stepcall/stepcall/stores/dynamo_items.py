"""Records as DynamoDB items: the attribute names of the runs table, and how values are written.

JSON is kept as text, so numbers stay as they were sent (a DynamoDB number has 38 digits).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import ErrorReason
from stepcall.domain.json_text import read_json, write_json
from stepcall.domain.run import (
    ErrorResult,
    JobCall,
    Run,
    RunStatus,
    RunSummary,
    StoredPayload,
    TaskRun,
    TaskStatus,
    TimeRange,
)
from stepcall.domain.run_mode import RunMode
from stepcall.domain.task_control import index_of, instance_ref, is_instance, whole_ref
from stepcall.stores.parent_text import read_parent, write_parent

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

Item = Mapping[str, Any]
RUN_ITEM = "RUN"
TASK_PREFIX = "TASK#"
INSTANCES = f"{TASK_PREFIX}~"
"""Behind all other records of a run, as no ref begins so: who reads a run stops before them."""
PROVIDER_KEY = "provider_key"
TASK_TOKEN = "task_token"  # noqa: S105 - an attribute's name
"""What the machine waits with for a task's end, in that task's item alone."""
TRANSACTION_CANCELED = "TransactionCanceledException"
OUTRUN = frozenset({"None", "ConditionalCheckFailed", "TransactionConflict"})
"""Why a transaction did not do what somebody else has done, is doing, or has made impossible."""


def run_key(run_id: UUID) -> "dict[str, AttributeValueTypeDef]":
    return {"run_id": {"S": str(run_id)}, "item": {"S": RUN_ITEM}}


def task_key(run_id: UUID, ref: str) -> "dict[str, AttributeValueTypeDef]":
    return {"run_id": {"S": str(run_id)}, "item": {"S": write_ref(ref)}}


def write_ref(ref: str) -> str:
    """The sort key of a task's record: `TASK#page`, and `TASK#~page#00017` of its instance `page[17]`."""
    return instance_item(whole_ref(ref), index_of(ref)) if is_instance(ref) else TASK_PREFIX + ref


def instance_item(ref: str, index: int) -> str:
    """So that they are listed in the order of their indexes."""
    return f"{INSTANCES}{ref}#{index:05}"


def read_ref(item: str) -> str:
    """What `write_ref` has written."""
    ref, _, index = item.removeprefix(INSTANCES).partition("#")
    return instance_ref(ref, int(index)) if item.startswith(INSTANCES) else item.removeprefix(TASK_PREFIX)


def workflow_key(tenant: str, workflow_id: UUID) -> str:
    """The partition of the index `by_workflow`: the tenant is part of it, so that a list cannot leave its tenant."""
    return f"{tenant}#{workflow_id}"


def write_values(values: Mapping[str, str | int | bytes | None]) -> "dict[str, AttributeValueTypeDef]":
    """Values as attributes; None is not written."""
    return {name: _write_value(value) for name, value in values.items() if value is not None}


def _write_value(value: str | int | bytes) -> "AttributeValueTypeDef":
    if isinstance(value, bytes):
        return {"B": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def read_values(item: Item) -> dict[str, Any]:
    return {name: int(value["N"]) if "N" in value else next(iter(value.values())) for name, value in item.items()}


def write_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def payload_values(name: str, payload: StoredPayload | None) -> dict[str, str | int | None]:
    if payload is None:
        return {}
    return {name: payload.inline, f"{name}_key": payload.key, f"{name}_size": payload.size}


def read_payload(values: Mapping[str, Any], name: str) -> StoredPayload | None:
    if f"{name}_size" not in values:
        return None
    return StoredPayload(values[f"{name}_size"], values.get(name), values.get(f"{name}_key"))


def write_error(error: ErrorResult | None) -> str | None:
    return None if error is None else write_json(error.to_json())


def read_error(text: str | None) -> ErrorResult | None:
    if text is None:
        return None
    error = read_json(text)
    return ErrorResult(ErrorReason(error["reason"]), error["location"], error["message"])


def run_values(run: Run) -> dict[str, str | int | bytes | None]:
    """A new run. `open` is there while a run has not ended: the index `open_runs` holds only items that have it.

    One that has ended already is stored whole but for `expires_at`, which is its store's to say.
    """
    return {
        "run_id": str(run.run_id),
        "item": RUN_ITEM,
        "tenant": run.tenant,
        "principal": run.principal,
        "workflow_key": workflow_key(run.tenant, run.workflow_id),
        "workflow_id": str(run.workflow_id),
        "workflow_version": run.workflow_version,
        "content_hash": run.content_hash,
        "status": run.status.value,
        "created_at": write_time(run.created_at),
        "principal_id": run.principal_id or None,
        "workflow_name": run.workflow_name or None,
        "workflow_type": run.workflow_type or None,
        "run_mode": None if run.run_mode is RunMode.FULL else run.run_mode.value,
        "range_start": write_time(run.time_range.start) if run.time_range else None,
        "range_end": write_time(run.time_range.end) if run.time_range else None,
        **payload_values("input", run.input),
        "job": write_job(run.job),
        "run_attempt": write_attempt(run.run_attempt),
        "correlation_id": run.correlation_id or None,
        "deadline": write_time(run.deadline) if run.deadline else None,
        "webhook_url": run.webhook_url,
        "trigger_depth": run.trigger_depth or None,
        "trigger_ids": write_json([str(each) for each in run.trigger_ids]) if run.trigger_ids else None,
        "parent": write_parent(run.parent),
        **(_end_values(run) if run.status.has_ended else {"open": "1", PROVIDER_KEY: run.provider_key}),
    }


def _end_values(run: Run) -> dict[str, str | int | bytes | None]:
    return {
        "completed_at": write_time(run.completed_at) if run.completed_at else None,
        **payload_values("output", run.output),
        "error": write_error(run.error),
        "reused_run_id": str(run.reused_run_id) if run.reused_run_id else None,
    }


def write_job(job: JobCall | None) -> str | None:
    """As one attribute: indexes hold it whole or not at all."""
    if job is None:
        return None
    written = {
        "query": job.query,
        "connection": job.connection,
        "connection_id": str(job.connection_id),
        "location": job.location,
    }
    return write_json(written | ({"output_table": job.output_table} if job.output_table else {}))


def read_job(text: str | None) -> JobCall | None:
    if text is None:
        return None
    job = read_json(text)
    return JobCall(
        query=job["query"],
        connection=job["connection"],
        connection_id=UUID(job["connection_id"]),
        location=job["location"],
        output_table=job.get("output_table"),
    )


def _summary_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_id": UUID(values["run_id"]),
        "tenant": values["tenant"],
        "principal": values["principal"],
        "workflow_id": UUID(values["workflow_id"]),
        "workflow_version": values["workflow_version"],
        "status": RunStatus(values["status"]),
        "created_at": read_time(values["created_at"]),
        "started_at": read_time(values.get("started_at")),
        "completed_at": read_time(values.get("completed_at")),
        "job": read_job(values.get("job")),
        "error": read_error(values.get("error")),
        "principal_id": values.get("principal_id", ""),
        "workflow_name": values.get("workflow_name", ""),
        "workflow_type": values.get("workflow_type", ""),
    }


def read_summary(item: Item) -> RunSummary:
    """A run from an index."""
    return RunSummary(**_summary_of(read_values(item)))


def read_run(item: Item) -> Run:
    values = read_values(item)
    return Run(
        **_summary_of(values),
        content_hash=values["content_hash"],
        input=_present(read_payload(values, "input")),
        output=read_payload(values, "output"),
        provider_key=values.get(PROVIDER_KEY),
        run_mode=RunMode(values.get("run_mode", RunMode.FULL)),
        time_range=_read_range(values),
        reused_run_id=UUID(values["reused_run_id"]) if "reused_run_id" in values else None,
        run_attempt=values.get("run_attempt", 1),
        correlation_id=values.get("correlation_id", ""),
        deadline=read_time(values.get("deadline")),
        webhook_url=values.get("webhook_url"),
        cancelled_from=RunStatus(values["cancelled_from"]) if "cancelled_from" in values else None,
        resumed_at=read_time(values.get("resumed_at")),
        kept_refs=frozenset(read_json(values.get("kept_refs", "[]"))),
        trigger_depth=values.get("trigger_depth", 0),
        trigger_ids=tuple(map(UUID, read_json(values.get("trigger_ids", "[]")))),
        parent=read_parent(values.get("parent")),
    )


def _read_range(values: Mapping[str, Any]) -> TimeRange | None:
    start, end = read_time(values.get("range_start")), read_time(values.get("range_end"))
    return TimeRange(start, end) if start and end else None


def read_task(item: Item) -> TaskRun:
    values = read_values(item)
    return TaskRun(
        ref=read_ref(values["item"]),
        status=TaskStatus(values["status"]),
        attempts=values.get("attempts", 0),
        started_at=read_time(values.get("started_at")),
        completed_at=read_time(values.get("completed_at")),
        output=read_payload(values, "output"),
        error=read_error(values.get("error")),
        run_attempt=values.get("run_attempt", 1),
        awaited=read_awaited(values.get("awaited")),
        decided_by=values.get("decided_by"),
        instances=values.get("instances"),
    )


def write_awaited(awaited: Awaited) -> str:
    expiry = write_time(awaited.expires_at) if awaited.expires_at else None
    child = {"child_run_id": awaited.child_run_id, "child_workflow_id": awaited.child_workflow_id}
    told = {name: str(each) for name, each in child.items() if each}
    return write_json({"message": awaited.message, "expires_at": expiry} | told)


def read_awaited(text: str | None) -> Awaited | None:
    if text is None:
        return None
    awaited = read_json(text)
    run_id, workflow_id = (
        UUID(awaited[name]) if name in awaited else None for name in ("child_run_id", "child_workflow_id")
    )
    return Awaited(awaited["message"], read_time(awaited["expires_at"]), run_id, workflow_id)


def write_attempt(run_attempt: int) -> int | None:
    """The first is not written: nearly every run has no other."""
    return None if run_attempt == 1 else run_attempt


def attempt_of(item: Item) -> int:
    """The attempt of its run that a run's or a task's record is of."""
    return int(item["run_attempt"]["N"]) if "run_attempt" in item else 1


def _present(payload: StoredPayload | None) -> StoredPayload:
    if payload is None:
        raise ValueError("The run's record has no input.")
    return payload


def codes_of(error: ClientError) -> set[str]:
    """Why DynamoDB refused each write of a transaction, or all of it."""
    reasons: Any = error.response.get("CancellationReasons", [{"Code": error.response["Error"]["Code"]}])
    return {reason["Code"] for reason in reasons}
