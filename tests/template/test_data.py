import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from stepcall.domain.run import Run, RunStatus, StoredPayload
from stepcall.stores.dynamo_items import read_summary, run_values, write_values
from tests.template.sam_template import REGION, Template, resources_of_type
from tools.deployment.kept import adopting_template, kept_resources, resources_to_import

TABLES = ["WorkflowsTable", "RunsTable"]
RETAINED = [*TABLES, "DataBucket", "WebhookSigningSecret"]
HOLDING = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::Glue::Database",
)
# What may go with the stack, and why nobody misses it.
GOING = {
    "RateLimitsTable": "buckets fill again within minutes",
    "FirstApiKeySecret": "a new stack has one of its own; keys made with it are in the workflows table",
    "TokenKeySecret": "a token lives a day at most",
    "ProviderKeysSecret": "it is for runs under way, and they end with the stack",
    "AthenaDatabase": "names of files in the bucket, made again when they are needed",
    "FailedInvocations": "invocations of functions that are gone",
    "UnpublishedRunEvents": "positions in a stream that nothing reads any more",
    "UnreturnedSlots": "as above",
    "ExhaustedDeliveries": "what was given up is in the runs table",
    "InvalidEvents": "events that could start nothing, for workflows that nothing starts any more",
    "UndeliveredEvents": "as above",
}
KEPT_DAYS = 30


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def key_of(schema: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"] == "RANGE"))


def index_of(template: Template, name: str) -> dict[str, Any]:
    indexes = properties(template, "RunsTable")["GlobalSecondaryIndexes"]
    found: dict[str, Any] = next(index for index in indexes if index["IndexName"] == name)
    return found


@pytest.mark.parametrize("table_id", TABLES)
def test_a_table_costs_nothing_while_idle_and_survives_mistakes(written: Template, table_id: str) -> None:
    table = properties(written, table_id)
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert all(key["AttributeType"] == "S" for key in table["AttributeDefinitions"])


@pytest.mark.parametrize("logical_id", RETAINED)
def test_data_stays_when_the_stack_goes(written: Template, logical_id: str) -> None:
    resource = written["Resources"][logical_id]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_whatever_can_hold_data_stays_or_has_a_reason_to_go(written: Template) -> None:
    holding = {name for name, resource in written["Resources"].items() if resource["Type"] in HOLDING}
    assert holding == {*RETAINED, *GOING}
    assert [name for name in GOING if "DeletionPolicy" in written["Resources"][name]] == []


def test_names_are_generated_so_that_a_new_stack_meets_nothing_that_was_kept(written: Template) -> None:
    naming = {"TableName", "BucketName", "Name"}
    assert [name for name in RETAINED if naming & properties(written, name).keys()] == []


def test_what_stays_can_be_given_to_a_new_stack(written: Template) -> None:
    kept = kept_resources(written, {name: f"the-{name}" for name in written["Resources"]})
    assert {thing.logical_id for thing in kept} == set(RETAINED)
    adopting = adopting_template(written, kept)
    assert adopting["Parameters"].keys() == {"DeletionProtection"}
    assert [str(fault) for fault in lint(json.dumps(adopting), config=ManualArgs(regions=[REGION]))] == []
    for imported in resources_to_import(kept):
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, imported["ResourceType"]).schema
        assert [f"/properties/{name}" for name in imported["ResourceIdentifier"]] == schema["primaryIdentifier"]


def test_tables_and_indexes_have_the_keys_the_stores_use(written: Template) -> None:
    keys = {}
    for table_id, table in resources_of_type(written, "AWS::DynamoDB::Table").items():
        keys[table_id] = key_of(table["KeySchema"])
        indexes = table.get("GlobalSecondaryIndexes", [])
        keys |= {f"{table_id}.{index['IndexName']}": key_of(index["KeySchema"]) for index in indexes}
    assert keys == {
        "WorkflowsTable": ("pk", "sk"),
        "WorkflowsTable.by_tenant": ("tenant", "workflow_id"),
        "RunsTable": ("run_id", "item"),
        "RunsTable.by_workflow": ("workflow_key", "run_id"),
        "RunsTable.by_tenant": ("tenant", "run_id"),
        "RunsTable.open_runs": ("open", "run_id"),
        "RateLimitsTable": ("bucket",),
    }


def test_buckets_cost_nothing_while_idle_and_are_not_kept(written: Template) -> None:
    buckets = properties(written, "RateLimitsTable")
    assert buckets["BillingMode"] == "PAY_PER_REQUEST"
    assert buckets["SSESpecification"]["SSEEnabled"] is True
    assert buckets["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    kept = {"PointInTimeRecoverySpecification", "DeletionProtectionEnabled", "StreamSpecification"}
    assert not kept & buckets.keys()
    assert "DeletionPolicy" not in written["Resources"]["RateLimitsTable"]


def test_finished_runs_end_and_every_change_of_a_run_can_be_followed(written: Template) -> None:
    runs = properties(written, "RunsTable")
    assert runs["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert runs["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.mark.parametrize("name", ["by_workflow", "by_tenant"])
def test_a_list_of_runs_holds_all_that_it_shows(written: Template, name: str) -> None:
    index = index_of(written, name)
    held = {"run_id", "item", *key_of(index["KeySchema"]), *index["Projection"]["NonKeyAttributes"]}
    time = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(
        run_id=UUID(int=1),
        tenant="t",
        principal="p",
        workflow_id=UUID(int=2),
        workflow_version=3,
        content_hash="0" * 32,
        status=RunStatus.RUNNING,
        created_at=time,
        started_at=time,
        completed_at=time,
        input=StoredPayload(2, "{}"),
    )
    times = dict.fromkeys(("started_at", "completed_at"), "2026-01-01T00:00:00Z")
    item = write_values(run_values(run) | times)
    shown = read_summary({attribute: value for attribute, value in item.items() if attribute in held})
    assert shown == read_summary(item)


def test_the_index_of_open_runs_holds_keys_only(written: Template) -> None:
    assert index_of(written, "open_runs")["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_the_bucket_is_private_and_encrypted(written: Template) -> None:
    bucket = properties(written, "DataBucket")
    blocked = bucket["PublicAccessBlockConfiguration"]
    assert blocked == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_the_bucket_refuses_connections_that_are_not_encrypted(written: Template) -> None:
    policy = properties(written, "DataBucketPolicy")
    [statement] = policy["PolicyDocument"]["Statement"]
    assert policy["Bucket"] == {"Ref": "DataBucket"}
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_what_tasks_put_out_ends_after_a_month_and_broken_uploads_sooner(written: Template) -> None:
    rules = properties(written, "DataBucket")["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    ends = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert ends == {"runs/": KEPT_DAYS, "workflows_temp/": KEPT_DAYS, "uploads/": 1, "datasets/": 1, "athena/": 7}
    assert [rule["Prefix"] for rule in rules if "TagFilters" in rule] == ["datasets/"]
    [uploads] = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    assert "Prefix" not in uploads
