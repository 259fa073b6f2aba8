"""Machines that wait for an answer with a token: what `task_tokens` corrects in moto, and its ground."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.lambda_runtime import Invocation
from local.moto_world import corrected_moto, invocations_go_to
from local.moto_world.executions import kept_executions
from stepcall.asl.awaited_states import awaited_states
from stepcall.asl.compiler import CompiledWorkflow
from stepcall.asl.history import count_events, count_transitions
from stepcall.asl.states import ALL_ERRORS, Catcher, FailState, LambdaTaskState, Retrier, StateMachine
from stepcall.aws.state_machines import MachineAddress, StepFunctions

REGION, ACCOUNT = "us-east-1", "123456789012"
ASKER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:asker"
TASK = LambdaTaskState(
    "Ask",
    ASKER,
    {"attempt.$": "$$.State.RetryCount"},
    20,
    retry=(Retrier(("NotTodayError",), 1, 1, 1.0),),
    catch=(Catcher((ALL_ERRORS,), "Failed", "$.error"),),
)
FAILED = FailState("Failed", "Failed", cause_path="$.error.Cause")


class Asker:
    """A Lambda function: hands on what it is asked, and raises each error that it is given once."""

    def __init__(self) -> None:
        self.told: queue.Queue[Any] = queue.Queue()
        self.errors: list[str] = []
        self.meanwhile: Callable[[str], None] | None = None
        """Is told the token before the function has answered."""

    def knows(self, function: str) -> bool:
        return function == ASKER

    def invoke(self, function: str, payload: str, *, client_context: str | None = None) -> Invocation:
        event = json.loads(payload)
        self.told.put(event)
        if self.meanwhile:
            self.meanwhile(event["token"])
        return Invocation.error(self.errors.pop(0), "no") if self.errors else Invocation("null")

    def token(self) -> str:
        token: str = self.told.get(timeout=10)["token"]
        return token


class Machines:
    """What the tests do with machines that ask."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.engine = StepFunctions(
            client, MachineAddress(f"arn:aws:states:{REGION}:{ACCOUNT}", "t", f"arn:aws:iam::{ACCOUNT}:role/r")
        )

    def start(self, seconds: int = 60) -> str:
        """The name of an execution of a machine that asks and waits so long."""
        machine, name = asking(seconds), str(uuid4())
        text = json.dumps(machine.to_asl())
        self._hash = f"{seconds:032}"
        self.engine.start(name, CompiledWorkflow(text, self._hash, 1, 5), {})
        return name

    def stop(self, name: str) -> None:
        self.engine.stop(name, self._hash, "enough")

    def end_of(self, name: str) -> Any:
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:t-{self._hash}:{name}"
        deadline = time.monotonic() + 10
        while (told := self.client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return told

    def events_of(self, name: str) -> list[str]:
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:t-{self._hash}:{name}"
        return [event["type"] for event in self.client.get_execution_history(executionArn=arn)["events"]]


def asking(seconds: int) -> StateMachine:
    """Asks, waits, and ends: a failure's cause ends it as its own."""
    return StateMachine("", (*awaited_states(TASK, seconds), FAILED))


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}), corrected_moto(lambda url: url):
        yield Machines(boto3.client("stepfunctions", region_name=REGION))


@pytest.fixture
def asker() -> Iterator[Asker]:
    asker = Asker()
    with invocations_go_to(asker):
        yield asker


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as raised:
        call()
    code: str = raised.value.response["Error"]["Code"]
    return code


def test_a_machine_goes_on_when_it_is_told_and_counts_as_its_history(machines: Machines, asker: Asker) -> None:
    name = machines.start()
    machines.engine.succeed_task(asker.token())
    assert machines.end_of(name)["status"] == "SUCCEEDED"
    events = machines.events_of(name)
    assert "TaskSubmitted" in events
    alone: Any = replace(next(awaited_states(TASK, 60)), retry=(), catch=())
    assert len(events) == count_events(StateMachine("", (alone,))) == 2 + 6
    assert count_transitions(asking(60)) == 1
    assert asker.told.empty(), "its worker is not asked again"


def test_a_failure_has_its_error_and_its_cause(machines: Machines, asker: Asker) -> None:
    name = machines.start()
    machines.engine.fail_task(asker.token(), "PermanentTaskError", "The record says why.")
    ended = machines.end_of(name)
    assert (ended["status"], ended["cause"]) == ("FAILED", "The record says why.")


def test_a_machine_that_is_told_twice_was_told_and_nobody_minds(machines: Machines, asker: Asker) -> None:
    name = machines.start()
    token = asker.token()
    machines.engine.succeed_task(token)
    assert machines.end_of(name)["status"] == "SUCCEEDED"
    assert refusal(lambda: machines.client.send_task_success(taskToken=token, output="{}")) == "TaskTimedOut"
    assert refusal(lambda: machines.client.send_task_failure(taskToken=token)) == "TaskTimedOut"
    assert refusal(lambda: machines.client.send_task_success(taskToken="nobody's", output="{}")) == "InvalidToken"
    machines.engine.succeed_task(token)
    machines.engine.fail_task("nobody's", "PermanentTaskError", "")


def test_an_answer_may_come_while_the_worker_that_asks_is_still_at_work(machines: Machines, asker: Asker) -> None:
    asker.meanwhile = machines.engine.succeed_task
    name = machines.start()
    assert machines.end_of(name)["status"] == "SUCCEEDED"
    asker.token()
    assert asker.told.empty()


def test_when_its_time_is_up_the_worker_is_asked_what_that_means(machines: Machines, asker: Asker) -> None:
    name = machines.start(seconds=1)
    token = asker.token()
    assert asker.told.get(timeout=10) == {"attempt": 0, "phase": "collect"}
    assert machines.end_of(name)["status"] == "SUCCEEDED"
    assert refusal(lambda: machines.client.send_task_success(taskToken=token, output="{}")) == "TaskTimedOut"


def test_a_machine_does_not_wait_when_its_worker_says_that_nobody_will_answer(machines: Machines, asker: Asker) -> None:
    asker.errors = ["NothingToAwaitError"]
    name = machines.start()
    asker.token()
    assert asker.told.get(timeout=10) == {"attempt": 0, "phase": "collect"}
    assert machines.end_of(name)["status"] == "SUCCEEDED"


def test_each_attempt_has_a_token_of_its_own(machines: Machines, asker: Asker) -> None:
    asker.errors = ["NotTodayError"]
    name = machines.start()
    first, second = asker.token(), asker.token()
    assert first != second
    machines.engine.succeed_task(second)
    assert machines.end_of(name)["status"] == "SUCCEEDED"


def test_what_waits_ends_with_its_stopped_execution(machines: Machines, asker: Asker) -> None:
    name = machines.start()
    token = asker.token()
    threads = threading.active_count()
    machines.stop(name)
    assert machines.end_of(name)["status"] == "ABORTED"
    assert refusal(lambda: machines.client.send_task_success(taskToken=token, output="{}")) == "TaskTimedOut"
    [execution] = [each for each in kept_executions() if each.name == name]
    deadline = time.monotonic() + 10
    while machines.events_of(name)[-1] == "TaskSubmitted":
        assert time.monotonic() < deadline, "its thread would wait until its time is up"
        time.sleep(0.01)
    assert threading.active_count() <= threads
    assert execution.exec_status == "ABORTED"
