"""Ends a run whose execution Step Functions says has ended, where the machine has not written the run's end itself."""

from contextlib import suppress
from typing import Any, Literal
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stepcall.aws.state_machines import read_execution
from stepcall.domain.ids import MalformedIdError
from stepcall.runtime.observability import log_fact, logs_invocation, name_in_log, name_run_in_log
from stepcall.runtime.wiring import worker_dependencies
from stepcall.use_cases.end_unseen_run import end_unseen_run
from stepcall.use_cases.engine import ExecutionStatus
from stepcall.use_cases.executed_run import ExecutedRun


class Execution(BaseModel):
    """An execution that has ended otherwise than well."""

    model_config = ConfigDict(frozen=True)

    name: str
    """The id of its run, and the attempt of it behind the first."""
    machine_arn: str = Field(alias="stateMachineArn")
    input: str | None = None
    """What it was started with, as JSON: Step Functions leaves out what is long, which ours is not."""
    status: Literal[ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED]


class ExecutionInput(BaseModel):
    """What every execution of ours was started with."""

    model_config = ConfigDict(frozen=True)

    run: ExecutedRun


class StatusChange(BaseModel):
    """EventBridge's `Step Functions Execution Status Change`."""

    model_config = ConfigDict(frozen=True)

    detail: Execution


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    execution = StatusChange.model_validate(event).detail
    try:
        run = read_execution(execution.machine_arn, execution.name)
    except MalformedIdError:
        log_fact("execution_of_no_run", execution=execution.name)  # somebody has started the machine by hand
        return
    _name_in_log(execution, run.run_id)
    end_unseen_run(run, execution.status, worker_dependencies())


def _name_in_log(execution: Execution, run_id: UUID) -> None:
    with suppress(ValidationError):  # started by hand, under the id of a run
        name_run_in_log(ExecutionInput.model_validate_json(execution.input or "").run)
    name_in_log(run_id=str(run_id))
