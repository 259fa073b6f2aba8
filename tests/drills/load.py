"""`make load`: many executions at once over HTTP, then whether table, events and bus agree that all have ended.

RUNS and CONCURRENCY say how many; 1 when something was lost.
"""

import logging
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid5

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.domain.run import RunStatus
from tests.drills.run_changes import RunChanges, RunSeen, changes_of
from tests.functional.run_event_queue import RunEventQueue, queue_on
from tests.local.http_client import Client
from tests.sample_workflows import declare, give, transform, workflow

STATUSES = (RunStatus.RUNNING, RunStatus.COMPLETED)
"""What events tell of a run that completes."""
LOOK_SECONDS = 0.25
CALLS = 5
SECONDS_PER_RUN = 0.5
LEAST_SECONDS = 60.0
DEFINITION = workflow(
    transform("first", "{{input.number}}"),
    transform("second", "{{refs.first.output.result}}"),
    inputs=[declare("number", "integer")],
    outputs=[give("number", "{{refs.second.output.result}}", "integer")],
)


class Started(NamedTuple):
    run_id: str
    seconds: float
    """Until it was accepted."""
    calls: int
    """One, and more where an answer was no use."""


class Load(NamedTuple):
    started: Sequence[Started]
    seconds: float
    """From the first call until the last run had ended."""
    statuses: Counter[RunStatus]
    """Of the runs in the table."""
    errors: Counter[str]
    """Of those that are FAILED."""
    events: Counter[str]
    """How often each event came, by its id."""
    told_after: float
    """Seconds from the first call until the last event that is owed."""

    @property
    def sent_again(self) -> int:
        return sum(run.calls - 1 for run in self.started)

    @property
    def owed(self) -> set[str]:
        return {str(uuid5(UUID(run.run_id), status.value)) for run in self.started for status in STATUSES}

    def losses(self, runs: int) -> list[str]:
        ids = {one.run_id for one in self.started}
        found = {
            "runs that were not accepted, or not with an id of their own": runs - len(ids),
            "runs that are not COMPLETED in the table": max(0, runs - self.statuses[RunStatus.COMPLETED]),
            "runs too many in the table": max(0, self.statuses.total() - runs),
            "events that did not come": len(self.owed - self.events.keys()),
            "events of nothing": len(self.events.keys() - self.owed),
        }
        return [f"{number} {what}" for what, number in found.items() if number]

    def lines(self) -> Iterator[str]:
        latencies = sorted(one.seconds * 1000 for one in self.started)
        cuts = statistics.quantiles(latencies, n=100)
        runs = len(self.started)
        yield f"{runs} executions in {self.seconds:.1f} s: {runs / self.seconds:.0f} a second"
        percentiles = ", ".join(f"p{percent} {cuts[percent - 1]:.0f} ms" for percent in (50, 90, 99))
        yield f"accepted after: {percentiles}, at most {latencies[-1]:.0f} ms; sent again {self.sent_again} times"
        yield "runs table: " + ", ".join(f"{number} {status}" for status, number in self.statuses.items())
        repeated = self.events.total() - len(self.events)
        yield f"events: {len(self.events)} of {len(self.owed)}, {repeated} repeated, all after {self.told_after:.1f} s"
        yield from (f"{number} FAILED: {error}" for error, number in self.errors.items())


@contextmanager
def loaded_stack() -> Iterator[tuple[LocalStack, RunChanges, RunEventQueue]]:
    with LocalStack() as stack:
        [publisher] = [one for one in stack.deployment.functions if one.logical_id == "PublishRunEventsFunction"]
        with changes_of(stack) as changes, queue_on(publisher.variables["EVENT_BUS"]) as queue:
            yield stack, changes, queue


def load(stack: LocalStack, changes: RunChanges, queue: RunEventQueue, runs: int, concurrency: int) -> Load:
    client = Client(stack.url)
    workflow_id: str = client("POST", "/workflows", DEFINITION, x_api_key=API_KEY).json["workflow_id"]
    began = time.monotonic()
    deadline = began + LEAST_SECONDS + runs * SECONDS_PER_RUN
    shares = [range(number, runs, concurrency) for number in range(concurrency)]
    with ThreadPoolExecutor(concurrency) as threads:
        done = list(threads.map(partial(start_all, stack.url, workflow_id), shares))
    started = [one for share in done for one in share]
    runs_seen = wait_for_ends(changes, str(read_workflow_id(workflow_id)), len(started), deadline)
    seconds = time.monotonic() - began
    statuses = Counter(run.statuses[-1] for run in runs_seen)
    errors = Counter(run.error for run in runs_seen if run.error)
    events = wait_for_events(queue, len(started) * len(STATUSES), deadline)
    return Load(started, seconds, statuses, errors, events, time.monotonic() - began)


def start_all(url: str, workflow_id: str, numbers: range) -> list[Started]:
    """One after the other, as one client does; what is not accepted is missing."""
    client = Client(url, timeout=60)
    started = [run for number in numbers if (run := start_one(client, workflow_id, number))]
    client.close()
    return started


def start_one(client: Client, workflow_id: str, number: int) -> Started | None:
    path, body, began = f"/workflows/{workflow_id}/execute", {"input": {"number": number}}, time.monotonic()
    for call in range(1, CALLS + 1):
        answer = client("POST", path, body, x_api_key=API_KEY, idempotency_key=f"{workflow_id}-{number}")
        if answer.status == 202:
            return Started(str(read_run_id(answer.json["execution_id"])), time.monotonic() - began, call)
    return None


def wait_for_ends(changes: RunChanges, workflow_id: str, number: int, deadline: float) -> list[RunSeen]:
    while True:
        changes.read()
        runs = list(changes.of_workflow(workflow_id).values())
        if sum(run.is_over for run in runs) >= number or time.monotonic() > deadline:
            return runs
        time.sleep(LOOK_SECONDS)


def wait_for_events(queue: RunEventQueue, number: int, deadline: float) -> Counter[str]:
    while True:
        told = Counter(event["detail"]["event_id"] for events in queue.arrived().values() for event in events)
        if len(told) >= number or time.monotonic() > deadline:
            return told
        time.sleep(LOOK_SECONDS)


def main() -> int:
    logging.disable(logging.CRITICAL)
    runs, concurrency = int(os.environ.get("RUNS", "2000")), int(os.environ.get("CONCURRENCY", "64"))
    with loaded_stack() as (stack, changes, queue):
        came = load(stack, changes, queue, runs, concurrency)
    for line in came.lines():
        print(line)
    losses = came.losses(runs)
    print("LOST " + "; ".join(losses) if losses else "nothing lost")
    return int(bool(losses))


if __name__ == "__main__":
    sys.exit(main())
