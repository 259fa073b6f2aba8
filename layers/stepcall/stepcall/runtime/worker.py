"""The door of what state machines call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.domain.errors import ErrorReason, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskImplementation
from stepcall.runtime.observability import logger, logs_invocation, name_run_in_log
from stepcall.runtime.wiring import worker_dependencies
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError
from stepcall.use_cases.finish_run import RunFailedError
from stepcall.use_cases.run_task import NothingToAwaitError, TaskInvocation, run_task
from stepcall.use_cases.state_error import IN_RECORD

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, str] | None]


def task_handler(implementations: Callable[[], Mapping[str, TaskImplementation]]) -> Handler:
    """A Lambda handler that does tasks; `implementations` is called once, at the first task."""
    load = cache(implementations)

    @logs_invocation
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str] | None:
        """What is prepared, for the machine: a query's name, a wait's end, elements' indexes. It needs nothing else."""
        invocation = TaskInvocation.model_validate(event)
        name_run_in_log(invocation.run, ref=invocation.instance_ref, attempt=invocation.attempt)
        with errors_for_the_machine():
            prepared = run_task(
                invocation, load(), lambda: context.get_remaining_time_in_millis() / 1000, worker_dependencies()
            )
        return prepared._asdict() if prepared else None

    return lambda_handler


@contextmanager
def errors_for_the_machine() -> Iterator[None]:
    """Raise what Retry and Catch know, without details: Step Functions keeps those in the execution's history."""
    try:
        yield
    except TaskError as error:
        # what the author is told stands in the run's record; a traceback helps only where the fault is ours
        log = logger.exception if error.reason is ErrorReason.INTERNAL_ERROR else logger.info
        log("task_failed", extra={"reason": error.reason})
        raise type(error)(error.reason, IN_RECORD) from None
    except LateAttemptError as error:
        logger.info("late_news_ignored")
        raise error from None
    except NothingToAwaitError as error:
        logger.info("nothing_to_await")
        raise error from None
    except (RunHasEndedError, RunFailedError) as error:
        logger.info("run_has_ended")
        raise error from None
    except Exception:
        # a store or a client of ours: nothing is lost by another attempt
        logger.exception("attempt_failed")
        raise RetryableTaskError(ErrorReason.INTERNAL_ERROR, IN_RECORD) from None
