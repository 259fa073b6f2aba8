"""Makes one attempt to deliver a webhook, or gives it up: statemachine/webhook_delivery.asl.json.

It is given up after the last attempt, and when the execution that makes them has ended otherwise than well.
"""

import random
import time
from functools import cache
from typing import Any
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Json

from deliver_webhook.post import post_with
from stepcall.guarded_http.client import GuardedHttp
from stepcall.runtime.allowed_hosts import AllowedHostSettings
from stepcall.runtime.background_wiring import metrics
from stepcall.runtime.delivery_wiring import deliveries, delivery_machine
from stepcall.runtime.observability import log_fact, logs_invocation, name_run_in_log
from stepcall.runtime.webhook_wiring import webhook_secrets, webhooks
from stepcall.runtime.wiring import now
from stepcall.runtime.worker import errors_for_the_machine
from stepcall.use_cases.deliver_webhook import DeliveryDependencies, WantedAttempt, deliver_webhook, give_up
from stepcall.version import VERSION


class Asked(BaseModel):
    """What the state machine sends: for an attempt, or to give up. What it was started with has the first six."""

    model_config = ConfigDict(frozen=True)

    run_id: UUID
    tenant: str
    correlation_id: str
    target: str
    sequence: int
    round: int
    attempt: int = 0
    wait_seconds: int = 0
    give_up: bool = False

    def wanted(self) -> WantedAttempt:
        return WantedAttempt(self.run_id, self.target, self.sequence, self.round, self.attempt, self.wait_seconds)


class Execution(BaseModel):
    """One that somebody has stopped, or that failed."""

    model_config = ConfigDict(frozen=True)

    input: Json[Asked]


class StatusChange(BaseModel):
    """EventBridge's `Step Functions Execution Status Change`."""

    model_config = ConfigDict(frozen=True)

    detail: Execution


@cache
def dependencies() -> DeliveryDependencies:
    http = GuardedHttp(AllowedHostSettings.from_env().hosts, user_agent=f"Stepcall/{VERSION}")
    return DeliveryDependencies(
        deliveries=deliveries(),
        webhooks=webhooks(),
        executions=delivery_machine(),
        secrets=webhook_secrets(),
        post=post_with(http),
        now=now,
        monotonic=time.monotonic,
        random=random.random,  # spreads load, and keeps no secret
        log=log_fact,
        metrics=metrics(),
    )


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str | int]:
    asked = read_asked(event)
    name_run_in_log(asked, target=asked.target)
    with errors_for_the_machine():
        told = (give_up if asked.give_up else deliver_webhook)(asked.wanted(), dependencies())
    return {"outcome": told.outcome.value, "wait_seconds": told.wait_seconds}


def read_asked(event: dict[str, Any]) -> Asked:
    """Of an execution that has ended, that its delivery is given up: nobody makes its attempts any more."""
    if "detail" not in event:
        return Asked.model_validate(event)
    return StatusChange.model_validate(event).detail.input.model_copy(update={"give_up": True})
