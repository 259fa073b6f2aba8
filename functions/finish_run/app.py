"""Ends a run: the last state of every machine."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import logs_invocation, name_run_in_log
from stepcall.runtime.wiring import worker_dependencies
from stepcall.runtime.worker import errors_for_the_machine
from stepcall.use_cases.finish_run import RunEnding, finish_run


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    ending = RunEnding.model_validate(event)
    name_run_in_log(ending.run)
    with errors_for_the_machine():
        finish_run(ending, worker_dependencies())
