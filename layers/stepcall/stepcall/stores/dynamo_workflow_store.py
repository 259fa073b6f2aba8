"""Workflows in DynamoDB: a head item that changes, and one item per version that never does.

A definition is kept as compressed JSON, so that one of 1,000 tasks fits into an item (400 KB).
Every change is one transaction: an entry that is new, the head, if it is still the one that was read, and what becomes
of the claim to a `config_id`, an item of its own in its tenant's partition.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.connection import SqlEngine
from stepcall.domain.json_text import read_json
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from stepcall.stores.dynamo_items import (
    OUTRUN,
    Item,
    codes_of,
    read_time,
    read_values,
    write_time,
    write_values,
)
from stepcall.stores.dynamo_pages import read_page
from stepcall.stores.workflow_store import (
    MAX_VERSION,
    ConfigIdTakenError,
    VersionConflictError,
    VersionPage,
    VersionSummary,
    WorkflowNotFoundError,
    WorkflowPage,
    WorkflowSummary,
    check_follows,
    compress_definition,
    compress_types,
    searchable,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from stepcall.domain.custom_type import CustomType

HEAD = "HEAD"
VERSION_PREFIX = "V#"
DELETED = f"{VERSION_PREFIX}DELETED"
"""Sorts after every version: whoever looks for the newest one meets this first."""
NEW = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class DynamoWorkflowStore:
    """See WorkflowStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put_first(self, version: WorkflowVersion) -> None:
        self._change(_version_item(version), _head_item(version), NEW, self._claims_of(version, None))

    def put_next(self, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        check_follows(version, newest)
        still_newest = _head_is(newest.tenant, newest.version)
        self._change(_version_item(version), _head_item(version), still_newest, self._claims_of(version, newest))

    def delete(self, newest: WorkflowVersion, now: datetime) -> None:
        values: dict[str, str | int | None] = {
            "owner": newest.tenant,  # no `tenant`: that takes the head out of the index `by_tenant`
            "workflow_id": str(newest.workflow_id),
            "latest_version": newest.version,
            "deleted_at": write_time(now),
        }
        head, tombstone = (_key(newest.workflow_id, sk) | write_values(values) for sk in (HEAD, DELETED))
        still_newest = _head_is(newest.tenant, newest.version)
        self._change(tombstone, head, still_newest, self._claims_of(None, newest))

    def find_config_id(self, tenant: str, config_id: str) -> UUID:
        key = _claim_key(tenant, config_id)
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            raise WorkflowNotFoundError("There is no workflow of this config_id.")
        return UUID(item["workflow_id"]["S"])

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :version)",
            ExpressionAttributeValues=write_values({":pk": _pk(workflow_id), ":version": VERSION_PREFIX}),
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        if not answer["Items"] or answer["Items"][0]["sk"]["S"] == DELETED:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        latest = _read_version(answer["Items"][0])
        if latest.tenant != tenant:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        return latest

    def get_latest_now(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        return self.get_latest(tenant, workflow_id)

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        answer = self._client.get_item(
            TableName=self._table, Key=_key(workflow_id, _version_sk(version)), ConsistentRead=True
        )
        if "Item" not in answer:
            raise WorkflowNotFoundError(f"The workflow {workflow_id} has no version {version}.")
        return _read_version(answer["Item"])

    def list_by_tenant(self, tenant: str, *, name: str | None, limit: int, after: UUID | None) -> WorkflowPage:
        values: dict[str, str | int | None] = {":tenant": tenant}
        request: dict[str, Any] = {"TableName": self._table, "IndexName": "by_tenant", "ScanIndexForward": False}
        request["KeyConditionExpression"] = "tenant = :tenant"
        if after:
            values[":after"] = str(after)
            request["KeyConditionExpression"] += " AND workflow_id < :after"
        if name:
            values[":name"] = searchable(name)
            request["FilterExpression"] = "contains(search_name, :name)"
        request["ExpressionAttributeValues"] = write_values(values)
        items, last = read_page(self._client, request, limit)
        return WorkflowPage([_read_summary(item) for item in items], UUID(last["workflow_id"]["S"]) if last else None)

    def list_versions(self, workflow_id: UUID, *, limit: int, after: int | None) -> VersionPage:
        last_sk = _version_sk(MAX_VERSION if after is None else after - 1)
        values = {":pk": _pk(workflow_id), ":first": _version_sk(0), ":last": last_sk}
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": write_values(values),
            "ProjectionExpression": "sk, created_at",  # definitions are up to 400 KB each
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        items, last = read_page(self._client, request, limit)
        return VersionPage([_read_version_summary(item) for item in items], _read_number(last) if last else None)

    def _claims_of(self, version: WorkflowVersion | None, before: WorkflowVersion | None) -> list[dict[str, Any]]:
        """What a change does to claims: nothing, unless it changes the `config_id`. A put comes first."""
        old, new = (each.definition.config_id if each else None for each in (before, version))
        writes = list[dict[str, Any]]()
        if version and new and new != old:
            claim = _claim_key(version.tenant, new) | write_values({"workflow_id": str(version.workflow_id)})
            writes.append({"Put": {"TableName": self._table, "Item": claim, **_nobody_elses(version.workflow_id)}})
        if before and old and old != new:
            writes.append({"Delete": {"TableName": self._table, "Key": _claim_key(before.tenant, old)}})
        return writes

    def _change(
        self, entry: Item, head: Item, head_condition: Mapping[str, Any], claims: Sequence[Mapping[str, Any]]
    ) -> None:
        """All of it, or nothing. AWS's client repeats a call under one token, and DynamoDB does it once."""
        puts = [{"TableName": self._table, "Item": entry, **NEW}]
        puts += [{"TableName": self._table, "Item": head, **head_condition}]
        writes: Any = [*({"Put": put} for put in puts), *claims]
        try:
            self._client.transact_write_items(TransactItems=writes)
        except ClientError as exc:
            if not codes_of(exc) <= OUTRUN:
                raise
            reasons: Any = exc.response["CancellationReasons"]
            # a token is good for ten minutes, and not everywhere: the entry that stands there may be this one
            if reasons[0].get("Item") != entry:
                raise _refusal(reasons) from exc


def _refusal(reasons: Sequence[Mapping[str, Any]]) -> ConfigIdTakenError | VersionConflictError:
    """Why a change was not made. Only where nothing else was in its way is the claim known to be another workflow's."""
    if [reason["Code"] for reason in reasons[:3]] == ["None", "None", "ConditionalCheckFailed"]:
        return ConfigIdTakenError(UUID(reasons[2]["Item"]["workflow_id"]["S"]))
    return VersionConflictError("Another change of the workflow came first; read it again.")


def _pk(workflow_id: UUID) -> str:
    return f"WORKFLOW#{workflow_id}"


def _version_sk(version: int) -> str:
    return f"{VERSION_PREFIX}{version:010d}"


def _read_number(item: Item) -> int:
    return int(item["sk"]["S"].removeprefix(VERSION_PREFIX))


def _read_version_summary(item: Item) -> VersionSummary:
    return VersionSummary(_read_number(item), datetime.fromisoformat(item["created_at"]["S"]))


def _key(workflow_id: UUID, sk: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": _pk(workflow_id), "sk": sk})


def _claim_key(tenant: str, config_id: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": f"CONFIG#{tenant}", "sk": config_id})


def _nobody_elses(workflow_id: UUID) -> dict[str, Any]:
    return {
        "ConditionExpression": "attribute_not_exists(pk) OR workflow_id = :mine",
        "ExpressionAttributeValues": write_values({":mine": str(workflow_id)}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",  # whose it is
    }


def _head_is(tenant: str, latest_version: int) -> dict[str, Any]:
    return {
        "ConditionExpression": "tenant = :tenant AND latest_version = :latest",
        "ExpressionAttributeValues": write_values({":tenant": tenant, ":latest": latest_version}),
    }


def _head_item(version: WorkflowVersion) -> "dict[str, AttributeValueTypeDef]":
    values: dict[str, str | int | None] = {
        "tenant": version.tenant,  # the index `by_tenant` holds the items that have it: heads
        "workflow_id": str(version.workflow_id),
        "latest_version": version.version,
        "name": version.definition.name,
        "search_name": searchable(version.definition.name),
        "description": version.definition.description,
        "created_at": write_time(version.workflow_created_at),
        "updated_at": write_time(version.created_at),
        "type": version.definition.type,
        "config_id": version.definition.config_id,
    }
    return _key(version.workflow_id, HEAD) | write_values(values)


def _read_summary(item: Item) -> WorkflowSummary:
    values = read_values(item)
    return WorkflowSummary(
        workflow_id=UUID(values["workflow_id"]),
        latest_version=values["latest_version"],
        name=values["name"],
        description=values.get("description"),
        created_at=datetime.fromisoformat(values["created_at"]),
        updated_at=datetime.fromisoformat(values["updated_at"]),
        type=values.get("type"),
        config_id=values.get("config_id"),
    )


def _version_item(version: WorkflowVersion) -> "dict[str, AttributeValueTypeDef]":
    values: dict[str, str | int | None] = {
        "owner": version.tenant,
        "workflow_id": str(version.workflow_id),
        "version": version.version,
        "created_at": write_time(version.created_at),
        "first_created_at": write_time(version.first_created_at) if version.first_created_at else None,
        "sql_engine": version.sql_engine.value if version.sql_engine else None,
    }
    key = _key(version.workflow_id, _version_sk(version.version))
    item = key | write_values(values) | {"definition": {"B": compress_definition(version.definition)}}
    return item | ({"custom_types": {"B": compress_types(version.custom_types)}} if version.custom_types else {})


def _read_version(item: Item) -> WorkflowVersion:
    values = read_values(item)
    return WorkflowVersion(
        workflow_id=UUID(values["workflow_id"]),
        version=values["version"],
        tenant=values["owner"],
        definition=WorkflowDefinition.from_json(read_json(zlib.decompress(values["definition"]))),
        created_at=datetime.fromisoformat(values["created_at"]),
        first_created_at=read_time(values.get("first_created_at")),
        sql_engine=SqlEngine(values["sql_engine"]) if "sql_engine" in values else None,
        custom_types=_read_types(values["custom_types"]) if "custom_types" in values else (),
    )


def _read_types(compressed: bytes) -> "tuple[CustomType, ...]":
    from stepcall.domain.custom_type import CustomType  # noqa: PLC0415 - few workflows have one: a cold start has no time

    return tuple(CustomType.from_json(kept) for kept in read_json(zlib.decompress(compressed)))
