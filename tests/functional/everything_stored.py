"""All that AWS keeps and the API tells of executions, to look for what must not be there."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import boto3

from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from tests.functional.conftest import Api


def execution_id_of(execution: Any) -> str:
    return str(execution.get("execution_id") or execution["workflow_execution_id"])


def everything_stored(stack: LocalStack) -> str:
    """All that AWS keeps of anything: every item, its changes, every object, every execution from end to end."""
    return "\n".join([*items(stack), *objects(stack), *executions()])


def items(stack: LocalStack) -> Iterator[str]:
    client = boto3.client("dynamodb")
    for table in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=table):
            yield from map(repr, page["Items"])
    streams = boto3.client("dynamodbstreams")
    [stream] = streams.list_streams(TableName=stack.deployment.names["RunsTable"])["Streams"]
    for shard in streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]:
        where = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"]}
        iterator = streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while (page := streams.get_records(ShardIterator=iterator))["Records"]:
            yield from map(repr, page["Records"])
            iterator = page["NextShardIterator"]


def objects(stack: LocalStack) -> Iterator[str]:
    client, bucket = boto3.client("s3"), stack.deployment.names["DataBucket"]
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            yield repr(client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())


def executions() -> Iterator[str]:
    client = boto3.client("stepfunctions")
    for machine in client.list_state_machines()["stateMachines"]:
        yield client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
        for execution in client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            arn = execution["executionArn"]
            yield repr(client.describe_execution(executionArn=arn))
            yield repr(client.get_execution_history(executionArn=arn)["events"])


def answers_of(api: Api, execution: Any) -> Iterator[str]:
    """All that the API tells of an execution."""
    path, execution_id = f"/workflows/{execution['workflow_id']}/executions", execution_id_of(execution)
    for url in (f"{path}/{execution_id}", path, f"/jobs/{read_run_id(execution_id)}"):
        answer = api("GET", url)
        yield f"{answer.headers} {answer.text}"


def assert_nowhere(key: str, *texts: str) -> None:
    for spelling in (key, b64encode(key.encode()).decode().rstrip("="), json.dumps(key)[1:-1], key.encode().hex()):
        for text in texts:
            assert spelling not in text
