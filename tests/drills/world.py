"""The whole service in a drill's hands: its clock, its processes, its AWS calls, and what is told of runs."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import _lru_cache_wrapper
from importlib import import_module
from typing import Any, NamedTuple

import botocore.handlers
from botocore.retries.standard import ExponentialBackoff

from local.moto_world.executions import running_executions
from local.moto_world.replacing import replaced
from local.moto_world.waits import machines_wait_by
from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.aws import secrets
from stepcall.runtime import wiring
from tests.drills.aws_calls import AwsCalls, Point
from tests.drills.clock import MovedClock
from tests.drills.hooks import Hooks, served_hooks
from tests.drills.pages import Pages, served_pages
from tests.drills.processes import InOneThread, Processes
from tests.drills.run_changes import RunChanges, changes_of
from tests.functional.run_event_queue import RunEventQueue, queue_on

# Their making takes long, and they hold nothing of what was read.
KEPT_IN_WIRING = frozenset(
    {"session", "dynamodb", "stepfunctions", "s3", "lambda_", "secretsmanager", "events", "compiler"}
)
ALSO_REMEMBER = (
    "stepcall.runtime.client_wiring",
    "stepcall.runtime.background_wiring",
    "stepcall.runtime.webhook_wiring",
    "stepcall.runtime.delivery_wiring",
    "stepcall.runtime.trigger_wiring",
    "stepcall.runtime.event_wiring",
    "deliver_webhook.app",
)
MAX_RUNNING_RUNS = 500
"""What template.yaml gives a tenant."""
REST_SECONDS = 30.0
LOOKS, LOOK_SECONDS = 2, 0.001
SWEEP_PERIOD = 60.0


class RestlessError(Exception):
    """Something goes on and on."""


class Answer(NamedTuple):
    status: int
    body: Any


@dataclass
class World:
    stack: LocalStack
    clock: MovedClock
    processes: Processes
    calls: AwsCalls
    pages: Pages
    hooks: Hooks
    changes: RunChanges
    events: RunEventQueue
    began: float
    stories: int = 0
    """How many drills were begun: each has its own workflow."""
    planned: Point | None = None
    """Where the next drill does its harm."""

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request of a client; status 500 is what a gateway says of a function that has died."""
        named = {"x-api-key": API_KEY, "content-type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.stack.url + path, method=method, data=sent, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=REST_SECONDS) as answer:
                return Answer(answer.status, json.loads(answer.read() or b"null"))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, json.loads(refusal.read() or b"null"))

    def begin(self) -> int:
        """Just after a sweep: the number of a new drill."""
        self.calls.ignore()
        self.allow_running(MAX_RUNNING_RUNS)
        since = self.clock.seconds() - self.began
        self.pass_by(SWEEP_PERIOD - since % SWEEP_PERIOD + 1)
        self.stories += 1
        return self.stories

    def allow_running(self, runs: int) -> None:
        """So many of a tenant's at once, from the next invocation until the next drill."""
        os.environ["MAX_RUNNING_RUNS"] = str(runs)

    def watch(self) -> None:
        """From here on calls count, and the planned harm is done."""
        self.calls.watch(self.planned)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and all come to rest that becomes due by that."""
        self.clock.pass_by(seconds)
        self.rest()

    def rest(self) -> None:
        """Until nothing is under way and nothing is due. Raises RestlessError."""
        deadline = time.monotonic() + REST_SECONDS
        looks = 0
        while looks < LOOKS:  # between one part of a look and the next, one may have set off another
            looks = looks + 1 if self._is_at_rest() else 0
            if time.monotonic() > deadline:
                raise RestlessError(f"{self.processes.alive} functions, {len(running_executions())} executions go on")
            time.sleep(LOOK_SECONDS)

    def _is_at_rest(self) -> bool:
        return self.stack.agenda.is_idle and not self.processes.alive and not running_executions()


@contextmanager
def drill_world() -> Iterator[World]:
    """One in a process, as moto keeps one AWS."""
    clock, processes = MovedClock(), Processes(forget_processes)
    calls = AwsCalls(processes, clock.seconds)
    with ExitStack() as stack:
        handlers = calls.hooks(botocore.handlers.BUILTIN_HANDLERS)
        stack.enter_context(replaced(botocore.handlers, "BUILTIN_HANDLERS", handlers))
        stack.enter_context(replaced(ExponentialBackoff, "delay_amount", lambda *_: 0.0))
        stack.enter_context(replaced(wiring, "now", clock.now))
        stack.enter_context(replaced(futures, "ThreadPoolExecutor", InOneThread))
        # held while a secret is read: who dies then would hold up other processes, which it is not there for
        stack.enter_context(replaced(secrets, "Lock", nullcontext))
        stack.callback(forget_processes, kept=frozenset())
        forget_processes(kept=frozenset())
        pages = stack.enter_context(served_pages(lambda: clock.now().timestamp()))
        began = clock.seconds()
        hooks = stack.enter_context(served_hooks(clock.seconds))
        local = LocalStack(allowed_hosts=(pages.address, hooks.address), now=clock.seconds, run=processes.run)
        stack.enter_context(local)
        stack.enter_context(replaced(import_module("deliver_webhook.app"), "now", clock.now))
        clock.moved = local.agenda.wake
        stack.enter_context(machines_wait_by(clock.pass_by))
        processes.names |= {function.name: function.handler.split(".")[0] for function in local.deployment.functions}
        [publisher] = [one for one in local.deployment.functions if one.logical_id == "PublishRunEventsFunction"]
        events = stack.enter_context(queue_on(publisher.variables["EVENT_BUS"]))
        changes = stack.enter_context(changes_of(local))
        yield World(local, clock, processes, calls, pages, hooks, changes, events, began)


def forget_processes(kept: frozenset[str] = KEPT_IN_WIRING) -> None:
    """The next invocation is the first of a new process: it remembers nothing of what others have read."""
    modules = [wiring, *(module for name in ALSO_REMEMBER if (module := sys.modules.get(name)))]
    for name, value in [item for module in modules for item in vars(module).items()]:
        if isinstance(value, _lru_cache_wrapper) and name not in kept:
            value.cache_clear()
