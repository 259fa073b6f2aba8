"""When tasks and runs have ended, as the runs table's stream tells: much more than starting the runs that wait.

Machines that wait for tasks are told, tasks that wait for child runs are ended, children of runs that were stopped are
cancelled, slots are given back, and those who wait for them start. One function, as the stream bears no third reader.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcall.runtime.observability import log_fact, logs_invocation
from stepcall.runtime.run_stream import StreamBatch, failures_from
from stepcall.runtime.wiring import engine, start_dependencies
from stepcall.use_cases.follow_children import follow_children
from stepcall.use_cases.start_waiting_runs import start_waiting_runs
from stepcall.use_cases.tell_machines import tell_machines

MARGIN_MILLISECONDS = 15_000  # for a call that AWS leaves without an answer, and that its client repeats


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Which record the stream has to go on from, if not after the last."""
    batch, deps = StreamBatch.model_validate(event), start_dependencies()

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > MARGIN_MILLISECONDS

    changes, ends = list(batch.changes()), list(batch.task_ends())
    untold = tell_machines(ends, engine(), log_fact)
    unfollowed = follow_children(changes, ends, batch.failures_of_each(), deps, has_time)
    return failures_from(untold, start_waiting_runs(changes, deps, has_time), *unfollowed)
