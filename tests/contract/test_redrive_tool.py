"""The command of `make redrive`, against CloudFormation and queues as moto has them."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools import redrive_dead_letters

STACK = "stepcall-test"
KEY = [{"AttributeName": "run_id", "KeyType": "HASH"}]
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": KEY,
    "AttributeDefinitions": [{"AttributeName": "run_id", "AttributeType": "S"}],
}
QUEUES = (
    *("FailedInvocations", "UnpublishedRunEvents", "UnreturnedSlots", "ExhaustedDeliveries"),
    *("UndeliveredEvents", "InvalidEvents"),
)
TEMPLATE = {
    "Resources": {
        "RunsTable": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE},
        **{name: {"Type": "AWS::SQS::Queue"} for name in QUEUES},
    }
}


@pytest.fixture(autouse=True)
def deployed() -> Iterator[None]:
    with mock_aws():
        boto3.setup_default_session()
        boto3._get_default_session().events.register("provide-client-params.sqs.ReceiveMessage", _do_not_wait)
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        yield
    boto3.setup_default_session()


def _do_not_wait(params: Any, **_: Any) -> None:
    """For letters that nobody sends here: the tool waits a second at each queue, and again."""
    params["WaitTimeSeconds"] = 0


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["redrive", *arguments])
    return redrive_dead_letters.main()


def send_what_nobody_understands() -> str:
    found = boto3.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="FailedInvocations"
    )
    url = found["StackResourceDetail"]["PhysicalResourceId"]
    message_id: str = boto3.client("sqs").send_message(QueueUrl=url, MessageBody="{}")["MessageId"]
    return message_id


def test_empty_queues_are_shown_as_empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "--stack", STACK) == 0
    assert capsys.readouterr().out.splitlines() == [f"{queue}: 0" for queue in QUEUES]


def test_looking_is_no_error_and_replaying_what_stays_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message_id = send_what_nobody_understands()
    assert command(monkeypatch, "--stack", STACK) == 0
    said = capsys.readouterr().out
    assert f"{message_id}  stays: not understood" in said
    assert "APPLY=1" in said
    assert command(monkeypatch, "--stack", STACK, "--apply") == 1  # it is there again at once


def test_a_stack_that_there_is_not_is_named_and_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "--stack", "elsewhere") == 1
    assert "elsewhere" in capsys.readouterr().err
