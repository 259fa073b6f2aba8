"""Which run writes an output table: one item in a partition of its own, beside the runs."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stepcall.domain.run import TABLE_LIFE, TableClaim
from stepcall.stores.dynamo_items import Item, read_values, write_time, write_values

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

CLAIM_ITEM = "TABLE"


def claim_key(tenant: str, table: str) -> "dict[str, AttributeValueTypeDef]":
    return {"run_id": {"S": f"TABLE#{tenant}#{table}"}, "item": {"S": CLAIM_ITEM}}


def put_claim(table: str, claim: TableClaim, seen: UUID | None) -> dict[str, Any]:
    """The arguments of PutItem that put a claim in place of the one of `seen`, or of none."""
    item = claim_key(claim.tenant, claim.table) | write_values(_values_of(claim))
    put = {"TableName": table, "Item": item}
    if seen is None:
        return put | {"ConditionExpression": "attribute_not_exists(run_id)"}
    was_seen = {":seen": {"S": str(seen)}}
    return put | {"ConditionExpression": "claimed_by = :seen", "ExpressionAttributeValues": was_seen}


def read_claim(item: Item) -> TableClaim:
    values = read_values(item)
    complete = values.get("complete_run_id")
    return TableClaim(
        tenant=values["owner"],
        table=values["table"],
        run_id=UUID(values["claimed_by"]),
        fingerprint=values["fingerprint"],
        workflow_version=values["workflow_version"],
        claimed_at=datetime.fromisoformat(values["claimed_at"]),
        complete_run_id=UUID(complete) if complete else None,
    )


def _values_of(claim: TableClaim) -> dict[str, str | int | bytes | None]:
    """It says `owner` and not `tenant`, so that no index holds it."""
    return {
        "owner": claim.tenant,
        "table": claim.table,
        "claimed_by": str(claim.run_id),
        "fingerprint": claim.fingerprint,
        "workflow_version": claim.workflow_version,
        "claimed_at": write_time(claim.claimed_at),
        "complete_run_id": str(claim.complete_run_id) if claim.complete_run_id else None,
        "expires_at": int((claim.claimed_at + TABLE_LIFE).timestamp()),
    }
