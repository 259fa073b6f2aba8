"""What a template says of events: read as it is meant, or refused when nobody here would do it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from local.background.async_invocations import AsyncSettings
from local.deployment import Deployment, deploy
from local.errors import UnsupportedResourceError
from local.moto_world.rule_events import rules

REGION, ACCOUNT = "us-east-1", "123456789012"
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Handler": "h.h",
        "Runtime": "python3.13",
        "Code": {"ZipFile": ""},
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    },
}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    },
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    monkeypatch.setenv("VALIDATE_LAMBDA_S3", "false")
    with mock_aws():
        yield


def deployed(**resources: Any) -> Deployment:
    base = {"Role": ROLE, "Function": FUNCTION, "Table": TABLE, "Queue": QUEUE}
    return deploy({"Resources": base | resources}, {})


def rule(target: Any = None, **properties: Any) -> dict[str, Any]:
    arn = target or {"Fn::GetAtt": ["Function", "Arn"]}
    return {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Id": "t", "Arn": arn}], **properties}}


def mapping(**properties: Any) -> dict[str, Any]:
    place = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]}}
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": place | {"StartingPosition": "LATEST"} | properties,
    }


def to(destination: Any) -> dict[str, Any]:
    return {"OnFailure": {"Destination": destination}}


def test_a_mapping_is_read_with_all_that_it_says() -> None:
    pattern = json.dumps({"eventName": ["INSERT"]})
    deployment = deployed(
        Mapping=mapping(
            BatchSize=7,
            MaximumBatchingWindowInSeconds=3,
            ParallelizationFactor=2,
            MaximumRetryAttempts=5,
            MaximumRecordAgeInSeconds=600,
            BisectBatchOnFunctionError=True,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            FilterCriteria={"Filters": [{"Pattern": pattern}]},
            DestinationConfig=to({"Fn::GetAtt": ["Queue", "Arn"]}),
        )
    )
    [read] = deployment.stream_mappings
    assert (read.function, read.table) == (deployment.functions[0].arn, deployment.names["Table"])
    assert (read.partition_key, read.stream.split("/")[1]) == ("key", read.table)
    assert (read.batch_size, read.window_seconds, read.at_once_per_shard) == (7, 3, 2)
    assert (read.retries, read.max_age_seconds, read.bisects, read.reports_items) == (5, 600, True, True)
    assert [read.filters[0].matches_event({"eventName": name}) for name in ("INSERT", "REMOVE")] == [True, False]
    assert (read.on_failure or "").endswith(f":{deployment.names['Queue'].rpartition('/')[2]}")


def test_a_mapping_that_says_little_is_read_with_lambdas_defaults() -> None:
    [read] = deployed(Mapping=mapping()).stream_mappings
    assert (read.batch_size, read.window_seconds, read.at_once_per_shard, read.filters) == (100, 0, 1, ())
    assert (read.retries, read.max_age_seconds, read.bisects, read.reports_items) == (None, None, False, False)


def test_no_limit_may_be_said_by_minus_one() -> None:
    [read] = deployed(Mapping=mapping(MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=-1)).stream_mappings
    assert (read.retries, read.max_age_seconds) == (None, None)


def test_a_disabled_mapping_maps_nothing() -> None:
    assert deployed(Mapping=mapping(Enabled=False)).stream_mappings == ()


def invoke_config(**properties: Any) -> dict[str, Any]:
    of = {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST"}
    return {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": of | properties}


def test_retries_of_asynchronous_invocations_are_read_for_each_function() -> None:
    said = {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 3600}
    deployment = deployed(Config=invoke_config(**said, DestinationConfig=to({"Fn::GetAtt": ["Queue", "Arn"]})))
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{deployment.names['Queue'].rpartition('/')[2]}"
    assert deployment.async_settings == {deployment.functions[0].arn: AsyncSettings(1, 3600, queue)}


def test_a_function_of_which_little_is_said_is_retried_by_lambdas_defaults() -> None:
    assert list(deployed(Config=invoke_config()).async_settings.values()) == [AsyncSettings()]


def test_rules_may_come_by_rate_and_by_cron() -> None:
    deployed(Rate=rule(ScheduleExpression="rate(1 minute)"), Cron=rule(ScheduleExpression="cron(0 12 ? * 6L *)"))
    assert {one.scheduled_expression for one in rules()} == {"rate(1 minute)", "cron(0 12 ? * 6L *)"}


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"Rule": rule(ScheduleExpression="cron(0 12 * * * *)")}, "One of day-of-month and day-of-week"),
        (
            {"Rule": rule(f"arn:aws:sns:{REGION}:{ACCOUNT}:topic", EventPattern={"source": ["s"]})},
            "cannot bring events",
        ),
        (
            {"Rule": rule(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody", EventPattern={"source": ["s"]})},
            "cannot bring events",
        ),
        (
            {"Mapping": mapping(EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]})},
            "maps streams of tables only, and Mapping",
        ),
        (
            {"Mapping": mapping(DestinationConfig=to(f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"))},
            "keeps failures in queues only, and Mapping",
        ),
        (
            {"Config": invoke_config(DestinationConfig=to({"Fn::GetAtt": ["Function", "Arn"]}))},
            "keeps failures in queues only, and Config",
        ),
    ],
    ids=[
        "cron",
        "topic",
        "unknown function",
        "queue as source",
        "destination of a mapping",
        "destination of a function",
    ],
)
def test_what_nobody_here_would_do_is_refused(resources: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedResourceError, match=message):
        deployed(**resources)
