"""Deliveries with memory stores and a receiver: each test plays stream and state machine, and may cut in anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from stepcall.domain.delivery import Delivery
from stepcall.domain.run import Run, RunStatus, StoredPayload
from stepcall.domain.run_events import RunChange, RunEvent, event_of
from stepcall.domain.webhook import Webhook, WebhookEvent
from stepcall.domain.webhook_answer import Answered, NotAnswered
from stepcall.runtime.webhook_secrets import WebhookSecrets
from stepcall.stores.memory_delivery_store import MemoryDeliveryStore
from stepcall.stores.memory_webhook_store import MemoryWebhookStore
from stepcall.use_cases.deliver_webhook import (
    DeliveryDependencies,
    Outcome,
    Told,
    WantedAttempt,
    deliver_webhook,
    give_up,
)
from stepcall.use_cases.metrics import Measured
from stepcall.use_cases.tell_webhooks import AtOnce, FanOutDependencies, tell_webhooks
from tests.clock import Clock

CREATED = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
OK = Answered(204)
NO = Answered(500)
RUN = Run(
    run_id=UUID("01a1fd64-0a87-7afb-b908-fd2cd89523af"),
    tenant="acme",
    principal="nightly",
    workflow_id=UUID("01a1fd63-b6c9-7b32-a1d4-5f0c6e7a8b90"),
    workflow_version=3,
    workflow_name="Brief mich",
    content_hash="0" * 32,
    status=RunStatus.RUNNING,
    created_at=CREATED,
    started_at=CREATED + timedelta(seconds=1),
    input=StoredPayload(4, "null"),
)
WEBHOOK = Webhook(
    tenant=RUN.tenant,
    workflow_id=RUN.workflow_id,
    webhook_id=UUID("01a1fd63-b6c9-7b32-a1d4-000000000001"),
    url="https://example.com/hook?key=secret",
    events=frozenset(WebhookEvent),
    created_at=CREATED,
)


class CrashError(Exception):
    """The process dies here."""


class OutageError(Exception):
    """AWS does not take the call now."""


def event(status: RunStatus = RunStatus.RUNNING, run: Run = RUN) -> RunEvent:
    ended = replace(run, status=status, completed_at=CREATED + timedelta(seconds=9)) if status.has_ended else run
    told = event_of(RunChange(ended, RunStatus.PENDING))
    assert told
    return told


@dataclass
class FakeExecutions:
    """Executions that run until the test plays them; of one name there is one."""

    started: dict[str, Delivery] = field(default_factory=dict)

    def start(self, delivery: Delivery) -> None:
        self.started.setdefault(delivery.execution_name, delivery)


class Watched:
    """Passes calls on to a store, and tells before and after each."""

    def __init__(self, inner: Any, pass_by: Callable[[], None]) -> None:
        self._inner = inner
        self._pass_by = pass_by

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._pass_by()
            answer = method(*args, **kwargs)
            self._pass_by()
            return answer

        return call


@dataclass
class DeliveryWorld:
    """`waits` is the schedule behind each attempt; `answers` what the receiver answers, the last for ever."""

    waits: Sequence[int] = (5, 300, 0)
    answers: list[Answered | NotAnswered] = field(default_factory=lambda: [OK])
    clock: Clock = field(default_factory=Clock)
    deliveries: Any = field(default_factory=MemoryDeliveryStore)
    webhooks: Any = field(default_factory=MemoryWebhookStore)
    executions: Any = field(default_factory=FakeExecutions)
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    cuts: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens at the point of that number."""
    at_once: AtOnce = map
    points: int = 0
    """How many points have been passed."""
    finished: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.all_executions = self.executions
        self.deliveries = Watched(self.deliveries, self._pass_by)
        self.executions = Watched(self.executions, self._pass_by)

    def _pass_by(self) -> None:
        self.points += 1
        if cut := self.cuts.pop(self.points, None):
            cut()

    def log(self, name: str, /, **_: str) -> None:
        self.logged.append(name)

    def post(self, url: str, headers: Any, body: bytes) -> Answered | NotAnswered:
        self.posted.append((url, dict(headers), body))
        self.clock.sleep(0.25)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def tell(self, *events: RunEvent, has_time: Callable[[], bool] = lambda: True) -> int | None:
        deps = FanOutDependencies(
            webhooks=self.webhooks,
            deliveries=self.deliveries,
            executions=self.executions,
            is_outage=lambda error: isinstance(error, OutageError),
            log=self.log,
            at_once=self.at_once,
        )
        return tell_webhooks(events, deps, has_time)

    @property
    def sender(self) -> DeliveryDependencies:
        return DeliveryDependencies(
            deliveries=self.deliveries,
            webhooks=self.webhooks,
            executions=self.executions,
            secrets=WebhookSecrets(lambda: "s" * 64),
            post=self.post,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            random=lambda: 0.5,
            log=self.log,
            metrics=self.measured.append,
        )

    def attempt(self, delivery: Delivery, number: int = 1, wait: int | None = None) -> Told:
        planned = self.waits[number - 1] if wait is None else wait
        of_round = (delivery.run_id, delivery.target, delivery.sequence, delivery.round)
        return deliver_webhook(WantedAttempt(*of_round, number, planned), self.sender)

    def give_up(self, delivery: Delivery) -> Told:
        of_round = (delivery.run_id, delivery.target, delivery.sequence, delivery.round)
        return give_up(WantedAttempt(*of_round, 0, 0), self.sender)

    def play(self) -> None:
        """Every execution to its end, as the state machine goes; what they start, too."""
        while ahead := [name for name in self.all_executions.started if name not in self.finished]:
            for name in ahead:
                self.finished.add(name)
                self._play_one(self.all_executions.started[name])

    def _play_one(self, delivery: Delivery) -> None:
        for number in range(1, len(self.waits) + 1):
            told = self.attempt(delivery, number)
            if told.outcome is not Outcome.RETRY:
                return
            self.clock.sleep(told.wait_seconds)
        self.give_up(delivery)

    def all(self, run: Run = RUN) -> list[Delivery]:
        """By sequence."""
        of_run = self.deliveries.list_by_run(run.run_id, limit=1000).deliveries
        return sorted(of_run, key=lambda delivery: (delivery.sequence, delivery.target))

    def only(self) -> Delivery:
        [delivery] = self.all()
        return delivery
