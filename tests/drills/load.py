"""`make load`: many executions at once over HTTP, then whether table, bus and webhooks agree that all have ended.

RUNS and CONCURRENCY say how many; 1 when something was lost.
"""

import logging
import math
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid5

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.domain.run import RunStatus
from tests.drills.hooks import Hook, Hooks, count_out_of_order, served_hooks
from tests.drills.run_changes import RunChanges, changes_of
from tests.functional.run_event_queue import RunEventQueue, queue_on
from tests.local.http_client import Client
from tests.sample_workflows import declare, give, transform, workflow

STATUSES = (RunStatus.RUNNING, RunStatus.COMPLETED)
"""What events tell of a run that completes."""
MAX_RUNNING_RUNS = 32
"""The others wait for their turn: hundreds of moto's machines at once, each with its threads, starve each other until
functions exceed their time limits. And so what waits is counted, too."""
HOOK = "/load"
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
    """How often each event came on the bus, by its id."""
    hooks: Sequence[Hook]
    """What the receiver of the workflow's webhook got, in its order."""
    told_after: float
    """Seconds from the first call until the last event and webhook that is owed."""

    @property
    def sent_again(self) -> int:
        return sum(run.calls - 1 for run in self.started)

    @property
    def owed(self) -> set[str]:
        return {str(uuid5(UUID(run.run_id), status.value)) for run in self.started for status in STATUSES}

    def losses(self, runs: int) -> list[str]:
        ids = {one.run_id for one in self.started}
        hooked = {hook.webhook_id for hook in self.hooks if hook.webhook_id}
        found = {
            "runs that were not accepted, or not with an id of their own": runs - len(ids),
            "runs that are not COMPLETED in the table": max(0, runs - self.statuses[RunStatus.COMPLETED]),
            "runs too many in the table": max(0, self.statuses.total() - runs),
            "events that did not come": len(self.owed - self.events.keys()),
            "events of nothing": len(self.events.keys() - self.owed),
            "webhooks that did not come": len(self.owed - hooked),
            "webhooks of nothing": len(hooked - self.owed),
            "webhooks that do not verify": sum(not hook.webhook_id for hook in self.hooks),
            "webhooks out of their order": count_out_of_order(self.hooks),
        }
        return [f"{number} {what}" for what, number in found.items() if number]

    def lines(self) -> Iterator[str]:
        latencies = sorted(one.seconds * 1000 for one in self.started)
        cuts = statistics.quantiles(latencies, n=100, method="inclusive")
        runs = len(self.started)
        yield f"{runs} executions in {self.seconds:.1f} s: {runs / self.seconds:.1f} a second"
        percentiles = ", ".join(f"p{percent} {cuts[percent - 1]:.0f} ms" for percent in (50, 90, 99))
        yield f"accepted after: {percentiles}, at most {latencies[-1]:.0f} ms; sent again {self.sent_again} times"
        yield "runs table: " + ", ".join(f"{number} {status}" for status, number in self.statuses.items())
        repeated = self.events.total() - len(self.events)
        yield f"events: {len(self.events)} of {len(self.owed)}, {repeated} repeated"
        verified = Counter(hook.webhook_id for hook in self.hooks if hook.webhook_id)
        repeated = verified.total() - len(verified)
        yield f"webhooks verified: {len(verified)} of {len(self.owed)}, {repeated} repeated"
        yield f"all was told after {self.told_after:.1f} s"
        yield from (f"{number} FAILED: {error}" for error, number in self.errors.items())


class Service(NamedTuple):
    """What is loaded, and what tells of it."""

    stack: LocalStack
    changes: RunChanges
    queue: RunEventQueue
    hooks: Hooks

    def look(self) -> None:
        """The queue is read all the while: moto goes through all that is in it at each message."""
        self.changes.read()
        self.queue.arrived()

    def has_told(self, number: int) -> bool:
        """Whether so many events have come, and as many webhooks; again is not more."""
        events = {event["detail"]["event_id"] for of_run in self.queue.arrived().values() for event in of_run}
        hooks = {dict(came.headers)["webhook-id"] for came in list(self.hooks.came[HOOK])}
        return min(len(events), len(hooks)) >= number


@contextmanager
def loaded_stack() -> Iterator[Service]:
    parameters = {"MaxRunningRuns": str(MAX_RUNNING_RUNS)}
    with served_hooks(time.time) as hooks, LocalStack(allowed_hosts=(hooks.address,), parameters=parameters) as stack:
        [publisher] = [one for one in stack.deployment.functions if one.logical_id == "PublishRunEventsFunction"]
        with changes_of(stack) as changes, queue_on(publisher.variables["EVENT_BUS"]) as queue:
            yield Service(stack, changes, queue, hooks)


def load(service: Service, runs: int, concurrency: int) -> Load:
    url, client = service.stack.url, Client(service.stack.url)
    workflow_id: str = client("POST", "/workflows", DEFINITION, x_api_key=API_KEY).json["workflow_id"]
    secret = subscribe(client, workflow_id, service.hooks.url(HOOK))
    began = time.monotonic()
    deadline = began + LEAST_SECONDS + runs * SECONDS_PER_RUN
    shares = [range(number, runs, concurrency) for number in range(concurrency)]
    with ThreadPoolExecutor(concurrency) as threads:
        begun = [threads.submit(start_all, url, workflow_id, share) for share in shares]
        look_until(service, lambda: all(share.done() for share in begun), math.inf)
    started = [one for share in begun for one in share.result()]
    is_over = partial(have_ended, service.changes, str(read_workflow_id(workflow_id)), len(started))
    look_until(service, is_over, deadline)
    seconds = time.monotonic() - began
    look_until(service, lambda: service.has_told(len(STATUSES) * len(started)), deadline)
    told_after = time.monotonic() - began
    seen = service.changes.of_workflow(str(read_workflow_id(workflow_id))).values()
    return Load(
        started,
        seconds,
        Counter(run.statuses[-1] for run in seen),
        Counter(run.error for run in seen if run.error),
        Counter(event["detail"]["event_id"] for events in service.queue.arrived().values() for event in events),
        service.hooks.told(HOOK, secret),
        told_after,
    )


def subscribe(client: Client, workflow_id: str, url: str) -> str:
    """To all events; the secret."""
    made = client("POST", f"/workflows/{workflow_id}/webhooks", {"url": url}, x_api_key=API_KEY)
    assert made.status == 201, made
    secret: str = made.json["secret"]
    return secret


def have_ended(changes: RunChanges, workflow_id: str, number: int) -> bool:
    return sum(run.is_over for run in changes.of_workflow(workflow_id).values()) >= number


def look_until(service: Service, is_so: Callable[[], bool], deadline: float) -> None:
    while not is_so() and time.monotonic() < deadline:
        service.look()
        time.sleep(LOOK_SECONDS)


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


def main() -> int:
    logging.disable(logging.CRITICAL)
    runs, concurrency = int(os.environ.get("RUNS", "2000")), int(os.environ.get("CONCURRENCY", "64"))
    with loaded_stack() as service:
        came = load(service, runs, concurrency)
    for line in came.lines():
        print(line)
    losses = came.losses(runs)
    print("LOST " + "; ".join(losses) if losses else "nothing lost")
    return int(bool(losses))


if __name__ == "__main__":
    sys.exit(main())
