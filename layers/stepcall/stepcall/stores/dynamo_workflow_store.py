"""Workflows in DynamoDB: a head item that changes and one item per version that never does.

A definition is kept as compressed JSON, so that one of 1,000 tasks fits into an item (400 KB).
"""

import zlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stepcall.domain.json_text import write_json
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from stepcall.stores.dynamo_items import read_time, read_values, write_time, write_values
from stepcall.stores.workflow_store import WorkflowNotFoundError, WorkflowTooLargeError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

MAX_COMPRESSED_BYTES = 380_000
HEAD = "HEAD"


class DynamoWorkflowStore:
    """See WorkflowStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put_first(self, version: WorkflowVersion) -> None:
        head = _key(version.workflow_id, HEAD) | write_values(
            {
                "tenant": version.tenant,  # the index `by_tenant` holds the items that have it: heads
                "workflow_id": str(version.workflow_id),
                "latest_version": version.version,
                "name": version.definition.name,
                "created_at": write_time(version.created_at),
                "updated_at": write_time(version.created_at),
            }
        )
        condition = "attribute_not_exists(pk)"
        self._client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": condition}}
                for item in (head, _version_item(version))
            ]
        )

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :version)",
            ExpressionAttributeValues=write_values({":pk": _pk(workflow_id), ":version": "V#"}),
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        if not answer["Items"]:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        latest = _read_version(answer["Items"][0])
        if latest.tenant != tenant:
            raise WorkflowNotFoundError(f"There is no workflow {workflow_id}.")
        return latest

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        answer = self._client.get_item(
            TableName=self._table, Key=_key(workflow_id, _version_sk(version)), ConsistentRead=True
        )
        if "Item" not in answer:
            raise WorkflowNotFoundError(f"The workflow {workflow_id} has no version {version}.")
        return _read_version(answer["Item"])


def _pk(workflow_id: UUID) -> str:
    return f"WORKFLOW#{workflow_id}"


def _version_sk(version: int) -> str:
    return f"V#{version:010d}"


def _key(workflow_id: UUID, sk: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": _pk(workflow_id), "sk": sk})


def _version_item(version: WorkflowVersion) -> "dict[str, AttributeValueTypeDef]":
    compressed = zlib.compress(write_json(version.definition.to_json()).encode())
    if len(compressed) > MAX_COMPRESSED_BYTES:
        raise WorkflowTooLargeError(
            f"The definition has {len(compressed):,} bytes when compressed; {MAX_COMPRESSED_BYTES:,} can be stored."
        )
    values = write_values(
        {
            "owner": version.tenant,
            "workflow_id": str(version.workflow_id),
            "version": version.version,
            "created_at": write_time(version.created_at),
        }
    )
    return _key(version.workflow_id, _version_sk(version.version)) | values | {"definition": {"B": compressed}}


def _read_version(item: Any) -> WorkflowVersion:
    values = read_values(item)
    created_at = read_time(values["created_at"])
    if created_at is None:
        raise ValueError("The version's record has no created_at.")
    definition = WorkflowDefinition.model_validate_json(zlib.decompress(values["definition"]))
    return WorkflowVersion(UUID(values["workflow_id"]), values["version"], values["owner"], definition, created_at)
