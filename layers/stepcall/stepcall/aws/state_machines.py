"""Step Functions: machines named by their content, executions named by their run."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.ids import MalformedIdError, read_execution_name
from stepcall.use_cases.engine import EngineUnavailableError, ExecutionStatus

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

T = TypeVar("T")
# a machine that was just created may be unknown for some seconds: Step Functions is eventually consistent
START_DELAYS_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
MISSING_MACHINE = "StateMachineDoesNotExist"
MISSING_EXECUTION = "ExecutionDoesNotExist"
# it was told before, has given up, or has ended: no later attempt could tell it more
TOLD = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
RETRY_LATER = frozenset(
    {"ThrottlingException", "ExecutionLimitExceeded", "StateMachineDeleting", "StateMachineLimitExceeded"}
)


@dataclass(frozen=True, slots=True)
class MachineAddress:
    """Where this deployment's machines live: `arn_prefix` is `arn:PARTITION:states:REGION:ACCOUNT`."""

    arn_prefix: str
    name_prefix: str
    role_arn: str

    def name(self, content_hash: str) -> str:
        return f"{self.name_prefix}-{content_hash}"

    def machine_arn(self, content_hash: str) -> str:
        return f"{self.arn_prefix}:stateMachine:{self.name(content_hash)}"

    def execution_arn(self, content_hash: str, name: str) -> str:
        return f"{self.arn_prefix}:execution:{self.name(content_hash)}:{name}"


class RunExecution(NamedTuple):
    """A RunAttempt, as Step Functions names it."""

    run_id: UUID
    run_attempt: int
    content_hash: str


def read_execution(machine_arn: str, name: str) -> RunExecution:
    """The execution of that name on a machine of this deployment. Raises MalformedIdError where it is no run's.

    An element of a Map may have an execution of its own, whose machine is called `…-HASH/LABEL`.
    """
    content_hash = machine_arn.rpartition("-")[2]
    if "/" in content_hash:
        raise MalformedIdError("The execution is of an element of a Map.")
    return RunExecution(*read_execution_name(name), content_hash)


class StepFunctions:
    """See StateMachines."""

    def __init__(
        self, client: "SFNClient", address: MachineAddress, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._address = address
        self._sleep = sleep

    def start(self, name: str, compiled: CompiledWorkflow, execution_input: dict[str, Any]) -> None:
        # nearly always the machine is there: asking first would cost a call on every start
        if self._start(name, compiled, execution_input):
            return
        self._create(compiled)
        for delay in START_DELAYS_SECONDS:
            if self._start(name, compiled, execution_input):
                return
            self._sleep(delay)
        if not self._start(name, compiled, execution_input):
            raise EngineUnavailableError("The new state machine is not ready yet.")

    def stop(self, name: str, content_hash: str, cause: str) -> None:
        execution_arn = self._address.execution_arn(content_hash, name)
        self._call(
            lambda: self._client.stop_execution(executionArn=execution_arn, error="Cancelled", cause=cause),
            fine=frozenset({MISSING_EXECUTION}),
        )

    def succeed_task(self, token: str) -> None:
        self._call(lambda: self._client.send_task_success(taskToken=token, output="{}"), fine=TOLD)

    def fail_task(self, token: str, error: str, cause: str) -> None:
        self._call(lambda: self._client.send_task_failure(taskToken=token, error=error, cause=cause), fine=TOLD)

    def describe(self, name: str, content_hash: str) -> ExecutionStatus:
        execution_arn = self._address.execution_arn(content_hash, name)
        try:
            described = _reach(lambda: self._client.describe_execution(executionArn=execution_arn))
        except ClientError as exc:
            if exc.response["Error"]["Code"] != MISSING_EXECUTION:
                raise
            return ExecutionStatus.MISSING
        return ExecutionStatus(described["status"])

    def _start(self, name: str, compiled: CompiledWorkflow, execution_input: dict[str, Any]) -> bool:
        """Whether the execution runs; False when its machine does not exist."""
        code = self._call(
            lambda: self._client.start_execution(
                stateMachineArn=self._address.machine_arn(compiled.content_hash),
                name=name,
                input=json.dumps(execution_input),
            ),
            fine=frozenset({MISSING_MACHINE, "ExecutionAlreadyExists"}),
        )
        return code != MISSING_MACHINE

    def _create(self, compiled: CompiledWorkflow) -> None:
        self._call(
            lambda: self._client.create_state_machine(
                name=self._address.name(compiled.content_hash),
                definition=compiled.definition,
                roleArn=self._address.role_arn,
                type="STANDARD",
            ),
            # of the same content, from another process at the same time
            fine=frozenset({"StateMachineAlreadyExists", "ConflictException"}),
        )

    def _call(self, call: Callable[[], Any], fine: frozenset[str]) -> str | None:
        """The error code when it is one of `fine`, None on success."""
        try:
            _reach(call)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code not in fine:
                raise
            return code
        return None


def _reach(call: Callable[[], T]) -> T:
    """What the call answers. Raises EngineUnavailableError for what is no fault of ours, anything else as it is."""
    try:
        return call()
    except ClientError as exc:
        code, metadata = exc.response["Error"]["Code"], exc.response.get("ResponseMetadata", {})
        if code in RETRY_LATER or metadata.get("HTTPStatusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise EngineUnavailableError(f"Step Functions answered {code}.") from exc
        raise
    except BotoCoreError as exc:
        raise EngineUnavailableError("Step Functions could not be reached.") from exc
