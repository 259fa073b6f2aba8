"""Ends a run: the last state of every machine; and writes of a task that it has failed, where its run goes on."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import logs_invocation, name_run_in_log
from stepcall.runtime.wiring import worker_dependencies
from stepcall.runtime.worker import errors_for_the_machine
from stepcall.use_cases.finish_run import RunEnding, finish_run
from stepcall.use_cases.record_failure import TaskFailure, record_failure


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    told = TaskFailure.model_validate(event) if "ref" in event else RunEnding.model_validate(event)
    name_run_in_log(told.run)
    with errors_for_the_machine():
        _record(told)


def _record(told: TaskFailure | RunEnding) -> None:
    if isinstance(told, TaskFailure):
        record_failure(told, worker_dependencies())
    else:
        finish_run(told, worker_dependencies())
