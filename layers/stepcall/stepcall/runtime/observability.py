"""Logs: one JSON line per fact, with its keys."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

if TYPE_CHECKING:  # not every function has use cases
    from stepcall.use_cases.dependencies import NamedRun

AnswerT = TypeVar("AnswerT")
Handler = Callable[[dict[str, Any], LambdaContext], AnswerT]
CORRELATION_ID = "correlation_id"

logger = Logger(service="stepcall")
KEYS = logger.registered_formatter
"""What lines say besides their own facts. The logger has the same methods, and looks for this at each call: 5 µs."""
# At DEBUG these write what they send and receive: keys, customers' data. Lambda sets the level of all loggers at once.
for talkative in ("botocore", "urllib3", "httpx", "httpx2", "httpcore2", "openai"):
    logging.getLogger(talkative).setLevel(logging.INFO)


def log_fact(event: str, /, **facts: str) -> None:
    """See `use_cases.dependencies.Log`."""
    logger.info(event, extra=facts)


def logs_invocation(handler: Handler[AnswerT]) -> Handler[AnswerT]:
    """A Lambda handler whose lines say of which invocation they are, and nothing that an earlier one has named."""
    # not Powertools' `inject_lambda_context`: it takes 20 µs more of each request, and names one for all threads
    cold_starts = iter((True,))

    @wraps(handler)
    def begin(event: dict[str, Any], context: LambdaContext) -> AnswerT:
        KEYS.thread_safe_clear_keys()
        name_in_log(
            cold_start=next(cold_starts, False),
            function_name=context.function_name,
            function_request_id=context.aws_request_id,
        )
        return handler(event, context)

    return begin


def name_in_log(**keys: object) -> None:
    """What each further line of this invocation says."""
    # not `append_keys`: the local stack has an invocation in each of its threads, and that is one set for all of them
    KEYS.thread_safe_append_keys(**keys)


def name_run_in_log(run: "NamedRun", **more: object) -> None:
    """What each further line says that is about this run."""
    name_in_log(run_id=str(run.run_id), tenant=run.tenant, correlation_id=run.correlation_id, **more)


@contextmanager
def log_about(run: "NamedRun") -> Iterator[None]:
    """See `use_cases.dependencies.AboutRun`."""
    before = dict(KEYS.thread_safe_get_current_keys())
    name_run_in_log(run)
    try:
        yield
    finally:  # a face that lets in another's run goes on with its own
        KEYS.thread_safe_clear_keys()
        name_in_log(**before)


def correlation_id() -> str:
    """Of the request at hand; empty outside of one."""
    return str(KEYS.thread_safe_get_current_keys().get(CORRELATION_ID, ""))
