"""How deliveries are started: the adapter over moto's Step Functions, which really runs the machine."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from stepcall.aws.delivery_machine import DeliveryMachine
from stepcall.domain.delivery import new_delivery
from tests.contract.conftest import AS_ON_AWS
from tests.unit.delivery_world import WEBHOOK, event

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

DELIVERY = new_delivery(event(), WEBHOOK, WEBHOOK.url)
ROLE = "arn:aws:iam::123456789012:role/machine"


@pytest.fixture
def client() -> "Iterator[SFNClient]":
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield boto3.client("stepfunctions", config=AS_ON_AWS)


def machine_of(client: "SFNClient", state: dict[str, Any]) -> str:
    definition = json.dumps({"StartAt": "only", "States": {"only": state}})
    name = f"delivery-{state['Type']}"
    return client.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]


def names_of(client: "SFNClient", arn: str) -> list[str]:
    return sorted(each["name"] for each in client.list_executions(stateMachineArn=arn)["executions"])


@pytest.mark.parametrize("state", [{"Type": "Wait", "Seconds": 600, "End": True}, {"Type": "Pass", "End": True}])
def test_a_round_is_started_once_whether_it_runs_or_has_ended(client: "SFNClient", state: dict[str, Any]) -> None:
    arn = machine_of(client, state)
    for _ in range(3):
        DeliveryMachine(client, arn).start(DELIVERY)
    DeliveryMachine(client, arn).start(replace(DELIVERY, revision=7, url="https://example.com/other"))
    DeliveryMachine(client, arn).start(replace(DELIVERY, round=2))
    assert names_of(client, arn) == [str(DELIVERY.delivery_id), f"{DELIVERY.delivery_id}-2"]
    for each in client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
        client.stop_execution(executionArn=each["executionArn"])


def test_it_carries_ids_and_neither_body_nor_url(client: "SFNClient") -> None:
    arn = machine_of(client, {"Type": "Pass", "End": True})
    DeliveryMachine(client, arn).start(DELIVERY)
    [execution] = client.list_executions(stateMachineArn=arn)["executions"]
    carried = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
    assert carried.keys() == {
        *("run_id", "target", "sequence", "round", "tenant", "workflow_id", "execution_id", "delivery_id"),
        "correlation_id",
    }
    assert WEBHOOK.url not in json.dumps(carried)


def test_what_is_no_repetition_is_raised(client: "SFNClient") -> None:
    missing = machine_of(client, {"Type": "Pass", "End": True}) + "-missing"
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        DeliveryMachine(client, missing).start(DELIVERY)
