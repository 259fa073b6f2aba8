"""What a sweep is there for: Step Functions takes no start, nobody hears of an execution's end; and time passes."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
from botocore.exceptions import ClientError

from local.stack import LocalStack
from stepcall.domain.run import Run
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.runtime import client_wiring, wiring
from stepcall.stores.dynamo_items import run_key, write_time, write_values

EVENTS = Path(__file__).parents[2] / "events"
SECONDS_TO_END = 20


@contextmanager
def starts_throttled() -> Iterator[None]:
    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")

    events = client_wiring.stepfunctions().meta.events
    events.register("before-call.sfn.StartExecution", throttle)
    try:
        yield
    finally:
        events.unregister("before-call.sfn.StartExecution", throttle)


@contextmanager
def status_events_lost(stack: LocalStack) -> Iterator[None]:
    """AWS delivers them by best effort."""
    client, rule = boto3.client("events"), stack.deployment.names["RecordExecutionStatusFunctionEndedExecution"]
    client.disable_rule(Name=rule)
    try:
        yield
    finally:
        client.enable_rule(Name=rule)


def invoke(stack: LocalStack, name: str, event: Any) -> Any:
    """What the function of this logical id answers, or the error it raised."""
    return json.loads(stack.functions.invoke(stack.deployment.names[name], json.dumps(event)).payload)


def sweep(stack: LocalStack) -> Any:
    return invoke(stack, "SweepRunsFunction", json.loads((EVENTS / "sweep_runs.json").read_text()))


def make_older(stack: LocalStack, run_id: UUID, by: timedelta) -> None:
    """As if the run had been made that much earlier."""
    created_at = write_time(found(run_id).run.created_at - by)
    boto3.client("dynamodb").update_item(
        TableName=stack.deployment.names["RunsTable"],
        Key=run_key(run_id),
        UpdateExpression="SET created_at = :earlier",
        ExpressionAttributeValues=write_values({":earlier": created_at}),
    )


def found(run_id: UUID) -> RunWithTasks:
    return wiring.worker_dependencies().runs.get_for_end(run_id)


def ended(run_id: UUID) -> Run:
    """The run once it has ended."""
    return _once(run_id, lambda run: run.status.has_ended)


def begun(run_id: UUID) -> Run:
    """The run once its first task has begun."""
    return _once(run_id, lambda run: run.started_at is not None)


def _once(run_id: UUID, is_so: Callable[[Run], bool]) -> Run:
    deadline = time.monotonic() + SECONDS_TO_END
    while not is_so(run := found(run_id).run):
        assert time.monotonic() < deadline, f"the run is still {run.status}"
        time.sleep(0.02)
    return run


def tell_end(stack: LocalStack, run: Run, status: str, *, name: str = "") -> Any:
    """As EventBridge tells of the run's execution, or of one of that name on the same machine."""
    event = json.loads((EVENTS / "record_execution_status.json").read_text())
    machine_arn = f"{event['detail']['stateMachineArn'].rpartition('-')[0]}-{run.content_hash}"
    event["detail"] |= {"name": name or run.execution_name, "stateMachineArn": machine_arn, "status": status}
    return invoke(stack, "RecordExecutionStatusFunction", event)


def abort(run: Run) -> None:
    """As an operator does it in Step Functions' console."""
    wiring.engine().stop(run.execution_name, run.content_hash, "Stopped by hand.")
