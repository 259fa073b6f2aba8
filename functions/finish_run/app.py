"""Ends a run: the last state of every machine."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import logger
from stepcall.runtime.wiring import worker_dependencies
from stepcall.runtime.worker import errors_for_the_machine
from stepcall.use_cases.finish_run import RunEnding, finish_run


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    ending = RunEnding.model_validate(event)
    with errors_for_the_machine(run_id=str(ending.run.run_id)):
        finish_run(ending, worker_dependencies())
