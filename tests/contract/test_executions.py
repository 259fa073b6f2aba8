"""How executions are described: the adapter over moto's Step Functions, which really runs them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_world.executions import bounded_and_stoppable_executions
from stepcall.asl.compiler import CompiledWorkflow
from stepcall.aws.state_machines import MachineAddress, StepFunctions
from stepcall.use_cases.engine import ExecutionStatus
from tests.contract.conftest import AS_ON_AWS, nth_id

ACCOUNT = "123456789012"
NAME = str(nth_id(1))


def machine(number: int, states: dict[str, Any], **more: Any) -> CompiledWorkflow:
    definition = json.dumps({"StartAt": "first", "States": states} | more)
    return CompiledWorkflow(definition, f"{number:032}", transitions=1, history_events=5)


WAITING = machine(1, {"first": {"Type": "Wait", "Seconds": 600, "End": True}})
SUCCEEDING = machine(2, {"first": {"Type": "Pass", "End": True}})
FAILING = machine(3, {"first": {"Type": "Fail", "Error": "Broken"}})
TOO_SLOW = machine(4, {"first": {"Type": "Wait", "Seconds": 600, "End": True}}, TimeoutSeconds=1)


@pytest.fixture(scope="module")
def engine() -> Iterator[StepFunctions]:
    # moto alone cannot stop an execution whose thread is not up yet
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}), bounded_and_stoppable_executions():
        client = boto3.client("stepfunctions", config=AS_ON_AWS)
        prefix = f"arn:aws:states:{client.meta.region_name}:{ACCOUNT}"
        yield StepFunctions(client, MachineAddress(prefix, "stepcall", f"arn:aws:iam::{ACCOUNT}:role/machine"))


def status_after(engine: StepFunctions, name: str, compiled: CompiledWorkflow) -> ExecutionStatus:
    """How it is when it runs no longer; RUNNING after ten seconds."""
    for _ in range(500):
        if (status := engine.describe(name, compiled.content_hash)) is not ExecutionStatus.RUNNING:
            break
        time.sleep(0.02)
    return status


def test_an_execution_runs_until_it_is_stopped(engine: StepFunctions) -> None:
    engine.start(NAME, WAITING, {})
    assert engine.describe(NAME, WAITING.content_hash) is ExecutionStatus.RUNNING
    engine.stop(NAME, WAITING.content_hash, "The test is over.")
    assert status_after(engine, NAME, WAITING) is ExecutionStatus.ABORTED


@pytest.mark.parametrize(
    ("compiled", "status"),
    [
        (SUCCEEDING, ExecutionStatus.SUCCEEDED),
        (FAILING, ExecutionStatus.FAILED),
        (TOO_SLOW, ExecutionStatus.TIMED_OUT),
    ],
)
def test_an_execution_is_described_as_it_ended(
    engine: StepFunctions, compiled: CompiledWorkflow, status: ExecutionStatus
) -> None:
    engine.start(NAME, compiled, {})
    assert status_after(engine, NAME, compiled) is status
    engine.start(NAME, compiled, {})
    assert engine.describe(NAME, compiled.content_hash) is status, "a second start has started nothing"


def test_what_was_never_started_is_missing_with_or_without_its_machine(engine: StepFunctions) -> None:
    engine.start(NAME, SUCCEEDING, {})
    assert engine.describe(str(nth_id(99)), SUCCEEDING.content_hash) is ExecutionStatus.MISSING
    assert engine.describe(NAME, "f" * 32) is ExecutionStatus.MISSING
