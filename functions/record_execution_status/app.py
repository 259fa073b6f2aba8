"""Ends a run whose execution Step Functions says has ended, where the machine has not written the run's end itself."""

from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from stepcall.domain.ids import MalformedIdError, read_execution_name
from stepcall.runtime.observability import log_fact, logger
from stepcall.runtime.wiring import worker_dependencies
from stepcall.use_cases.end_unseen_run import end_unseen_run
from stepcall.use_cases.engine import ExecutionStatus


class Execution(BaseModel):
    """An execution that has ended otherwise than well."""

    model_config = ConfigDict(frozen=True)

    name: str
    """The id of its run, and the attempt of it behind the first."""
    status: Literal[ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED]


class StatusChange(BaseModel):
    """EventBridge's `Step Functions Execution Status Change`."""

    model_config = ConfigDict(frozen=True)

    detail: Execution


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    execution = StatusChange.model_validate(event).detail
    try:
        run = read_execution_name(execution.name)
    except MalformedIdError:
        log_fact("execution_of_no_run", execution=execution.name)  # somebody has started the machine by hand
        return
    end_unseen_run(run, execution.status, worker_dependencies())
