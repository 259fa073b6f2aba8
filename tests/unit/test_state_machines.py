"""The adapter to Step Functions, against a client that answers what AWS would."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.aws.state_machines import MachineAddress, StepFunctions
from stepcall.use_cases.engine import EngineUnavailableError, ExecutionStatus

RUN_ID = UUID(int=5)
NAME = str(RUN_ID)
COMPILED = CompiledWorkflow('{"StartAt":"a"}', "0123456789abcdef0123456789abcdef", transitions=2, history_events=9)
ADDRESS = MachineAddress("arn:aws:states:eu-central-1:123456789012", "stepcall", "arn:aws:iam::123456789012:role/m")
MACHINE = f"arn:aws:states:eu-central-1:123456789012:stateMachine:stepcall-{COMPILED.content_hash}"
INPUT = {"run_id": str(RUN_ID)}


def refusal(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"{code} arn:aws:secret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "StartExecution")


class FakeClient:
    """Answers each call with the next of its answers, None for success, and then with success for ever."""

    def __init__(self, **answers: Iterable[Exception | None]) -> None:
        self._answers = {name: iter(given) for name, given in answers.items()}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def _answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((name, arguments))
        if error := next(self._answers.get(name, iter(())), None):
            raise error
        return {}

    def start_execution(self, **arguments: Any) -> dict[str, Any]:
        return self._answer("start", arguments)

    def create_state_machine(self, **arguments: Any) -> dict[str, Any]:
        return self._answer("create", arguments)

    def describe_execution(self, **arguments: Any) -> dict[str, Any]:
        return self._answer("describe", arguments) | {"status": "RUNNING"}

    def stop_execution(self, **arguments: Any) -> dict[str, Any]:
        return self._answer("stop", arguments)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def engine(client: FakeClient, slept: list[float] | None = None) -> StepFunctions:
    return StepFunctions(client, ADDRESS, ([] if slept is None else slept).append)  # type: ignore[arg-type]


MISSING = "StateMachineDoesNotExist"


def test_a_start_of_a_known_machine_is_one_call_named_by_the_run() -> None:
    client = FakeClient()
    engine(client).start(NAME, COMPILED, INPUT)
    assert client.calls == [("start", {"stateMachineArn": MACHINE, "name": str(RUN_ID), "input": json.dumps(INPUT)})]


def test_a_machine_is_created_on_first_use_under_the_name_of_its_content() -> None:
    client = FakeClient(start=[refusal(MISSING)])
    engine(client).start(NAME, COMPILED, INPUT)
    assert client.names == ["start", "create", "start"]
    assert client.calls[1][1] == {
        "name": f"stepcall-{COMPILED.content_hash}",
        "definition": COMPILED.definition,
        "roleArn": ADDRESS.role_arn,
        "type": "STANDARD",
    }


def test_a_new_machine_that_is_not_known_yet_is_waited_for_ever_longer() -> None:
    client, slept = FakeClient(start=[refusal(MISSING)] * 4), list[float]()
    engine(client, slept).start(NAME, COMPILED, INPUT)
    assert client.names == ["start", "create", *["start"] * 4]
    assert slept == sorted(slept)
    assert len(slept) == 3
    assert sum(slept) < 2


def test_a_machine_that_never_becomes_known_is_given_up_within_the_gateways_time() -> None:
    client, slept = FakeClient(start=[refusal(MISSING)] * 50), list[float]()
    with pytest.raises(EngineUnavailableError, match="not ready yet"):
        engine(client, slept).start(NAME, COMPILED, INPUT)
    assert client.names.count("create") == 1
    assert sum(slept) < 10


@pytest.mark.parametrize("code", ["StateMachineAlreadyExists", "ConflictException"])
def test_a_machine_that_somebody_else_has_just_created_is_as_good(code: str) -> None:
    client = FakeClient(start=[refusal(MISSING)], create=[refusal(code)])
    engine(client).start(NAME, COMPILED, INPUT)
    assert client.names == ["start", "create", "start"]


@pytest.mark.parametrize("before", [[], [refusal(MISSING)]])
def test_an_execution_that_runs_already_is_what_was_asked_for(before: list[ClientError]) -> None:
    client = FakeClient(start=[*before, refusal("ExecutionAlreadyExists")])
    engine(client).start(NAME, COMPILED, INPUT)


UNAVAILABLE = [
    refusal("ThrottlingException"),
    refusal("ServiceUnavailable", 503),
    refusal("AnythingElseThatIsTheirs", 500),
    refusal("StateMachineDeleting"),
    refusal("StateMachineLimitExceeded"),
    refusal("ExecutionLimitExceeded"),
    EndpointConnectionError(endpoint_url="https://states.example"),
    ConnectTimeoutError(endpoint_url="https://states.example"),
    BotoCoreError(),
]


@pytest.mark.parametrize(
    "error", UNAVAILABLE, ids=lambda error: getattr(error, "response", {}).get("Error", {}).get("Code")
)
@pytest.mark.parametrize("where", ["start", "create", "stop", "describe"])
def test_what_is_no_fault_of_the_callers_means_try_again_and_says_nothing_of_aws(where: str, error: Exception) -> None:
    answers: dict[str, list[Exception]] = {where: [error]}
    if where == "create":
        answers["start"] = [refusal(MISSING)]
    engine_of_aws = engine(FakeClient(**answers))
    calls: dict[str, Callable[[], object]] = {
        "stop": partial(engine_of_aws.stop, NAME, COMPILED.content_hash, "cancelled"),
        "describe": partial(engine_of_aws.describe, NAME, COMPILED.content_hash),
    }
    call = calls.get(where, partial(engine_of_aws.start, NAME, COMPILED, INPUT))
    with pytest.raises(EngineUnavailableError) as raised:
        call()
    assert "arn:" not in str(raised.value)
    assert "http" not in str(raised.value)


@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidDefinition", "ValidationException"])
@pytest.mark.parametrize("where", ["start", "create"])
def test_a_fault_of_the_deployments_is_not_dressed_up(where: str, code: str) -> None:
    answers = {"start": [refusal(MISSING)]} | {where: [refusal(code)]}
    with pytest.raises(ClientError, match=code):
        engine(FakeClient(**answers)).start(NAME, COMPILED, INPUT)


def test_an_execution_is_stopped_by_its_runs_name() -> None:
    client = FakeClient()
    engine(client).stop(NAME, COMPILED.content_hash, "The run was cancelled.")
    [(name, arguments)] = client.calls
    assert name == "stop"
    assert arguments["executionArn"] == MACHINE.replace("stateMachine", "execution") + f":{RUN_ID}"
    assert arguments["cause"] == "The run was cancelled."


def test_an_execution_that_has_ended_or_never_was_is_stopped_already() -> None:
    engine(FakeClient(stop=[refusal("ExecutionDoesNotExist")])).stop(NAME, COMPILED.content_hash, "cancelled")


def test_an_execution_is_described_by_its_runs_name() -> None:
    client = FakeClient()
    assert engine(client).describe(NAME, COMPILED.content_hash) is ExecutionStatus.RUNNING
    assert client.calls == [("describe", {"executionArn": f"{MACHINE.replace('stateMachine', 'execution')}:{RUN_ID}"})]


def test_an_execution_that_never_was_is_missing_and_one_that_may_not_be_read_is_a_fault() -> None:
    never = engine(FakeClient(describe=[refusal("ExecutionDoesNotExist")]))
    assert never.describe(NAME, COMPILED.content_hash) is ExecutionStatus.MISSING
    with pytest.raises(ClientError, match="AccessDenied"):
        engine(FakeClient(describe=[refusal("AccessDeniedException")])).describe(NAME, COMPILED.content_hash)
