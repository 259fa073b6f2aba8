"""What there is in an account, asked of each service that functions are told of."""

from collections.abc import Iterator

import boto3


def list_existing(session: boto3.Session) -> Iterator[str]:
    """Names, URLs and ARNs."""
    functions = session.client("lambda").get_paginator("list_functions").paginate()
    for function in (function for page in functions for function in page["Functions"]):
        yield from (function["FunctionName"], function["FunctionArn"])
    roles = session.client("iam").get_paginator("list_roles").paginate()
    yield from (role["Arn"] for page in roles for role in page["Roles"])
    yield from session.client("dynamodb").list_tables()["TableNames"]
    yield from (bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"])
    secrets = session.client("secretsmanager").get_paginator("list_secrets").paginate()
    yield from (secret["ARN"] for page in secrets for secret in page["SecretList"])
    machines = session.client("stepfunctions").list_state_machines()["stateMachines"]
    yield from (machine["stateMachineArn"] for machine in machines)
    for bus in session.client("events").list_event_buses()["EventBuses"]:
        yield from (bus["Name"], bus["Arn"])
    queues = session.client("sqs")
    for url in queues.list_queues().get("QueueUrls", []):
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        yield from (url, arn)
    yield from (group["logGroupName"] for group in session.client("logs").describe_log_groups()["logGroups"])
