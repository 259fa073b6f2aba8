"""A run is resumed by one transaction: its record's move, and a look at the claim to its output table.

It is a transaction without a claim too: AWS's client may send it again when the answer to it is lost, and DynamoDB
answers that as the first time. Of a plain update nobody could say whether this request has done it or another.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepcall.domain.json_text import write_json
from stepcall.domain.run import RESUMABLE, Run
from stepcall.stores.dynamo_items import (
    OUTRUN,
    PROVIDER_KEY,
    TRANSACTION_CANCELED,
    codes_of,
    payload_values,
    run_key,
    write_attempt,
    write_time,
)
from stepcall.stores.dynamo_new_runs import ATTEMPTS, PAUSE, WAS_THERE
from stepcall.stores.dynamo_table_claims import claim_key
from stepcall.stores.dynamo_update import Update, Value, refusal
from stepcall.stores.run_store import TableClaimedError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

OF_AN_END = (
    "completed_at",
    "started_at",
    "error",
    "output",
    "output_key",
    "output_size",
    "cancelled_from",
    "expires_at",
)


def resume_in(
    client: "DynamoDBClient",
    table: str,
    move: tuple[Run, Run],
    *,
    claimed: str | None,
    sleep: Callable[[float], None],
) -> None:
    """See RunStore.resume; `move` is the run as it was seen, and as it is to be. A conflict is waited out."""
    seen, resumed = move
    items: Any = [{"Update": _update(seen, resumed).to_request(table)}]
    items += [{"ConditionCheck": _still_claimed(table, seen, claimed)}] if claimed else []
    for attempt in range(ATTEMPTS):
        try:
            client.transact_write_items(TransactItems=items)
        except ClientError as exc:
            _raise_refusal(exc, seen)
            if attempt == ATTEMPTS - 1:
                raise
            sleep(PAUSE * 2**attempt)
        else:
            return


def _update(seen: Run, resumed: Run) -> Update:
    values: dict[str, Value] = {
        "status": resumed.status.value,
        "open": "1",
        "run_attempt": write_attempt(resumed.run_attempt),
        "resumed_at": write_time(resumed.accepted_at),
        "kept_refs": write_json(sorted(resumed.kept_refs)),
        "workflow_version": resumed.workflow_version,
        "workflow_name": resumed.workflow_name or None,
        "workflow_type": resumed.workflow_type or None,
        "content_hash": resumed.content_hash,
        "deadline": write_time(resumed.deadline) if resumed.deadline else None,
        PROVIDER_KEY: resumed.provider_key,
        **payload_values("input", resumed.input),
    }
    gone = (name for name, value in values.items() if value is None)
    return Update(run_key(seen.run_id), values, RESUMABLE, remove=(*OF_AN_END, *gone), of_attempt=seen.run_attempt)


def _still_claimed(table: str, run: Run, claimed: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": claim_key(run.tenant, claimed),
        "ConditionExpression": "claimed_by = :run_id",
        "ExpressionAttributeValues": {":run_id": {"S": str(run.run_id)}},
    }


def _raise_refusal(exc: ClientError, seen: Run) -> None:
    """Nothing for a conflict. Raises again what is not ours to judge: throttling, for one."""
    if exc.response["Error"]["Code"] != TRANSACTION_CANCELED or not codes_of(exc) <= OUTRUN:
        raise exc
    of_run, *of_claim = exc.response["CancellationReasons"]
    if of_run["Code"] == WAS_THERE:
        raise refusal(seen, of_run.get("Item")) from exc
    if any(reason["Code"] == WAS_THERE for reason in of_claim):
        raise TableClaimedError("Another run has claimed the table.") from exc
