"""template.yaml as moto's CloudFormation deploys it, and what came out."""

import ast
import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto import mock_aws

from local.moto_world import (  # noqa: F401 - their import teaches moto what these are
    scheduler_schedules,
    template_secrets,
)
from local.moto_world.expression_speed import fast_expressions
from local.moto_world.table_speed import fast_tables
from local.moto_world.template_speed import fast_templates
from tests.template.existing import list_existing
from tests.template.sam_template import (
    CODE_BUCKET,
    CODE_KEY,
    REGION,
    Template,
    functions_of,
    read_template,
    resources_of_type,
    transform,
)


@contextmanager
def account() -> Iterator[boto3.Session]:
    """An empty AWS account with the functions' code in a bucket."""
    with mock_aws(), fast_templates(), fast_tables(), fast_expressions():  # moto copies all tables for each transaction
        session = boto3.Session("key", "secret", region_name=REGION)
        bucket = session.resource("s3").create_bucket(
            Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        bucket.put_object(Key=CODE_KEY, Body=_empty_zip())
        yield session


def _empty_zip() -> bytes:
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    return file.getvalue()


@dataclass(frozen=True)
class Deployed:
    """A stack that was made, as JSON can say it. Names, configurations and so on are by logical id."""

    skipped: list[str]
    """The types that moto does not make."""
    names: dict[str, str]
    created: list[str]
    """Every resource that was made, named or not, by logical id."""
    existing: list[str]
    """Names, URLs and ARNs that moto tells of when it is asked what there is."""
    functions: dict[str, dict[str, Any]]
    statements: dict[str, list[dict[str, Any]]]
    """Each role's permissions."""
    tables: dict[str, dict[str, Any]]
    encryption: dict[str, Any]
    """Of the bucket."""
    retention_days: dict[str, int]
    """By name of the log group."""
    queue: dict[str, str]


def deploy(session: boto3.Session, stack: str, parameters: dict[str, str]) -> Deployed:
    template = transform(read_template())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names, created = _create(session, stack, template, parameters)
    messages = [str(warning.message) for warning in caught]
    skipped = {message.split()[3] for message in messages if message.startswith("Tried to parse")}
    return _describe(session, template, names, created, sorted(skipped))


def _create(
    session: boto3.Session, stack: str, template: Template, parameters: dict[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The names of what was made, by logical id, and the logical ids of all that was."""
    cloudformation = session.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources if "PhysicalResourceId" in r}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    listed = {resource["LogicalResourceId"] for page in pages for resource in page["StackResourceSummaries"]}
    return names, sorted(listed - {""})  # moto lists what it skipped, without its name


def _describe(
    session: boto3.Session, template: Template, names: dict[str, str], created: list[str], skipped: list[str]
) -> Deployed:
    functions, dynamodb, logs = session.client("lambda"), session.client("dynamodb"), session.client("logs")
    return Deployed(
        skipped=skipped,
        names=names,
        created=created,
        existing=sorted(list_existing(session)),
        functions={
            logical_id: dict(functions.get_function_configuration(FunctionName=names[logical_id]))
            for logical_id in functions_of(template)
        },
        statements={
            role_id: _statements(session, names[role_id]) for role_id in resources_of_type(template, "AWS::IAM::Role")
        },
        tables={
            logical_id: dict(dynamodb.describe_table(TableName=names[logical_id])["Table"])
            for logical_id in resources_of_type(template, "AWS::DynamoDB::Table")
        },
        encryption=dict(session.client("s3").get_bucket_encryption(Bucket=names["DataBucket"])),
        retention_days={g["logGroupName"]: g["retentionInDays"] for g in logs.describe_log_groups()["logGroups"]},
        queue=dict(session.resource("sqs").Queue(names["FailedInvocations"]).attributes),
    )


def _statements(session: boto3.Session, role_name: str) -> list[dict[str, Any]]:
    policies = session.resource("iam").Role(role_name).policies.all()
    return [statement for policy in policies for statement in _read_document(policy.policy_document)["Statement"]]


def _read_document(policy: Any) -> dict[str, Any]:
    # moto keeps the policies of CloudFormation as Python writes them
    document: dict[str, Any] = ast.literal_eval(policy) if isinstance(policy, str) else policy
    return document
