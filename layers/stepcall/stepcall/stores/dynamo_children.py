"""Which runs the tasks of a run have started and not seen the end of: one item each, in a partition of its own."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import Run, RunAttempt
from stepcall.domain.task_control import whole_ref
from stepcall.stores.dynamo_items import write_values
from stepcall.stores.dynamo_new_runs import Beside
from stepcall.stores.dynamo_pages import read_all
from stepcall.stores.dynamo_task_writes import LONGEST_EXECUTION
from stepcall.stores.run_store import RunExistsError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

COUNTER = "#below"
"""Of all runs below a topmost one: sorts before its own children, which begin with an attempt's number."""


def child_key(parent: ParentTask, run_id: UUID) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"run_id": _partition(parent.run_id), "item": f"{parent.run_attempt}#{run_id}"})


def _partition(run_id: UUID) -> str:
    return f"CHILDREN#{run_id}"


def beside_child(table: str, run: Run) -> Iterator[Beside]:
    """What is put with a run that a task has started: its parent's end finds it from then on."""
    if run.parent:
        item = child_key(run.parent, run.run_id) | write_values(
            {"ref": run.parent.ref, "expires_at": _expiry(run.created_at)}
        )
        yield Beside({"TableName": table, "Item": item}, RunExistsError(f"The run {run.run_id} is already stored."))


def _expiry(created_at: datetime) -> int:
    return int((created_at + LONGEST_EXECUTION).timestamp())


def list_children(client: "DynamoDBClient", table: str, parent: RunAttempt, ref: str | None) -> Iterator[UUID]:
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "run_id = :children AND begins_with(#item, :attempt)",
        "ExpressionAttributeNames": {"#item": "item"},
        "ExpressionAttributeValues": write_values(
            {":children": _partition(parent.run_id), ":attempt": f"{parent.run_attempt}#"}
        ),
        "ConsistentRead": True,
    }
    for item in read_all(client, request):
        if ref is None or whole_ref(item["ref"]["S"]) == ref:
            yield UUID(item["item"]["S"].partition("#")[2])


def count_below(client: "DynamoDBClient", table: str, topmost: UUID, now: datetime) -> int:
    """No transaction: many children of one `for_each` begin at once, and would refuse each other."""
    counted = client.update_item(
        TableName=table,
        Key=write_values({"run_id": _partition(topmost), "item": COUNTER}),
        UpdateExpression="ADD below :one SET expires_at = if_not_exists(expires_at, :expiry)",
        ExpressionAttributeValues=write_values({":one": 1, ":expiry": _expiry(now)}),
        ReturnValues="UPDATED_NEW",
    )
    return int(counted["Attributes"]["below"]["N"])


def forget_child(client: "DynamoDBClient", table: str, parent: ParentTask, run_id: UUID) -> None:
    client.delete_item(TableName=table, Key=child_key(parent, run_id))
