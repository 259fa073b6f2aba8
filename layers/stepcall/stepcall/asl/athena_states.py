"""The states of a query that Athena runs. Imported when there is one: a cold start has no time for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from stepcall.asl.phases import collecting, preparing
from stepcall.asl.states import ALL_ERRORS, QUERY_PATH, AslObject, Catcher, LambdaTaskState, Retrier, rules_to_asl

ATHENA_QUERY = "arn:aws:states:::athena:startQueryExecution.sync"
QUERY_SUFFIX, RESULT_SUFFIX = " query", " result"
# Athena ends a query itself after 30 minutes, unless the account has asked for more; it may wait in its queue before
QUERY_TIMEOUT_SECONDS = 3600
# the statement's name is the token of the request: whatever came of the first attempt, one query runs
ATHENA_TRANSIENT = Retrier(
    error_equals=(
        "Athena.TooManyRequestsException",
        "Athena.InternalServerException",
        "Athena.AmazonAthenaException",
        "Athena.SdkClientException",
    ),
    interval_seconds=2,
    max_attempts=6,
    backoff_rate=2.0,
)
STATEMENT: Mapping[str, str] = {"statement.$": "$.Payload.statement"}


@dataclass(frozen=True, slots=True)
class AthenaQueryState:
    """A Task state that runs a prepared statement on Athena and waits for its end, with nothing that polls.

    The statement is named by `$.query`. Neither SQL nor a value stands in the machine, nor in what it is given.
    """

    events_of_attempt: ClassVar[int] = 4

    name: str
    work_group: str
    timeout_seconds: int
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]
    next: str

    def to_asl(self) -> AslObject:
        return {
            "Type": "Task",
            "Resource": ATHENA_QUERY,
            "Parameters": {
                "QueryString.$": f"States.Format('EXECUTE {{}}', {QUERY_PATH}.statement)",
                "WorkGroup": self.work_group,
                "ClientRequestToken.$": f"{QUERY_PATH}.statement",
            },
            "ResultSelector": {"id.$": "$.QueryExecution.QueryExecutionId"},
            "ResultPath": f"{QUERY_PATH}.execution",
            "TimeoutSeconds": self.timeout_seconds,
            "Retry": rules_to_asl(self.retry),
            "Catch": rules_to_asl(self.catch),
            "Next": self.next,
        }


def athena_states(
    task: LambdaTaskState, work_group: str, limit_seconds: int | None = None
) -> Iterator[LambdaTaskState | AthenaQueryState]:
    """The worker names a statement, Athena executes it, and what comes of that the worker writes into the record.

    `task` is the state that a query is where its worker does all of it; `limit_seconds` is how long its author lets the
    query take.
    """
    query, result = f"{task.name}{QUERY_SUFFIX}", f"{task.name}{RESULT_SUFFIX}"
    failed = Catcher((ALL_ERRORS,), next=result, result_path=f"{QUERY_PATH}.error")
    yield preparing(task, query, STATEMENT, QUERY_PATH)
    limit = limit_seconds or QUERY_TIMEOUT_SECONDS
    yield AthenaQueryState(query, work_group, limit, (ATHENA_TRANSIENT,), (failed,), result)
    yield collecting(task, result, **{"query.$": QUERY_PATH})
